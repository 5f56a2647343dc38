"""Makes OpenBLAS take its work buffers before memory is short."""

from __future__ import annotations

import threading
import time

import numpy as np

_SECONDS = 0.05
_SIDE = 128


def take_buffers(count: int) -> None:
    """Multiply matrices in `count` threads at once, so that so many buffers are there from now on.

    OpenBLAS takes a buffer (some 33 MB of address space, of which it touches little) when more
    threads multiply than ever before, and ends the whole process when it gets none. Afterwards it
    keeps them. Source: OpenBLAS, driver/others/memory.c.
    """
    together = threading.Barrier(count)
    threads = [threading.Thread(target=_multiply, args=(together,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _multiply(together: threading.Barrier) -> None:
    matrix = np.ones((_SIDE, _SIDE), dtype=np.float32)
    together.wait()
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        matrix @ matrix
