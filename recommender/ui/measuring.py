"""What each action of a visitor costs, recorded for the memory panel; nothing at all without it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from recommender.ui.loading import settings


def measured(name: str) -> AbstractContextManager[object]:
    """Measures the memory and time of a ``with`` block under `name`, a key of the texts.

    Without DEBUG_MEMORY it does nothing, and the memory toolkit is not even imported.
    """
    if not settings().debug_memory:
        return nullcontext()
    import debug_memory

    return debug_memory.action(name)
