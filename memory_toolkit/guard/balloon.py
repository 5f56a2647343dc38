"""A memory balloon: free space of the C heap that is held so that nobody can fill it."""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable

from memory_toolkit.measure.reading import PAGE_BYTES, read
from memory_toolkit.measure.sizes import MB

# Blocks are looked for in these sizes. Of smaller ones too much would be touched to hold them.
_SIZES = (16 * MB, 4 * MB, MB, MB // 4, MB // 16, MB // 64)
# Attempts of one call, each of some 10 µs.
_MAX_ATTEMPTS = 2000


class Balloon:
    """Takes free space out of the C heap, as the balloon driver of a virtual machine does.

    What a heap has mapped and no longer holds can be filled without asking the system. Its blocks
    are allocated, and their pages are given back, so that they take address space alone and whoever
    wants memory has to ask. The first page of each block stays. Not thread-safe. Source: malloc(3),
    madvise(2).

    Args:
        grown: called after each block. As long as it has not let others ask for as much, they might
            find none at all; when it finds no memory itself, the block is freed again.

    Attributes:
        size: bytes of the pages that were given back.
    """

    def __init__(self, grown: Callable[[], object]) -> None:
        self.size = 0
        self._grown = grown
        self._blocks: list[tuple[int, int]] = []  # address, and bytes that were given back

    def inflate(self, wanted: int) -> None:
        """Hold `wanted` bytes more, or as many as are free."""
        attempts = 0
        for block in _SIZES:
            while wanted > 0 and (block <= wanted or block == _SIZES[-1]):
                taken = self._take(block)
                attempts += 1
                if not taken or attempts > _MAX_ATTEMPTS:
                    break
                wanted -= taken

    def deflate(self, unwanted: int) -> None:
        """Free blocks of `unwanted` bytes at most, the last ones first."""
        while self._blocks and self._blocks[-1][1] <= unwanted:
            address, bytes_held = self._blocks.pop()
            self.size -= bytes_held
            unwanted -= bytes_held
            _c.free(address)

    def _take(self, block: int) -> int:
        """Return the bytes that were gained by a block; none if the heap has none of this size."""
        mapped = read().data or 0
        address = _c.malloc(block)
        if not address:
            return 0
        start = -(-address // PAGE_BYTES) * PAGE_BYTES
        held = (address + block - start) // PAGE_BYTES * PAGE_BYTES
        kept = False
        try:
            grown = (read().data or 0) > mapped  # it was not free: the heap was made larger for it
            if not grown and not _c.madvise(start, held, mmap.MADV_DONTNEED):
                self._blocks.append((address, held))
                self.size += held
                kept = True
                self._grown()
        except MemoryError:
            if kept:
                self._blocks.pop()
                self.size -= held
            kept = False
        if kept:
            return held
        _c.free(address)
        return 0


def _c_library() -> ctypes.PyDLL:
    """Return the C library; calls keep the interpreter's lock, being as short as they are."""
    library = ctypes.PyDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return library


if sys.platform == "linux":
    _c = _c_library()
