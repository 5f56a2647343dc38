"""Objects that a guard lets go of when memory is short, beside the caches that it was given."""

from __future__ import annotations

from typing import Protocol
from weakref import WeakSet


class Evictable(Protocol):
    """Something that can be made again."""

    def evict(self) -> bool:
        """Let go of it, unless it is in use; returns whether there was anything to let go of."""


# Weak, so that nobody has to sign out.
evictables: WeakSet[Evictable] = WeakSet()
