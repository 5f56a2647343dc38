"""A program that grows until something ends it."""

import time

kept: list[bytes] = []


def grow() -> None:
    """Keep 2 MB more."""
    kept.append(b"x" * (2 * 2**20))


while True:
    grow()
    time.sleep(0.01)
