"""Replaces a function of another library for as long as a guard is at work."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


class Patch:
    """A function of a module, and what takes its place from `put` to `take_away`.

    To be put once the module is imported: it is not imported for this, and without it nothing
    happens.

    Args:
        module: name of the module.
        path: of the function in it, such as ``"Class.method"``.
        replacement: takes the same arguments; it calls `original`.
    """

    def __init__(self, module: str, path: str, replacement: Callable[..., Any]) -> None:
        self._module, self._replacement = module, replacement
        *self._owners, self._name = path.split(".")
        self._replaced: Any = None

    @property
    def original(self) -> Any:
        """The library's own function, whether it is replaced or not."""
        return self._replaced or getattr(self._owner(), self._name)

    def put(self) -> None:
        """Let the replacement be called from now on."""
        if self._module in sys.modules and self._replaced is None:
            self._replaced = getattr(self._owner(), self._name)
            setattr(self._owner(), self._name, self._replacement)

    def take_away(self) -> None:
        """Undo `put`."""
        if self._replaced is not None:
            setattr(self._owner(), self._name, self._replaced)
            self._replaced = None

    def _owner(self) -> Any:
        owner: Any = sys.modules[self._module]
        for name in self._owners:
            owner = getattr(owner, name)
        return owner
