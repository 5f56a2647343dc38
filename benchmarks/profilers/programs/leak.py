"""A leak: 1 MB more at every call, 120 times."""

import time

kept: list[bytes] = []


def remember() -> None:
    """Keep 1 MB for good."""
    kept.append(b"x" * 2**20)


for _ in range(120):
    remember()
    time.sleep(0.01)
