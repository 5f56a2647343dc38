"""Turns what would be an OOM kill into a MemoryError, by a limit on the process's address space."""

from __future__ import annotations

import sys

from memory_toolkit.measure.heap import map_large_blocks
from memory_toolkit.measure.reading import Reading
from memory_toolkit.measure.sizes import MB

# So much can always be allocated until the next refresh: handling an error needs some, too.
SPARE = 6 * MB
# Larger blocks are no part of the heaps, so that each is seen.
LARGE_BLOCK = MB


class DataLimit:
    """RLIMIT_DATA, set so that the process can grow by a given amount from where it is.

    The system counts writable private address space, resident or not, so the limit has to follow
    as threads come and go: each call of `refresh` sets it anew. It stops a block that is too large
    for the room, at once and in the thread that asked for it. Growth in small blocks is not its
    business: malloc may have address space for them already, and once the limit is reached, they
    fail in whichever thread is next. Only the soft limit is changed; `lift` restores it. Off Linux
    nothing happens. Source: setrlimit(2).
    """

    def __init__(self) -> None:
        self._original: tuple[int, int] | None = None

    def refresh(self, reading: Reading, room: int) -> None:
        """Let the process grow by `room` bytes (at least by `SPARE`) beyond `reading`."""
        if sys.platform != "linux" or reading.data is None:
            return
        import resource

        if self._original is None:
            self._original = resource.getrlimit(resource.RLIMIT_DATA)
            map_large_blocks(LARGE_BLOCK)
        soft, hard = self._original
        wanted = reading.data + max(room, SPARE)
        for most in (soft, hard):
            if most != resource.RLIM_INFINITY:
                wanted = min(wanted, most)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))

    def lift(self) -> None:
        """Restore the limit that was there before the first `refresh`."""
        if self._original is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, self._original)
            self._original = None
