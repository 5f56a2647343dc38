"""The best n of a row of scores that arrives in blocks, without sorting the row."""

from __future__ import annotations

import numpy as np

# Some movies: a slice of them, or an array of their numbers.
Rows = slice | np.ndarray


class TopN:
    """Keeps the n best scores of several rows while blocks of columns come in, left to right.

    Equal scores are settled by the lower column number, so the result does not depend on how the
    columns are cut into blocks. A score of -inf means "not a candidate".

    Memory: 16 bytes for each row and rank, and a few copies of one block.
    """

    def __init__(self, rows: int, n: int) -> None:
        self._n = n
        self._scores = np.full((rows, 0), -np.inf)
        self._columns = np.zeros((rows, 0), dtype=np.int64)

    def add(self, scores: np.ndarray, start: int) -> None:
        """Take in the columns start, start + 1, … ; `scores` has shape (rows, columns)."""
        rows, width = scores.shape
        numbers = np.broadcast_to(np.arange(start, start + width), scores.shape)
        scores = np.hstack([self._scores, scores])
        columns = np.hstack([self._columns, numbers])
        if scores.shape[1] > self._n:
            kept = _best(scores, self._n)
            scores = scores[kept].reshape(rows, self._n)
            columns = columns[kept].reshape(rows, self._n)
        self._scores, self._columns = scores, columns

    def rows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each row its best columns and their scores, best first; fewer than n where there
        were fewer candidates."""
        order = np.argsort(-self._scores, axis=1, kind="stable")
        scores = np.take_along_axis(self._scores, order, axis=1)
        columns = np.take_along_axis(self._columns, order, axis=1)
        counts = (scores > -np.inf).sum(axis=1)
        return [(columns[i, :c], scores[i, :c]) for i, c in enumerate(counts)]


def _best(scores: np.ndarray, n: int) -> np.ndarray:
    """Marks in each row the n highest values; among equals at the edge, the leftmost."""
    edge = np.partition(scores, -n, axis=1)[:, -n, None]
    above = scores > edge
    equal = scores == edge
    missing = n - above.sum(axis=1, keepdims=True)
    return above | (equal & (equal.cumsum(axis=1) <= missing))
