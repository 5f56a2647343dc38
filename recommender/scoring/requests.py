"""Request parsing: the callers' ids and arguments become requests; `results` is the way back."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from recommender.bundle.catalogue import Catalogue
from recommender.bundle.movie_facts import MovieFacts
from recommender.core.errors import NotFoundError
from recommender.core.records import Id
from recommender.models.protocol import KnowsMovies
from recommender.models.stars import StarsModel
from recommender.scoring.filters import Filters, allowed_movies
from recommender.scoring.scorer import HybridScorer, Request, UserRatings


class RequestParser:
    """Checks what is asked, and finds the indices of the users and movies it is about."""

    def __init__(self, catalogue: Catalogue, facts: MovieFacts, scorer: HybridScorer) -> None:
        self._catalogue = catalogue
        self._facts = facts
        self._scorer = scorer

    def top_n(self, n: int) -> int:
        """Return `n`, the length of the list that is asked for, or the size of the catalogue if
        that is less: no answer and no memory grows with a number that somebody types.

        Raises:
            ValueError: `n` is no whole number of at least 1.
        """
        return self.whole("n", n, self._scorer.content.n_movies)

    @staticmethod
    def whole(name: str, number: int, most: int) -> int:
        """Return `number`, the argument `name`, or `most` if that is less.

        Raises:
            ValueError: it is no whole number of at least 1.
        """
        try:
            wanted = operator.index(number)
        except TypeError:
            wanted = 0
        if wanted < 1:
            raise ValueError(f"{name} is {number!r}; it must be a whole number of at least 1")
        return min(wanted, most)

    def request(
        self,
        n: int,
        weight: float,
        filters: Filters | None,
        rank_by: str,
        variety: float,
        obscurity: float,
    ) -> Request:
        """Make the request to rank by; the arguments are those of `Recommender.hybrid_recommend`.

        Raises:
            NotFoundError: a genre that does not exist.
            ValueError: an argument cannot be used.
        """
        for name, share in (("cf_weight", weight), ("variety", variety), ("obscurity", obscurity)):
            if not 0 <= as_number(name, share) <= 1:
                raise ValueError(f"{name} is {share}; it must be within 0..1")
        models = self._scorer.models
        if rank_by not in models:
            raise ValueError(f"rank_by is {rank_by!r}; it must be one of {', '.join(models)}")
        allowed = self.allowed(filters)
        model = models[rank_by]
        if isinstance(model, KnowsMovies) and weight == 1:
            known = model.movie_known
            allowed = known if allowed is None else known & allowed
        return Request(self.top_n(n), weight, rank_by, allowed, obscurity, variety)

    def visitor(self, ratings: Mapping[Id, float]) -> UserRatings:
        """Somebody who is not in the data, folded in; movies that do not exist are passed over.

        Raises:
            ValueError: stars outside the scale.
        """
        low, high = self._scorer.stars.scale
        stars: dict[int, float] = {}
        for movie_id, rating in ratings.items():
            if not low <= as_number(f"movie {movie_id}", rating) <= high:
                raise ValueError(
                    f"movie {movie_id}: {rating} stars are outside the scale {low:g} to {high:g}"
                )
            index = self._catalogue.movie_index(movie_id)
            if index is not None:
                stars[index] = rating
        movies = np.array(sorted(stars), dtype=np.int32)
        given = np.array([stars[i] for i in movies.tolist()], dtype=np.float32)
        own = self._scorer.stars.profile(movies, given)
        return UserRatings(movies, given, {StarsModel.name: own})

    def unknown_of(self, ratings: Mapping[Id, float], person: UserRatings) -> list[Id]:
        """Return the ids in `ratings` that no movie has, where `person` is `visitor` of them.

        Raises:
            NotFoundError: no movie has any of them.
        """
        unknown = self.unknown(ratings) if len(person.movies) < len(ratings) else []
        if unknown and len(person.movies) == 0:
            raise NotFoundError(
                f"none of the {len(ratings):,} rated movies is in the catalogue (such as "
                f"{unknown[0]!r}); `search` finds its ids"
            )
        return unknown

    def with_hidden(self, person: UserRatings, hidden: Collection[Id]) -> UserRatings:
        """`person`, with the movies they turned away counted as rated lowest."""
        indices = set(self.known(hidden))
        away = np.array(sorted(indices.difference(person.movies.tolist())), dtype=np.int32)
        movies = np.concatenate([person.movies, away])
        lowest = np.full(len(away), self._scorer.stars.scale[0], dtype=np.float32)
        order = np.argsort(movies)
        ratings = np.concatenate([person.ratings, lowest])[order]
        mean = float(person.ratings.mean(dtype=np.float64)) if len(person.ratings) else None
        return dataclasses.replace(person, movies=movies[order], ratings=ratings, mean=mean)

    def without(self, request: Request, movies: Collection[Id]) -> Request:
        """Return `request`, of whose answer these movies are no part."""
        indices = self.known(movies)
        if not indices:
            return request
        allowed = np.ones(self._scorer.content.n_movies, dtype=bool)
        allowed[indices] = False
        if request.allowed is not None:
            allowed &= request.allowed
        return dataclasses.replace(request, allowed=allowed)

    def allowed(self, filters: Filters | None) -> np.ndarray | None:
        """Mask of the movies that pass the filters, bool, shape (movies,); None: all.

        Raises:
            NotFoundError: a genre that does not exist.
            ValueError: a year or a number of ratings is none.
        """
        if filters is None:
            return None
        for year in filters.years or ():
            as_number("a year of the filter", year)
        if as_number("min_ratings of the filter", filters.min_ratings) < 0:
            raise ValueError(f"min_ratings is {filters.min_ratings}; it must be at least 0")
        if filters.max_ratings is not None:
            as_number("max_ratings of the filter", filters.max_ratings)
        return allowed_movies(self._facts, filters)

    def unknown(self, movie_ids: Iterable[Id]) -> list[Id]:
        """The ids that no movie has, in this order."""
        return [one for one in movie_ids if self._catalogue.movie_index(one) is None]

    def known(self, movie_ids: Iterable[Id]) -> list[int]:
        """The movies with these ids, in this order; ids that do not exist are passed over."""
        indices = map(self._catalogue.movie_index, movie_ids)
        return [index for index in indices if index is not None]

    def pairs(self, pairs: Sequence[tuple[Id, Id]]) -> tuple[np.ndarray, np.ndarray]:
        """Users and movies of (user id, movie id) pairs, int64; -1 for ids that do not exist."""
        users = [self._catalogue.user_index(user) for user, _ in pairs]
        movies = [self._catalogue.movie_index(movie) for _, movie in pairs]
        return _or_unknown(users), _or_unknown(movies)

    def movie(self, movie_id: Id) -> int:
        """The movie with an id.

        Raises:
            NotFoundError: no such movie.
        """
        index = self._catalogue.movie_index(movie_id)
        if index is None:
            raise NotFoundError(f"no movie has the id {movie_id}; `matinee search` finds ids")
        return index

    def user(self, user_id: Id) -> int:
        """The user with an id.

        Raises:
            NotFoundError: no such user.
        """
        index = self._catalogue.user_index(user_id)
        if index is None:
            raise NotFoundError(f"no user has the id {user_id}")
        return index


def as_number(name: str, value: float) -> float:
    """Return `value`, the argument `name`, as a float.

    Raises:
        ValueError: it is no number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isnan(number):
        raise ValueError(f"{name} is {value!r}; it must be a number")
    return number


def _or_unknown(indices: list[int | None]) -> np.ndarray:
    return np.array([-1 if i is None else i for i in indices], dtype=np.int64)
