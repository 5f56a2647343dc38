"""Rows of arrays: a selection of them, and what an array and its stand-ins have in common."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

# Some rows: a slice of them, or an array of their numbers.
Selection = slice | np.ndarray


class Rows(Protocol):
    """Rows that can be read: a numpy array, or `bundle.shards.ShardedRows` in the place of one."""

    def __len__(self) -> int: ...

    def __getitem__(self, wanted: Any, /) -> Any:
        """Return one row by its number, a stretch of rows by a slice, or rows by their numbers."""
