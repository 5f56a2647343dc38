"""Makes Streamlit send a message again for which there was no memory to serialize it.

The one task that sends all visitors' messages ends with the first error, and nobody in the process
gets an answer any more. So a message is tried again for a second; then its visitor is disconnected,
and the browser connects again to the same session. Source: Streamlit 1.67, Runtime._loop_coroutine.
"""

from __future__ import annotations

import time
from typing import Any

from memory_toolkit.guard.patch import Patch

# The event loop stands still meanwhile: whoever holds the memory is about to give it back.
_PAUSE_SECONDS, _MAX_SECONDS = 0.005, 1.0


def _serialized(message: Any) -> bytes:
    from google.protobuf.message import EncodeError  # type: ignore[import-untyped]
    from streamlit.runtime.session_manager import SessionClientDisconnectedError

    deadline = time.monotonic() + _MAX_SECONDS
    while True:
        try:
            found: bytes = MESSAGE_SENDS.original(message)
            return found
        except (MemoryError, EncodeError):  # as which protobuf says it
            if time.monotonic() >= deadline:
                raise SessionClientDisconnectedError from None
            time.sleep(_PAUSE_SECONDS)


MESSAGE_SENDS = Patch(
    "streamlit.web.server.starlette.starlette_websocket", "serialize_forward_msg", _serialized
)
