"""Makes an event loop read again from a socket when there was no memory to read into."""

from __future__ import annotations

import sys
import time
from typing import Any

# The loop has nothing better to do: whoever holds the memory needs the interpreter to give it back.
_PAUSE_SECONDS = 0.002
_MODULE = "asyncio.selector_events"
# asyncio's words for a read that failed before anything was taken from the socket.
_READ_FAILED = "Fatal read error on socket transport"

_fatal_error: Any = None


def watch_reads() -> None:
    """Let asyncio's connections outlive a read that found no memory, from now on.

    asyncio asks for 256 KiB before it reads, and closes the connection when that is refused, be it
    another thread that holds everything up to the ceiling at that moment. The bytes are still in
    the socket then, so the loop reads them in its next turn. To be called once asyncio is imported;
    it is not imported for this. Other event loops, such as uvloop's, read into memory of their own.
    """
    global _fatal_error
    module: Any = sys.modules.get(_MODULE)
    if module is not None and _fatal_error is None:
        _fatal_error = module._SelectorTransport._fatal_error
        module._SelectorTransport._fatal_error = _survived_error


def leave_reads() -> None:
    """Undo `watch_reads`."""
    global _fatal_error
    if _fatal_error is not None:
        module: Any = sys.modules[_MODULE]
        module._SelectorTransport._fatal_error, _fatal_error = _fatal_error, None


def _survived_error(transport: Any, error: BaseException, message: str = "") -> None:
    if isinstance(error, MemoryError) and message == _READ_FAILED:
        time.sleep(_PAUSE_SECONDS)
        return
    _fatal_error(transport, error, message or "Fatal error on transport")
