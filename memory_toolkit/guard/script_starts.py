"""Makes Streamlit start a script again whose thread found no memory to start with.

Streamlit itself empties the page and shows an error when the thread of a script does not start, and
waits for ever when it ends before it has begun with the script. Whoever holds the memory is about
to end, so it is tried again for ten seconds from the event loop, which goes on meanwhile; reruns
that come in the meantime are joined, and no click is lost. Source: Streamlit 1.67,
AppSession._create_scriptrunner.
"""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from memory_toolkit.guard.patch import Patch

# A script is tried again so often and for so long, and its thread looked at so often.
_RETRY_SECONDS, _MAX_RETRY_SECONDS = 0.1, 10.0
_LOOK_SECONDS = 0.25

# Of each session the rerun that no thread has begun with, joined from several as Streamlit does.
_waiting: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def _create_watched(session: Any, data: Any) -> None:
    if session in _waiting:
        _waiting[session].request_rerun(data)
    else:
        _begin(session, data, time.monotonic() + _MAX_RETRY_SECONDS)


def _begin(session: Any, data: Any, deadline: float) -> None:
    """Start a thread, or wait for memory to do so."""
    from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests

    try:
        SCRIPT_STARTS.original(session, data)
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


SCRIPT_STARTS = Patch(
    "streamlit.runtime.app_session", "AppSession._create_scriptrunner", _create_watched
)
