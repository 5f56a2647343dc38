"""Search by genre, decade, tag, person and word: what the content model knows of movies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.core.text_folding import MAX_QUERY_LETTERS, fold
from recommender.core.top_n import largest
from recommender.models.content import ContentModel
from recommender.search import fact_names

# Looking for people takes longer than for terms.
_MAX_NAMES, _MAX_PEOPLE = 12, 3
_NOTHING = np.zeros(0, dtype=np.int64)
# Gives the indices of the movies in which somebody plays whose name is such.
People = Callable[[str], Sequence[int]]


@dataclass
class _Named:
    """The columns of each fact and word that a text names, and what else it says."""

    facts: list[list[int]]
    words: list[list[int]]
    others: list[str]


class FactSearch:
    """Finds the movies of which all is true that a text says; safe to share between threads.

    Memory: the names of the terms, some 100 bytes each, and for a question a byte for each term of
    each movie.

    Args:
        content: the content model.
        terms: its terms in column order, see `content.tokens`.
        people: finds those who are no terms.
    """

    def __init__(
        self, content: ContentModel, terms: Sequence[str], people: People = lambda name: ()
    ) -> None:
        self._content = content
        self._people = people
        self._facts: dict[str, list[int]] = {}
        self._words: dict[str, list[int]] = {}
        for column, term in enumerate(terms):
            _, colon, name = term.partition(":")
            (self._facts if colon else self._words).setdefault(name or term, []).append(column)
        longest = max((len(name.split()) for name in self._facts), default=1)
        self._longest = max(longest, fact_names.MAX_WORDS)

    def search(self, text: str, counts: np.ndarray, n: int) -> np.ndarray:
        """The n movies of which all is true that `text` says of genres, decades, tags, countries
        and people, the most rated first; none if it says anything else.

        Args:
            counts: how often each movie was rated, shape (movies,).

        Returns:
            Movie indices, shape (at most n,).
        """
        named = self._named(text, words=False)
        if not (named.facts or named.others) or len(named.others) > _MAX_PEOPLE:
            return _NOTHING
        fits = self._hold_all(named.facts)
        for name in named.others:
            playing = np.zeros(len(fits), dtype=bool)
            playing[list(self._people(name))] = True
            fits &= playing
        return largest(counts, n, fits)

    def search_words(self, text: str, counts: np.ndarray, n: int) -> np.ndarray:
        """The n movies of which all facts in `text` are true and which hold most of its other
        words, the most rated first; none without a known name. The arguments are `search`'s."""
        named = self._named(text, words=True)
        if not (named.facts or named.words):
            return _NOTHING
        held = np.zeros(self._content.n_movies, dtype=np.int64)
        for columns in named.words:
            held[self._holding(columns)] += 1
        held[~self._hold_all(named.facts)] = -1
        most = held.max(initial=-1)
        if most < bool(named.words):
            return _NOTHING
        return largest(counts, n, held == most)

    def is_all_known(self, text: str) -> bool:
        """Return whether `text` names genres, decades, tags, countries and people of the data, and
        nothing else."""
        named = self._named(text, words=False)
        return bool(named.facts) and not named.others

    def _hold_all(self, facts: list[list[int]]) -> np.ndarray:
        """Return which movies hold one column of each fact, bool, shape (movies,)."""
        fits = np.ones(self._content.n_movies, dtype=bool)
        for columns in facts:
            holding = np.zeros(len(fits), dtype=bool)
            holding[self._holding(columns)] = True
            fits &= holding
        return fits

    def _holding(self, columns: list[int]) -> np.ndarray:
        """Return the movies that hold one of the columns, each once."""
        wanted = np.zeros(self._content.n_terms, dtype=bool)
        wanted[columns] = True
        entries = np.flatnonzero(wanted[self._content.terms])
        movies = np.searchsorted(self._content.offsets, entries, side="right") - 1
        return movies[np.diff(movies, prepend=-1) > 0]

    def _named(self, text: str, *, words: bool) -> _Named:
        """Return what `text` names; of names within one another the longest."""
        folded = fold(fact_names.without_apostrophes(text[:MAX_QUERY_LETTERS])).split()
        named = _Named([], [], [])
        beside = False  # the word before is of no name, either
        first = 0
        while first < len(folded) and len(named.facts) + len(named.words) < _MAX_NAMES:
            for end in range(min(first + self._longest, len(folded)), first, -1):
                name = " ".join(folded[first:end])
                if facts := self._facts_of(name):
                    named.facts += facts
                    break
                if words and name in self._words:
                    named.words.append(self._words[name])
                    break
            else:
                if name in fact_names.SMALL_WORDS:
                    beside = False
                elif beside:
                    named.others[-1] += f" {name}"
                else:
                    named.others.append(name)
                    beside = True
                first += 1
                continue
            beside, first = False, end
        return named

    def _facts_of(self, name: str) -> list[list[int]]:
        """Return the columns of each fact that `name` stands for, if the data have all of them."""
        found = [
            [column for one in names for column in self._facts.get(one, ())]
            for names in fact_names.meanings(name)
        ]
        return found if all(found) else []
