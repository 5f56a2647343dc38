"""Mappings of the process's address space, and how much of each is in memory."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

_HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ *(.*)\n")
# The heaps that glibc makes for threads are this large and begin at a multiple of it.
_THREAD_HEAP = 64 * 1024 * 1024
# Below a thread's stack lies a guard, which may be one page or several.
_GUARD = 64 * 1024


@dataclass
class Mapping:
    """One range of addresses.

    Attributes:
        start, end: the addresses.
        access: as the kernel writes it: ``"rw-p"``; ``"---p"`` is reserved and not in use.
        path: the file, a name in brackets such as ``"[heap]"``, or ``""`` for anonymous memory.
        resident: bytes in memory.
        own: bytes of them that count as own memory: anonymous ones, and changed copies of a file's.
    """

    start: int
    end: int
    access: str
    path: str
    resident: int = 0
    own: int = 0


def read_mappings(file: str = "/proc/self/smaps") -> list[Mapping]:
    """All mappings by address, in a few milliseconds; none where the system does not tell them.

    Source: proc(5), smaps.
    """
    found: list[Mapping] = []
    try:
        with open(file, encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                if head := _HEAD.fullmatch(line):
                    start, end = int(head[1], 16), int(head[2], 16)
                    found.append(Mapping(start, end, head[3], head[4]))
                elif line.startswith("Rss:"):
                    found[-1].resident = _bytes(line)
                elif line.startswith("Anonymous:"):
                    found[-1].own = _bytes(line)
    except OSError:
        return []  # not Linux, or not allowed
    return found


def heaps(found: list[Mapping]) -> list[Mapping]:
    """Those in which glibc's malloc keeps blocks: the main heap, and one or more per arena."""
    after = [*found[1:], Mapping(0, 0, "", "")]
    return [
        mapping
        for mapping, following in zip(found, after, strict=False)
        if mapping.path == "[heap]" or _is_thread_heap(mapping, following)
    ]


def stacks(found: list[Mapping]) -> list[Mapping]:
    """Those that hold a thread's stack: the main one, and what lies right above a guard."""
    before = [Mapping(0, 0, "", ""), *found[:-1]]
    # A heap lies right above what another one has in reserve, which may be as small as a guard.
    apart = {mapping.start for mapping in heaps(found)}
    return [
        mapping
        for mapping, preceding in zip(found, before, strict=False)
        if mapping.path == "[stack]"
        or (mapping.start not in apart and _is_thread_stack(mapping, preceding))
    ]


def _is_thread_heap(mapping: Mapping, following: Mapping) -> bool:
    if mapping.path or mapping.access != "rw-p" or mapping.start % _THREAD_HEAP:
        return False
    end = mapping.start + _THREAD_HEAP
    # What is not in use yet is reserved up to its end.
    reserved = following.start == mapping.end and following.access == "---p"
    if mapping.end >= end:  # used up, or other memory that begins there, as a library's buffers do
        return _heap_size(mapping.start) in (None, _THREAD_HEAP)
    return reserved and following.end >= end


def _heap_size(start: int) -> int | None:
    """Return the size that a heap at `start` notes in its head; None where that cannot be read.

    Source: glibc, malloc/arena.c, struct _heap_info.
    """
    try:
        with open("/proc/self/mem", "rb", buffering=0) as memory:
            memory.seek(start + 2 * struct.calcsize("P"))
            return int(struct.unpack("N", memory.read(struct.calcsize("N")))[0])
    except (OSError, OverflowError, struct.error):
        return None


def _is_thread_stack(mapping: Mapping, preceding: Mapping) -> bool:
    guarded = preceding.end == mapping.start and preceding.access == "---p"
    small = preceding.end - preceding.start <= _GUARD
    return not mapping.path and mapping.access == "rw-p" and guarded and small


def _bytes(line: str) -> int:
    return int(line.split()[1]) * 1024
