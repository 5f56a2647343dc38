"""Giving memory back to the system."""

from __future__ import annotations

import ctypes
import gc
import linecache
import sys
from dataclasses import dataclass

import psutil

from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB

# Less than this is little, so that it is said why.
_LITTLE = 8 * MB


@dataclass(frozen=True)
class Returned:
    """Bytes of own memory that each step of `return_memory` gave back.

    None is a step that could not be taken. A figure below zero means that another thread took
    more in the meantime than the step gave back.

    Attributes:
        small_objects_kept: Python's own allocator holds the objects of 512 bytes or less. It gives
            back 1 MB once all objects in it are gone, and no trim reaches it.
    """

    collected: int
    arrow: int | None
    trimmed: int | None
    small_objects_kept: bool = False

    @property
    def advice(self) -> str | None:
        """One sentence on how more could come back, when it was little and there is a way."""
        if not self.small_objects_kept or self.total >= _LITTLE:
            return None
        return (
            "Python's own allocator keeps the room of small objects: start the program with "
            "PYTHONMALLOC=malloc if it should come back, at the price of some speed and memory"
        )

    @property
    def total(self) -> int:
        """Own memory before the first step less own memory after the last."""
        return self.collected + (self.arrow or 0) + (self.trimmed or 0)


def return_memory() -> Returned:
    """Collect garbage, release Arrow's pool if pyarrow is loaded, and trim the heap.

    In this order, since each step frees what the next can give to the system. What Python itself
    keeps at hand and finds again, source lines and attributes, goes with the garbage. Source:
    gc.collect, linecache.clearcache, pyarrow.MemoryPool.release_unused, malloc_trim(3).

    Of many small objects little comes back while a few of them live, unless the program was
    started with PYTHONMALLOC=malloc: see `Returned.advice`.
    """
    arrow = sys.modules.get("pyarrow")
    own = [read().own]
    linecache.clearcache()
    _forget_attributes()
    gc.collect()
    own.append(read().own)
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
        own.append(read().own)
    trimmed = _trim_heap()
    own.append(read().own)
    return Returned(
        collected=own[0] - own[1],
        arrow=None if arrow is None else own[1] - own[2],
        trimmed=own[-2] - own[-1] if trimmed else None,
        # It counts its blocks, and none where malloc has them. Source: sys.getallocatedblocks.
        small_objects_kept=sys.getallocatedblocks() > 0,
    )


def _forget_attributes() -> None:
    """Let go of the names that were last looked up: short strings, each of which holds a page.

    Source: CPython, sys._clear_type_cache, and since 3.13 sys._clear_internal_caches.
    """
    forget = getattr(sys, "_clear_internal_caches", None) or getattr(sys, "_clear_type_cache", None)
    if forget is not None:  # Python may be another one
        forget()


def _trim_heap() -> bool:
    """Ask the C allocator for its free pages; False where it knows no such request."""
    if hasattr(psutil, "heap_trim"):
        psutil.heap_trim()
        return True
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # glibc has it, musl does not
        trim(0)
    return trim is not None
