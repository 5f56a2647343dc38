"""The best n of a row of scores that arrives in blocks, without sorting the row."""

from __future__ import annotations

import numpy as np


class TopN:
    """Keeps the n best scores of several rows while blocks of columns come in, left to right.

    Equal scores are settled by the lower column number, so the result does not depend on how the
    columns are cut into blocks. A score of -inf means "not a candidate".

    Memory: 16 bytes for each row and rank, and one for each cell of a block.
    """

    def __init__(self, rows: int, n: int) -> None:
        self._n = n
        self._scores = np.full((rows, n), -np.inf)
        self._columns = np.zeros((rows, n), dtype=np.int64)

    def add(self, scores: np.ndarray, start: int) -> None:
        """Add the columns start, start + 1, … ; `scores` has shape (rows, columns)."""
        worst = self._scores.min(axis=1, keepdims=True).astype(scores.dtype)
        better = scores > worst
        if scores.shape[1] > self._n and worst.min() == -np.inf:
            better &= scores >= np.partition(scores, -self._n, axis=1)[:, -self._n, None]
        # Few of a later block beat the worst that is kept, and only those few are moved.
        better = np.flatnonzero(better)
        if len(better) == 0:
            return
        rows, columns = np.divmod(better, scores.shape[1])
        counts = np.bincount(rows, minlength=len(scores))
        place = np.arange(len(rows)) - (np.cumsum(counts) - counts)[rows] + self._n
        shape = (len(scores), self._n + int(counts.max()))
        all_scores = np.full(shape, -np.inf)
        all_columns = np.zeros(shape, dtype=np.int64)
        all_scores[:, : self._n], all_columns[:, : self._n] = self._scores, self._columns
        all_scores[rows, place] = scores[rows, columns]
        all_columns[rows, place] = columns + start
        kept = _best(all_scores, self._n)
        self._scores = all_scores[kept].reshape(-1, self._n)
        self._columns = all_columns[kept].reshape(-1, self._n)

    def rows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the best columns and their scores of each row, best first; fewer than n where
        there were fewer candidates."""
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


def largest(values: np.ndarray, n: int, allowed: np.ndarray | None = None) -> np.ndarray:
    """Return the positions of the n largest values, largest first; of equal ones the first comes.

    Args:
        values: finite numbers, shape (m,).
        allowed: bool, shape (m,): which may come; None is all.

    Returns:
        int64, shape (at most n,).
    """
    scores = values[None].astype(np.float64)
    if allowed is not None:
        scores[0, ~allowed] = -np.inf
    best = TopN(1, n)
    best.add(scores, 0)
    return best.rows()[0][0]
