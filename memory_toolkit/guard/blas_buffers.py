"""Makes OpenBLAS take its work buffers before memory is short."""

from __future__ import annotations

import threading
import time

_SECONDS = 0.05
_SIDE = 128


def take_blas_buffers(threads: int) -> None:
    """Let numpy take the buffers that so many `threads` need to multiply matrices at once.

    Call it before a guard starts: OpenBLAS takes a buffer (some 33 MB of address space, of which it
    touches little) when more threads multiply than ever before, and ends the whole process when it
    gets none. Afterwards it keeps them. Source: OpenBLAS, driver/others/memory.c.
    """
    together = threading.Barrier(threads)
    multiplying = [threading.Thread(target=_multiply, args=(together,)) for _ in range(threads)]
    for thread in multiplying:
        thread.start()
    for thread in multiplying:
        thread.join()


def _multiply(together: threading.Barrier) -> None:
    import numpy as np

    matrix = np.ones((_SIDE, _SIDE), dtype=np.float32)
    together.wait()
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        matrix @ matrix
