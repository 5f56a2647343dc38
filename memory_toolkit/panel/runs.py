"""Records each run of a page or a fragment, and each callback, as an action, by itself.

Streamlit has no hook for that, so three of its functions are wrapped. Source: Streamlit 1.67,
ScriptRunner._run_script, WStates.call_callback and SessionState.on_script_will_rerun.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from streamlit.runtime.scriptrunner import script_runner
from streamlit.runtime.state import session_state
from streamlit.runtime.state.common import user_key_from_element_id

from memory_toolkit.record.actions import action

# Keys of the widgets whose change brought about the run of this thread.
_changed: ContextVar[tuple[str, ...]] = ContextVar("changed", default=())
_run: Any = script_runner.exec_func_with_error_handling
_call_callback: Any = session_state.WStates.call_callback
_will_rerun: Any = session_state.SessionState.on_script_will_rerun
_PANEL = __name__.rpartition(".")[0]


def record_runs() -> None:
    """Record runs from now on; when that is done already, once is enough."""
    changes: list[tuple[Any, str, Any]] = [
        (script_runner, "exec_func_with_error_handling", _recorded_run),
        (session_state.WStates, "call_callback", _recorded_callback),
        (session_state.SessionState, "on_script_will_rerun", _noted_rerun),
    ]
    for owner, name, wrapped in changes:
        setattr(owner, name, wrapped)


def leave_runs() -> None:
    """Record no more."""
    script_runner.exec_func_with_error_handling = _run
    session_state.WStates.call_callback = _call_callback  # type: ignore[method-assign]
    session_state.SessionState.on_script_will_rerun = _will_rerun  # type: ignore[method-assign]


def _recorded_run(function: Callable[[], Any], context: Any) -> Any:
    fragments = None
    if context.fragment_ids_this_run:
        fragments = _fragments(context)
        if not fragments:  # the panel's own, each second
            return _run(function, context)
    _changed.set(())
    measured = action("run")
    measured.__enter__()
    error: BaseException | None = None
    try:
        found = _run(function, context)
        error = found[4]  # the script's, which Streamlit has shown
        return found
    except BaseException as raised:
        error = raised
        raise
    finally:
        measured.name = " · ".join([_page(context), *(fragments or ()), *_changed.get()])
        measured.__exit__(None if error is None else type(error), error, None)


def _recorded_callback(states: Any, widget: str) -> Any:
    callback = states.widget_metadata[widget].callback if widget in states.widget_metadata else None
    function = getattr(callback, "func", callback)
    if callback is None or function.__module__.startswith(_PANEL):
        return _call_callback(states, widget)
    key = user_key_from_element_id(widget)
    with action(" · ".join(filter(None, (f"{_name(function)}()", key)))):
        return _call_callback(states, widget)


def _noted_rerun(state: Any, *arguments: Any, **options: Any) -> Any:
    found = _will_rerun(state, *arguments, **options)
    widgets = [widget for widget in state._new_widget_state if state._widget_changed(widget)]
    keys = map(user_key_from_element_id, widgets)
    _changed.set(tuple(sorted(key for key in keys if key and not key.startswith("memory"))))
    return found


def _page(context: Any) -> str:
    """Return the page's address, or the script's name where there is one page only."""
    page = context.pages_manager.get_pages().get(context.page_script_hash, {})
    named = page.get("url_pathname") or page.get("page_name")
    return str(named or Path(context.main_script_path).stem)


def _fragments(context: Any) -> list[str]:
    """Return the names of the fragments that run, without the panel's own."""
    found = []
    for fragment in context.fragment_ids_this_run:
        if context.fragment_storage.contains(fragment):
            function = _wrapped(context.fragment_storage.lookup(fragment))
            if not function.__module__.startswith(_PANEL):
                found.append(f"{_name(function)}()")
    return found


def _wrapped(fragment: Any) -> Any:
    """Return the function that a stored fragment calls, or the fragment where that is not seen."""
    names = fragment.__code__.co_freevars
    cells = dict(zip(names, fragment.__closure__ or (), strict=True))
    return cells["non_optional_func"].cell_contents if "non_optional_func" in cells else fragment


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", type(function).__name__)).rpartition(".")[2]
