"""A ceiling on a process's own memory that the kernel itself keeps."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress

from memory_toolkit.guard.balloon import Balloon
from memory_toolkit.measure.heap import map_large_blocks, use_one_arena
from memory_toolkit.measure.mappings import Mapping, heaps, read_mappings, stacks
from memory_toolkit.measure.reading import Reading
from memory_toolkit.measure.sizes import MB

# Larger blocks are no part of the heaps, so that what is freed of them is free for all.
LARGE_BLOCK = MB
# What is smaller is not looked at one by one.
SMALL = MB // 4
# The mappings are looked at again when so much more or less is mapped and not touched.
STALE = 4 * MB
# Kept free for what begins at any time: a thread maps its stack, of 8 MB by default, and 16 KB
# for its calls. And this part of the ceiling, from which on the guard ends actions: not because of
# free space alone.
START_ROOM = 12 * MB
_SPARE = 6
# The balloon may be larger than it has to be by so much.
_SURPLUS = 8 * MB
_LITTLE = 2 * MB


class DataLimit:
    """RLIMIT_DATA, set so that own memory cannot grow beyond a ceiling.

    The system counts the private address space that may be written to (VmData), touched or not,
    and refuses what would exceed the limit: a MemoryError in the thread that asked. Since memory
    must be mapped before it is touched, no thread can take more, however many there are and however
    seldom anybody looks. Three kinds of mapped memory are left out, because nothing will fill them:
    the untouched part of threads' stacks, what was untouched when the first `refresh` came, such as
    the work buffers of OpenBLAS, and what a `Balloon` holds.

    What a heap has mapped and no longer holds counts: small blocks can fill it without asking. It
    may come to more than the ceiling, when others under the limit take what this process gave back;
    then not even a thread could start, whose stack is mapped anew. So as much of it goes into the
    balloon as the actions that run need, and threads to start. What cannot go there, since it lies
    in pieces of a few pages, or is a large block that nobody has touched, keeps counting.

    Shared memory does not count (`refresh` takes off what there is), nor do child processes. Only
    the soft limit is changed; `lift` restores it. Off Linux nothing happens. Source: setrlimit(2).
    """

    def __init__(self) -> None:
        self._original: tuple[int, int] | None = None
        self._idle_at_start: list[tuple[int, int]] = []  # from which address to which
        self._idle = 0  # bytes of stacks and the like
        self._untouched = -STALE
        self._ceiling = 0
        self._reading = Reading(0)
        self._balloon = Balloon(self._set)

    def refresh(self, reading: Reading, ceiling: int, needs: int = 0) -> None:
        """Let own memory grow up to `ceiling` bytes.

        Args:
            reading: the process now.
            needs: bytes that the actions that run may still take, see `make_room`.
        """
        if sys.platform != "linux" or reading.data is None or reading.anon is None:
            return
        import resource

        if self._original is None:
            self._original = resource.getrlimit(resource.RLIMIT_DATA)
            map_large_blocks(LARGE_BLOCK)
            use_one_arena()
            self._idle_at_start = [
                (block.start, block.end)
                for block in _blocks(read_mappings())
                if _untouched([block]) >= SMALL
            ]
        if abs(reading.data - reading.anon - self._untouched) >= STALE:
            with suppress(MemoryError):  # what was seen last will do until there is room to look
                self._look_at_mappings()
                self._untouched = reading.data - reading.anon
        self._ceiling = ceiling
        self.make_room(reading, needs)

    def make_room(self, reading: Reading, needs: int) -> None:
        """Let `needs` bytes be taken, and threads start, whatever the heaps' free space comes to.

        Below the ceiling of the last `refresh`, that is, and as far as a balloon can hold that.
        """
        if self._original is None:
            return
        self._reading = reading
        excess = self.reach(reading) + needs + START_ROOM + self._ceiling // _SPARE - self._ceiling
        if excess > 0:
            with suppress(MemoryError):
                self._balloon.inflate(excess)
        elif self._balloon.size and excess < -_SURPLUS:
            unwanted = -excess - _SURPLUS
            self._set(deflating=unwanted)
            self._balloon.deflate(unwanted)
        self._set()

    def let_heaps_go_on(self) -> None:
        """Free a little of the balloon, since nobody finds memory for the next `refresh`."""
        if self._original is not None:
            self._balloon.deflate(_LITTLE)
            self._set()

    def _set(self, deflating: int = 0) -> None:
        import resource

        assert self._original is not None
        idle = self._known_idle(self._reading) - min(deflating, self._balloon.size)
        wanted = max(0, self._ceiling - (self._reading.shmem or 0) + idle)
        soft, hard = self._original
        for most in (soft, hard):
            if most != resource.RLIM_INFINITY:
                wanted = min(wanted, most)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))

    def reach(self, reading: Reading) -> int:
        """Own memory that the process can come to hold without asking the system for any more."""
        if self._original is None or reading.data is None:
            return reading.own
        mapped = reading.data - self._known_idle(reading)
        return max(reading.own, mapped + (reading.shmem or 0))

    def lift(self) -> None:
        """Restore the limit that was there before the first `refresh`."""
        if self._original is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, self._original)
            self._original = None
            self._balloon.deflate(self._balloon.size)

    def _known_idle(self, reading: Reading) -> int:
        """The part of the untouched memory that will stay so; never more than there is now."""
        held = self._balloon.size
        untouched = (reading.data or 0) - (reading.anon or 0) - held
        return held + min(self._idle, max(0, untouched))

    def _look_at_mappings(self) -> None:
        found = read_mappings()
        idle = _untouched(m for m in stacks(found) if m.path != "[stack]")
        for block in _blocks(found):
            # A block that is mapped beside another one becomes a part of it.
            same = sum(
                max(0, min(block.end, end) - max(block.start, start))
                for start, end in self._idle_at_start
            )
            idle += max(0, same - block.own)
        self._idle = idle


def _blocks(found: list[Mapping]) -> list[Mapping]:
    """Private memory that may be written to, and is neither a heap nor a stack."""
    apart = {mapping.start for mapping in (*heaps(found), *stacks(found))}
    return [m for m in found if m.access.startswith("rw-p") and m.start not in apart]


def _untouched(found: Iterable[Mapping]) -> int:
    return sum(mapping.end - mapping.start - mapping.own for mapping in found)
