"""Makes Streamlit send a message again for which there was no memory to serialize it."""

from __future__ import annotations

import sys
import time
from typing import Any

_MODULE = "streamlit.web.server.starlette.starlette_websocket"
# The event loop stands still meanwhile: whoever holds the memory is about to give it back.
_PAUSE_SECONDS, _MAX_SECONDS = 0.005, 1.0

_serialize: Any = None


def watch_messages() -> None:
    """Let Streamlit outlive messages that found no memory, from now on.

    The one task that sends all visitors' messages ends with the first error, and nobody in the
    process gets an answer any more. So a message is tried again for a second; then its visitor is
    disconnected, and the browser connects again to the same session. To be called once Streamlit is
    imported; it is not imported for this. Source: Streamlit 1.67, Runtime._loop_coroutine.
    """
    global _serialize
    module: Any = sys.modules.get(_MODULE)
    if module is not None and _serialize is None:
        _serialize = module.serialize_forward_msg
        module.serialize_forward_msg = _serialized


def leave_messages() -> None:
    """Undo `watch_messages`."""
    global _serialize
    if _serialize is not None:
        module: Any = sys.modules[_MODULE]
        module.serialize_forward_msg, _serialize = _serialize, None


def _serialized(message: Any) -> bytes:
    from google.protobuf.message import EncodeError  # type: ignore[import-untyped]
    from streamlit.runtime.session_manager import SessionClientDisconnectedError

    deadline = time.monotonic() + _MAX_SECONDS
    while True:
        try:
            found: bytes = _serialize(message)
            return found
        except (MemoryError, EncodeError):  # as which protobuf says it
            if time.monotonic() >= deadline:
                raise SessionClientDisconnectedError from None
            time.sleep(_PAUSE_SECONDS)
