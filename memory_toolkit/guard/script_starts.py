"""Makes Streamlit start a script again whose thread found no memory to start with."""

from __future__ import annotations

import sys
import time
from typing import Any
from weakref import WeakKeyDictionary

_MODULE = "streamlit.runtime.app_session"
# A script is tried again so often and for so long, and its thread looked at so often.
_RETRY_SECONDS, _MAX_RETRY_SECONDS = 0.1, 10.0
_LOOK_SECONDS = 0.25

_create: Any = None
# Of each session the rerun that no thread has begun with, joined from several as Streamlit does.
_waiting: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def watch_scripts() -> None:
    """Let a rerun be tried again from now on when its thread finds no memory, for ten seconds.

    Streamlit itself empties the page and shows an error when the thread of a script does not start,
    and waits for ever when it ends before it has begun with the script. Whoever holds the memory is
    about to end, so it is tried again from the event loop, which goes on meanwhile; reruns that
    come in the meantime are joined, and no click is lost. To be called once Streamlit is imported;
    it is not imported for this. Source: Streamlit 1.67, AppSession._create_scriptrunner.
    """
    global _create
    module: Any = sys.modules.get(_MODULE)
    if module is not None and _create is None:
        _create = module.AppSession._create_scriptrunner
        module.AppSession._create_scriptrunner = _create_watched


def leave_scripts() -> None:
    """Undo `watch_scripts`."""
    global _create
    if _create is not None:
        module: Any = sys.modules[_MODULE]
        module.AppSession._create_scriptrunner, _create = _create, None


def _create_watched(session: Any, data: Any) -> None:
    if session in _waiting:
        _waiting[session].request_rerun(data)
    else:
        _begin(session, data, time.monotonic() + _MAX_RETRY_SECONDS)


def _begin(session: Any, data: Any, deadline: float) -> None:
    """Start a thread, or wait for memory to do so."""
    from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests

    try:
        (_create or type(session)._create_scriptrunner)(session, data)
    except MemoryError as error:
        if time.monotonic() >= deadline:
            session.handle_backmsg_exception(error)
            return
        _waiting[session] = ScriptRequests()
        _waiting[session].request_rerun(data)
        session._event_loop.call_later(_RETRY_SECONDS, _begin_again, session, deadline)
    else:
        runner = session._scriptrunner
        session._event_loop.call_later(_LOOK_SECONDS, _look, session, runner, deadline)


def _begin_again(session: Any, deadline: float) -> None:
    requests = _waiting.pop(session)
    if session._state.name != "SHUTDOWN_REQUESTED":
        _begin(session, requests.on_scriptrunner_ready().rerun_data, deadline)


def _look(session: Any, runner: Any, deadline: float) -> None:
    """Look whether a thread has ended otherwise than with the script, and begin with another."""
    requests = runner._requests
    if runner._script_thread.is_alive():
        session._event_loop.call_later(_LOOK_SECONDS, _look, session, runner, deadline)
    elif requests._state.name != "STOP" and session._scriptrunner in (runner, None):
        session._scriptrunner = None
        if requests._state.name == "RERUN":  # it had not begun with it
            _waiting[session] = requests
            _begin_again(session, deadline)
        else:
            session.handle_backmsg_exception(MemoryError("the script's thread has ended"))
