"""Sessions of a Streamlit server: how many there are, and how the panel names them."""

from __future__ import annotations

from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx


def sessions() -> tuple[int, int]:
    """Return the numbers of connected sessions, and of closed ones kept in case they return."""
    manager = Runtime.instance()._session_mgr
    connected = len(manager.list_active_sessions())
    return connected, len(manager.list_sessions()) - connected


def connected_names() -> list[str]:
    """Return the names of the connected sessions."""
    return [
        found.session.id[:4] for found in Runtime.instance()._session_mgr.list_active_sessions()
    ]


def session_name() -> str | None:
    """Return the first letters of the visitor's session; None outside of sessions."""
    context = get_script_run_ctx(suppress_warning=True)
    return None if context is None else context.session_id[:4]
