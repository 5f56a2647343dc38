"""A ceiling on a process's own memory that the kernel itself keeps."""

from __future__ import annotations

import sys
from collections.abc import Iterable

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
# The heaps' free space may exceed the ceiling by this share of the room.
CREDIT_SHARE = 0.5
# What a thread maps when it starts, where the stack of one that has ended is used again; and how
# much room there must be for that.
LITTLE, LITTLE_ROOM = MB // 4, 8 * MB


class DataLimit:
    """RLIMIT_DATA, set so that own memory cannot grow beyond a ceiling.

    The system counts the private address space that may be written to (VmData), touched or not,
    and refuses what would exceed the limit: a MemoryError in the thread that asked. Since memory
    must be mapped before it is touched, no thread can take more, however many there are and however
    seldom anybody looks. Two kinds of mapped memory are left out, because nothing will fill them:
    the untouched part of threads' stacks, and what was untouched when the first `refresh` came,
    such as the work buffers of OpenBLAS.

    What a heap has mapped and no longer holds counts: small blocks can fill it without asking.
    Part of it is credited for what the actions that run have said they need, so that their blocks
    find room; no more, since who takes without end could fill the heap, too. See `allow_little`.

    Shared memory does not count (`refresh` takes off what there is), nor do child processes. Only
    the soft limit is changed; `lift` restores it. Off Linux nothing happens. Source: setrlimit(2).
    """

    def __init__(self) -> None:
        self._original: tuple[int, int] | None = None
        self._idle_at_start: list[tuple[int, int]] = []  # from which address to which
        self._idle = self._free = 0  # bytes of stacks and the like; of heaps
        self._untouched = -STALE
        self._base = self._ceiling = self._max_credit = self._needs = 0
        self.credit = 0

    def refresh(
        self, reading: Reading, ceiling: int, *, calm: bool, needs: int | None = None
    ) -> None:
        """Let own memory grow up to `ceiling` bytes.

        Args:
            reading: the process now.
            calm: nothing goes wrong now, so that free space of heaps may be credited.
            needs: bytes that the actions that run may need, see `lend`; None is what it was.
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
            self._untouched = reading.data - reading.anon
            self._look_at_mappings()
        shared = reading.shmem or 0
        spare = ceiling - shared - reading.anon
        self._max_credit = max(0, min(self._free, int(spare * CREDIT_SHARE))) if calm else 0
        self._ceiling = ceiling
        self._base = max(0, ceiling - shared + self._known_idle(reading))
        self.lend(self._needs if needs is None else needs)

    def lend(self, needs: int) -> None:
        """Credit `needs` bytes of the heaps' free space, or what the last `refresh` allows."""
        if self._original is None:
            return
        self._needs, self.credit = needs, min(self._max_credit, needs)
        self._set(self._original, self._base + self.credit)

    def allow_little(self, reading: Reading) -> bool:
        """Allow a little more than is mapped, until an action begins or `refresh` is called.

        When heaps have mapped all of the ceiling, no thread could start, though they hold little.
        Nothing is allowed when they hold nearly all of it; returns whether it was.
        """
        if self._original is None or self._ceiling - reading.own < LITTLE_ROOM:
            return False
        wanted = max(self._base + self.credit, (reading.data or 0) + LITTLE)
        self._set(self._original, wanted)
        return True

    @staticmethod
    def _set(original: tuple[int, int], wanted: int) -> None:
        import resource

        for most in original:
            if most != resource.RLIM_INFINITY:
                wanted = min(wanted, most)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, original[1]))

    def reach(self, reading: Reading) -> int:
        """Own memory that the process can come to hold without asking the system for any more."""
        if self._original is None or reading.data is None:
            return reading.own
        mapped = reading.data - self._known_idle(reading) - self.credit
        return max(reading.own, mapped + (reading.shmem or 0))

    def lift(self) -> None:
        """Restore the limit that was there before the first `refresh`."""
        if self._original is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, self._original)
            self._original = None

    def _known_idle(self, reading: Reading) -> int:
        """The part of the untouched memory that will stay so; never more than there is now."""
        return min(self._idle, max(0, (reading.data or 0) - (reading.anon or 0)))

    def _look_at_mappings(self) -> None:
        found = read_mappings()
        self._free = _untouched(heaps(found))
        self._idle = _untouched(m for m in stacks(found) if m.path != "[stack]")
        for block in _blocks(found):
            # A block that is mapped beside another one becomes a part of it.
            same = sum(
                max(0, min(block.end, end) - max(block.start, start))
                for start, end in self._idle_at_start
            )
            self._idle += max(0, same - block.own)


def _blocks(found: list[Mapping]) -> list[Mapping]:
    """Private memory that may be written to, and is neither a heap nor a stack."""
    apart = {mapping.start for mapping in (*heaps(found), *stacks(found))}
    return [m for m in found if m.access.startswith("rw-p") and m.start not in apart]


def _untouched(found: Iterable[Mapping]) -> int:
    return sum(mapping.end - mapping.start - mapping.own for mapping in found)
