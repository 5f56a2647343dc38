"""What surrounds each action of a visitor: the guard's leave, and the panel's measuring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from recommender.ui.configuration import settings
from recommender.ui.keeping import guard


@contextmanager
def acting(name: str, need: int) -> Iterator[None]:
    """A ``with`` block as an action called `name`, a key of the texts.

    Without DEBUG_MEMORY nothing is measured, and what measures is not even imported.

    Args:
        need: bytes that it takes at most.

    Raises:
        Busy: there is too little memory for it now.
        SettingsError: a variable has a value that cannot be used.
    """
    with ExitStack() as around:
        if settings().debug_memory:
            from memory_toolkit.actions import action

            around.enter_context(action(name))
        # Innermost, since after a MemoryError it is the guard that makes room to handle it in.
        if (keeper := guard()) is not None:
            around.enter_context(keeper.admit(name, need))
        yield
