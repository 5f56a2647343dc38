"""Makes an event loop read again from a socket when there was no memory to read into.

asyncio asks for 256 KiB before it reads, and closes the connection when that is refused, be it
another thread that holds everything up to the ceiling at that moment. The bytes are still in the
socket then, so the loop reads them in its next turn. Other event loops, such as uvloop's, read into
memory of their own.
"""

from __future__ import annotations

import time
from typing import Any

from memory_toolkit.guard.patch import Patch

# The loop has nothing better to do: whoever holds the memory needs the interpreter to give it back.
_PAUSE_SECONDS = 0.002
# asyncio's words for a read that failed before anything was taken from the socket.
_READ_FAILED = "Fatal read error on socket transport"


def _survived_error(transport: Any, error: BaseException, message: str = "") -> None:
    if isinstance(error, MemoryError) and message == _READ_FAILED:
        time.sleep(_PAUSE_SECONDS)
        return
    SOCKET_READS.original(transport, error, message or "Fatal error on transport")


SOCKET_READS = Patch("asyncio.selector_events", "_SelectorTransport._fatal_error", _survived_error)
