"""Finding movies by what somebody types: titles, misspelt or exact, and facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal

import numpy as np

from recommender.bundle.catalogue import Catalogue
from recommender.bundle.movie_facts import MovieFacts
from recommender.core import text_folding
from recommender.core.records import Id
from recommender.core.titles import restore_articles
from recommender.models.content import ContentModel
from recommender.search import same_title
from recommender.search.facts import FactSearch
from recommender.search.titles import TitleIndex

SearchBy = Literal["title", "facts", "words", "semantic"]
# How many movies are compared by their looser names.
_CANDIDATES = 50
SEARCH_BY: tuple[SearchBy, ...] = ("title", "facts", "words", "semantic")


class Finder:
    """Searches the catalogue of one bundle; what it answers are indices, best first."""

    def __init__(
        self, catalogue: Catalogue, titles: TitleIndex, facts: MovieFacts, content: ContentModel
    ) -> None:
        self._catalogue = catalogue
        self._titles = titles
        self._facts = facts
        self._content = content

    def search(self, text: str, n: int, by: SearchBy) -> Sequence[int] | np.ndarray:
        """Return the n movies that fit `text` best; ``"semantic"`` is not for it to answer."""
        ways: dict[str, Callable[[str, int], Sequence[int] | np.ndarray]] = {
            "title": self.by_title,
            "facts": self.by_facts,
            "words": self.by_words,
        }
        return ways[by](text, n)

    def by_title(self, text: str, n: int) -> list[int]:
        """The n movies whose titles are most like `text`, see `TitleIndex.search`.

        Where it is all genres, decades, tags and people, no part of a word and no typo is looked
        for: "scifi" is what it says.
        """
        return self._titles.search(text, n, loose=not self.is_facts(text))

    def of_title(self, title: str, year: int | None) -> Id | None:
        """The movie that another catalogue calls `title`, of `year` if that is known, or None.

        See `same_title` for the names that count. Takes as long as a look-up by id where the name
        is the same, else as a few title searches.
        """
        title = restore_articles(title)
        named = self._titles.named(text_folding.title_names(title))
        if found := same_title.nearest(self._catalogue.movies(named), title, year):
            return found.movie_id
        if year is None:
            return None
        near = {
            index: None
            for text in same_title.LooseNames.of(title).texts
            for index in self._titles.search(text, _CANDIDATES)
        }
        likely = same_title.likely(self._catalogue.movies(list(near)), title, year)
        return likely.movie_id if likely else None

    def by_facts(self, text: str, n: int) -> np.ndarray:
        """The n movies of which all of `text` is true, see `FactSearch.search`."""
        return self._facts_named.search(text, self._facts.count, n)

    def is_facts(self, text: str) -> bool:
        """Return whether `text` is facts and nothing else, see `FactSearch.is_all_known`."""
        return self._facts_named.is_all_known(text)

    def by_words(self, text: str, n: int) -> np.ndarray:
        """The n movies whose descriptions hold most of `text`, see `FactSearch.search_words`; none
        where there are no descriptions."""
        if not self.has_descriptions:
            return np.zeros(0, dtype=np.int64)
        return self._facts_named.search_words(text, self._facts.count, n)

    @property
    def has_descriptions(self) -> bool:
        """Says that movies have plots or tags to search in."""
        return self._catalogue.has_descriptions

    def fame(self, movie_id: Id) -> float | None:
        """Popularity of a movie, 0..1, on a logarithmic scale of its ratings, or None."""
        index = self._catalogue.movie_index(movie_id)
        if index is None:
            return None
        return float(np.log1p(self._facts.count[index]) / self._log_most)

    @cached_property
    def _facts_named(self) -> FactSearch:
        return FactSearch(self._content, self._catalogue.terms(), self._catalogue.with_cast)

    @cached_property
    def _log_most(self) -> float:
        return float(np.log1p(max(1, self._facts.count.max())))
