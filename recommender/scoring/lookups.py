"""Look-ups of what a bundle holds, by id: movies, users, their ratings, posters, and counts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from recommender.bundle.bundle import Bundle
from recommender.bundle.catalogue import Catalogue
from recommender.bundle.history import History
from recommender.bundle.links import MovieLinks
from recommender.bundle.movie_facts import MovieFacts
from recommender.bundle.posters import Posters
from recommender.core.records import (
    Id,
    Movie,
    MovieDetails,
    RatedMovie,
    Results,
    Statistics,
    User,
)
from recommender.scoring.requests import RequestParser
from recommender.scoring.results import ResultBuilder


class Lookups:
    """Gives what an opened bundle holds, without any ranking.

    Args:
        requests: reads ids.
        results: makes the records.

    Attributes:
        bundle: the opened bundle.
    """

    def __init__(
        self,
        bundle: Bundle,
        catalogue: Catalogue,
        facts: MovieFacts,
        history: History,
        links: MovieLinks,
        requests: RequestParser,
        results: ResultBuilder,
    ) -> None:
        self.bundle = bundle
        self._catalogue = catalogue
        self._facts = facts
        self._history = history
        self._links = links
        self._posters = Posters(bundle)
        self._requests = requests
        self._results = results

    def close(self) -> None:
        """Close the catalogue; the arrays go with the object."""
        self._catalogue.close()
        self._posters.close()

    def movie(self, movie_id: Id) -> Movie:
        """One movie by its id.

        Raises:
            NotFoundError: no such movie.
        """
        return self._results.movies([self._requests.movie(movie_id)])[0]

    def movies(self, movie_ids: Iterable[Id]) -> Results[Movie]:
        """The movies with these ids, in this order.

        Ids that do not exist are passed over and listed in `Results.unknown`.
        """
        movie_ids = list(movie_ids)
        known = self._requests.known(movie_ids)
        unknown = self._requests.unknown(movie_ids) if len(known) < len(movie_ids) else []
        return Results(self._results.movies(known), unknown)

    def details(self, movie_id: Id) -> MovieDetails:
        """The facts of a movie that lists do not show.

        Raises:
            NotFoundError: no such movie.
        """
        (text,) = self._catalogue.movies([self._requests.movie(movie_id)])
        return MovieDetails(text.plot, text.cast, text.country, text.runtime, text.tags)

    def has_poster(self, movie: Movie) -> bool:
        """Return whether the bundle has a poster of a movie."""
        index = self._catalogue.movie_index(movie.movie_id) if self._posters.any else None
        return index is not None and self._posters.has(index)

    def poster(self, movie: Movie) -> bytes | None:
        """Return the small poster of a movie, a JPEG, or None where the bundle has none."""
        index = self._catalogue.movie_index(movie.movie_id) if self._posters.any else None
        return None if index is None else self._posters.image(index)

    def movies_by_imdb_id(self, imdb_ids: Iterable[str]) -> dict[str, Movie]:
        """The movies with these IMDb ids (such as ``tt0114709``), by id; unknown ones are left out.

        A bundle without links knows none.
        """
        found = self._links.by_imdb_id(imdb_ids)
        return dict(zip(found, self._results.movies(list(found.values())), strict=True))

    def user(self, user_id: Id) -> User:
        """One user by id.

        Raises:
            NotFoundError: no such user.
        """
        index = self._requests.user(user_id)
        _, ratings = self._history.of(index)
        return User(
            self._catalogue.user_id(index), len(ratings), float(ratings.mean(dtype=np.float64))
        )

    def users(self, limit: int) -> list[Id]:
        """Return the first `limit` user ids, or all if there are fewer.

        Raises:
            ValueError: `limit` is no whole number of at least 1.
        """
        return self._catalogue.user_ids(self._requests.whole("limit", limit, self.statistics.users))

    def rated_by(self, user_id: Id, n: int = 10) -> Results[RatedMovie]:
        """Return what a user rated highest; among equals the more often rated movie comes first.

        Raises:
            NotFoundError: no such user.
        """
        movies, ratings = self._history.of(self._requests.user(user_id))
        order = np.lexsort((-self._facts.count[movies], -ratings))[: self._requests.top_n(n)]
        found = self._results.movies(movies[order])
        return Results(map(RatedMovie, found, ratings[order].tolist()))

    @property
    def years(self) -> tuple[int, int]:
        """The first and the last year of the catalogue; (0, 0) if no year is known."""
        return self._facts.years

    @property
    def statistics(self) -> Statistics:
        """Counts of the data: movies, users, ratings."""
        data = self.bundle.training.data
        return Statistics(data.movies, data.users, data.ratings, data.mean_rating)
