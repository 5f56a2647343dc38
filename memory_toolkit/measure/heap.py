"""State of the C allocator: blocks in use, and memory that it keeps free for the next ones."""

from __future__ import annotations

import ctypes
import os
import sys

from memory_toolkit.measure.mappings import Mapping, heaps

# Of glibc's malloc.h.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"


class _Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in _FIELDS.split()]


def kept_free(found: list[Mapping]) -> int | None:
    """Bytes of memory that malloc keeps though no block uses them; None where it is not glibc's.

    That is what its heaps have in memory less the blocks in use. What malloc itself calls free is
    no measure: it counts pages that were given back by a trim too. Some of it lies between blocks
    on the same page, which no trim can return. Source: mallinfo2(3), all arenas.

    Args:
        found: as `read_mappings` returns them.
    """
    tell = getattr(ctypes.CDLL(None), "mallinfo2", None) if sys.platform == "linux" else None
    held = heaps(found)
    if tell is None or not held:
        return None
    tell.restype = _Mallinfo
    return max(0, sum(mapping.own for mapping in held) - tell().uordblks)


def map_large_blocks(least: int) -> None:
    """Take each block of `least` bytes or more from the system from now on, and give it back.

    By itself glibc raises this bound, up to 32 MB, whenever such a block is freed; arrays then stay
    in its heaps. Source: mallopt(3), M_MMAP_THRESHOLD.
    """
    _adjust(_M_MMAP_THRESHOLD, least)


def use_one_arena() -> None:
    """Let threads that have no heap of their own yet use the main one from now on.

    Only that one gives address space back as it shrinks. MALLOC_ARENA_MAX in the environment wins.
    Source: mallopt(3), M_ARENA_MAX; glibc, shrink_heap.
    """
    if "MALLOC_ARENA_MAX" not in os.environ:
        _adjust(_M_ARENA_MAX, 1)


def _adjust(parameter: int, value: int) -> None:
    adjust = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if adjust is not None:
        adjust(parameter, value)
