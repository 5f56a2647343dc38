"""Search by genre, decade, tag, person and word: what the content model knows of movies."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from recommender.core.text_folding import MAX_QUERY_LETTERS, fold
from recommender.models.content import ContentModel

_MAX_NAMES = 12
_DECADE = re.compile(r"(?:(19|20)?(\d)0)s")


class FactSearch:
    """Finds the movies that hold most of what a text names; safe to share between threads.

    Memory: the names of the terms, some 100 bytes each, and for a question a byte for each term of
    each movie.

    Args:
        content: the content model.
        terms: its terms in column order, see `content.tokens`.
    """

    def __init__(self, content: ContentModel, terms: Sequence[str]) -> None:
        self._content = content
        self._columns: dict[str, list[int]] = {}
        for column, term in enumerate(terms):
            name = term.partition(":")[2] or term
            self._columns.setdefault(name, []).append(column)
        self._longest = max((len(name.split()) for name in self._columns), default=1)

    def search(self, text: str, counts: np.ndarray, n: int) -> np.ndarray:
        """The n movies that hold the most of the names in `text`, the most rated first.

        Only movies that hold as many of them as any does come; none without a known name.

        Args:
            counts: how often each movie was rated, shape (movies,).

        Returns:
            Movie indices, shape (at most n,).
        """
        held = np.zeros(self._content.n_movies, dtype=np.int64)
        for columns in self._named(text):
            wanted = np.zeros(self._content.n_terms, dtype=bool)
            wanted[columns] = True
            entries = np.flatnonzero(wanted[self._content.terms])
            movies = np.searchsorted(self._content.offsets, entries, side="right") - 1
            held[movies[np.diff(movies, prepend=-1) > 0]] += 1  # a movie may hold several columns
        most = held.max(initial=0)
        found = np.flatnonzero(held == most) if most else np.zeros(0, dtype=np.int64)
        return found[np.argsort(-counts[found].astype(np.int64), kind="stable")][:n]

    def _named(self, text: str) -> list[list[int]]:
        """The columns of each name in `text`; of names within one another the longest."""
        words = fold(text[:MAX_QUERY_LETTERS]).split()
        found: list[list[int]] = []
        first = 0
        while first < len(words) and len(found) < _MAX_NAMES:
            for end in range(min(first + self._longest, len(words)), first, -1):
                columns = self._columns.get(" ".join(words[first:end]))
                if columns is None and end == first + 1:
                    columns = self._columns.get(_decade(words[first]))
                if columns is not None:
                    found.append(columns)
                    break
            first = end
        return found


def _decade(word: str) -> str:
    """The decade that "1990s" or "90s" names as its term has it, or nothing."""
    match = _DECADE.fullmatch(word)
    if match is None:
        return ""
    century = match[1] or ("20" if match[2] in "01" else "19")
    return f"{century}{match[2]}0"
