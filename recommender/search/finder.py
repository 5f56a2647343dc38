"""Finding movies by what somebody types: titles, misspelt or exact, and facts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Literal

import numpy as np

from recommender.bundle.catalogue import Catalogue
from recommender.bundle.movie_facts import MovieFacts
from recommender.core.records import Id, Movie
from recommender.core.text_folding import fold, without_article
from recommender.models.content import ContentModel
from recommender.search.facts import FactSearch
from recommender.search.titles import TitleIndex

SearchBy = Literal["title", "facts", "meaning"]
SEARCH_BY: tuple[SearchBy, ...] = ("title", "facts", "meaning")


class Finder:
    """Searches the catalogue of one bundle; what it answers are indices, best first."""

    def __init__(
        self, catalogue: Catalogue, titles: TitleIndex, facts: MovieFacts, content: ContentModel
    ) -> None:
        self._catalogue = catalogue
        self._titles = titles
        self._facts = facts
        self._content = content

    def by_title(self, text: str, n: int) -> list[int]:
        """The n movies whose titles are most like `text`, see `TitleIndex.search`."""
        return self._titles.search(text, n)

    def by_facts(self, text: str, n: int) -> np.ndarray:
        """The n movies of which most of `text` is true, see `FactSearch.search`."""
        return self._facts_named.search(text, self._facts.count, n)

    def fame(self, movie_id: Id) -> float | None:
        """Popularity of a movie, 0..1, on a logarithmic scale of its ratings, or None."""
        index = self._catalogue.movie_index(movie_id)
        if index is None:
            return None
        return float(np.log1p(self._facts.count[index]) / self._log_most)

    @cached_property
    def _facts_named(self) -> FactSearch:
        return FactSearch(self._content, self._catalogue.terms())

    @cached_property
    def _log_most(self) -> float:
        return float(np.log1p(max(1, self._facts.count.max())))


def of_title(movies: Iterable[Movie], title: str, year: int | None) -> Movie | None:
    """The first of `movies` whose title, or the part of it before or in brackets, is `title` (case,
    accents and a leading article aside), and that is at most one year away from `year`."""
    wanted = without_article(fold(title))
    for movie in movies:
        names = [movie.title, re.sub(r"\(.*", "", movie.title), *_in_brackets(movie.title)]
        if wanted not in {without_article(fold(name)) for name in names}:
            continue
        if year is None or movie.year is None or abs(movie.year - year) <= 1:
            return movie
    return None


def _in_brackets(title: str) -> list[str]:
    return re.findall(r"\(([^()]*)\)", title)
