"""A short peak: 200 MB for a few milliseconds, made outside Python's allocator."""

import time

import numpy as np


def spike() -> int:
    """Take 200 MB, use them, and give them back."""
    return int(np.ones(200 * 2**20, np.uint8)[-1])


kept = [bytes(1000) for _ in range(20_000)]
time.sleep(0.3)
spike()
time.sleep(0.3)
