"""The context of each action of a visitor: admitted by the guard, measured for the panel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from recommender.app.server.configuration import settings
from recommender.app.server.housekeeper import guard
from recommender.app.server.warm_up import is_on


@contextmanager
def guarded_action(name: str, max_bytes: int) -> Iterator[None]:
    """Run a ``with`` block as an action called `name`, a key of the texts.

    Without DEBUG_MEMORY nothing is measured, and what measures is not even imported.

    Args:
        max_bytes: own memory that it takes at most.

    Raises:
        Busy: there is too little memory for it now.
        SettingsError: a variable has a value that cannot be used.
    """
    keeper = guard()
    admitted = nullcontext() if keeper is None else keeper.admit(name, max_bytes)
    if settings().debug_memory and not is_on():
        from memory_toolkit.record.actions import action

        # The guard is innermost: after a MemoryError it makes room to handle it in.
        with action(name), admitted:
            yield
    else:
        with admitted:
            yield
