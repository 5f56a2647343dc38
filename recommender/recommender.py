"""The recommender: one object that answers every question about a bundle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from recommender.bundle import Bundle
from recommender.catalogue import FILE as CATALOGUE_FILE
from recommender.catalogue import Catalogue
from recommender.collaborative import StarsModel
from recommender.content import ContentModel
from recommender.errors import NotFoundError
from recommender.filters import Filters, MovieFacts
from recommender.history import ARRAYS as HISTORY_ARRAYS
from recommender.history import History
from recommender.hybrid import HybridScorer, Ranked
from recommender.records import (
    Id,
    Movie,
    RatedMovie,
    Recommendation,
    Results,
    SimilarMovie,
    User,
)
from recommender.settings import Settings
from recommender.topn import TopN

Method = Literal["content", "collaborative"]
METHODS: tuple[Method, ...] = ("content", "collaborative")
DEFAULT_WEIGHT = 0.6


@dataclass(frozen=True)
class Statistics:
    """What the bundle was trained on."""

    movies: int
    users: int
    ratings: int
    mean_rating: float


class Recommender:
    """Answers from one opened bundle; safe to share between threads.

    Memory: the bundle's arrays are mapped, so a question costs what one batch needs and what the
    operating system keeps cached of the files, which it takes back whenever memory is short.

    Attributes:
        bundle: the opened bundle.
        scale: lowest and highest rating.
        genres: all genres, the most frequent first.
    """

    def __init__(self, bundle: Bundle, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self.bundle = bundle
        self.scale: tuple[float, float] = tuple(bundle.info["data"]["scale"])
        self._catalogue = Catalogue(bundle.file(CATALOGUE_FILE))
        self._facts = MovieFacts.from_bundle(bundle)
        self._stars = StarsModel.from_bundle(bundle)
        self._content = ContentModel.from_bundle(bundle)
        self._history = History(*(bundle.array(name) for name in HISTORY_ARRAYS))
        self._movie_batch = settings.movie_batch
        self._scorer = HybridScorer(
            self._stars, self._content, self._history, settings.user_batch, settings.movie_batch
        )
        self.genres = self._facts.genre_names

    @classmethod
    def open(cls, path: str | Path, settings: Settings | None = None) -> Recommender:
        """Open the bundle at `path`.

        Raises:
            BundleError: it is missing, of another format version, truncated or altered.
        """
        return cls(Bundle.open(path), settings)

    def close(self) -> None:
        """Close the catalogue; the arrays go with the object."""
        self._catalogue.close()

    def recommend_for_user(
        self, user_id: Id, n: int = 10, filters: Filters | None = None
    ) -> Results[Recommendation]:
        """The n movies with the most predicted stars among those the user has not rated.

        Only movies that the stars model was trained on are candidates.

        Raises:
            NotFoundError: no such user, or a genre that does not exist.
        """
        known = self._stars.movie_known
        allowed = self._allowed(filters)
        allowed = known if allowed is None else known & allowed
        ranked = self._rank_one(user_id, n, 1.0, allowed)
        return self._recommendations(ranked, ranked.predicted, hybrid=False)

    def hybrid_recommend(
        self,
        user_id: Id,
        n: int = 10,
        cf_weight: float = DEFAULT_WEIGHT,
        filters: Filters | None = None,
    ) -> Results[Recommendation]:
        """The n best of cf_weight · collaborative + (1 − cf_weight) · content (see `hybrid`).

        Every movie is a candidate, rated by others or not.

        Raises:
            NotFoundError: no such user, or a genre that does not exist.
            ValueError: cf_weight outside 0..1.
        """
        if not 0 <= cf_weight <= 1:
            raise ValueError(f"cf_weight is {cf_weight}; it must be within 0..1")
        ranked = self._rank_one(user_id, n, cf_weight, self._allowed(filters))
        return self._recommendations(ranked, ranked.scores, hybrid=True)

    def recommend_all(
        self, n: int = 10, cf_weight: float = DEFAULT_WEIGHT
    ) -> Iterator[tuple[Id, list[Id], np.ndarray]]:
        """`hybrid_recommend` for every user: user id, movie ids best first, and their scores.

        Memory follows the batches, not the number of users.
        """
        movie_ids = self._catalogue.movie_ids()
        users = self._catalogue.user_ids()
        ranked = self._scorer.rank(np.arange(len(users)), n, cf_weight)
        for user_id, best in zip(users, ranked, strict=True):
            yield user_id, [movie_ids[m] for m in best.movies], best.scores

    def find_similar_movies(
        self,
        movie_id: Id,
        n: int = 10,
        method: Method = "content",
        filters: Filters | None = None,
    ) -> Results[SimilarMovie]:
        """The n movies most similar to one.

        Args:
            method: ``"content"``: cosine of the TF-IDF rows; ``"collaborative"``: cosine of the
                stars that all users would give (see `StarsModel.similarity`).

        Raises:
            NotFoundError: no such movie, a genre that does not exist, or a movie with too few
                ratings for the collaborative method.
            ValueError: an unknown method.
        """
        if method not in METHODS:
            raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
        movie = self._movie_index(movie_id)
        allowed = self._allowed(filters)
        if method == "collaborative":
            if not self._stars.movie_known[movie]:
                raise NotFoundError(
                    f"movie {movie_id} has too few ratings for the collaborative method; "
                    "use the content method"
                )
            known = self._stars.movie_known
            allowed = known if allowed is None else known & allowed
        else:
            row = self._content.profile(np.array([movie]), np.ones(1))[None]
        best = TopN(1, n)
        for start in range(0, self._content.n_movies, self._movie_batch):
            stop = min(start + self._movie_batch, self._content.n_movies)
            if method == "collaborative":
                scores = self._stars.similarity(movie, start, stop)[None]
            else:
                scores = self._content.similarity(row, start, stop)
                scores[scores <= 0] = -np.inf
            if start <= movie < stop:
                scores[0, movie - start] = -np.inf
            if allowed is not None:
                scores[0, ~allowed[start:stop]] = -np.inf
            best.add(scores, start)
        ((movies, scores),) = best.rows()
        return Results(
            SimilarMovie(rank, found, min(1.0, float(score)))
            for rank, (found, score) in enumerate(
                zip(self._movies(movies), scores, strict=True), start=1
            )
        )

    def search(self, text: str, n: int = 10) -> Results[Movie]:
        """Movies whose title holds every word of `text` (see `Catalogue.search`), best first."""
        return Results(self._movies(self._catalogue.search(text, n)))

    def predict(self, pairs: Sequence[tuple[Id, Id]]) -> np.ndarray:
        """Predicted stars, clipped, for (user id, movie id) pairs; float64, shape (pairs,).

        An unknown user or movie counts as an average one, as in Surprise.
        """
        users = [self._catalogue.user_index(user) for user, _ in pairs]
        movies = [self._catalogue.movie_index(movie) for _, movie in pairs]
        return self._stars.predict_pairs(_or_unknown(users), _or_unknown(movies))

    def movie(self, movie_id: Id) -> Movie:
        """One movie by its id.

        Raises:
            NotFoundError: no such movie.
        """
        return self._movies([self._movie_index(movie_id)])[0]

    def user(self, user_id: Id) -> User:
        """One user by id.

        Raises:
            NotFoundError: no such user.
        """
        index = self._user_index(user_id)
        _, ratings = self._history.of(index)
        return User(user_id, len(ratings), float(ratings.mean(dtype=np.float64)))

    def users(self, limit: int) -> list[Id]:
        """The first `limit` user ids."""
        return self._catalogue.user_ids(limit)

    def rated_by(self, user_id: Id, n: int = 10) -> Results[RatedMovie]:
        """What a user rated highest; among equals the more often rated movie comes first.

        Raises:
            NotFoundError: no such user.
        """
        movies, ratings = self._history.of(self._user_index(user_id))
        order = np.lexsort((-self._facts.count[movies], -ratings))[:n]
        found = self._movies(movies[order])
        return Results(map(RatedMovie, found, ratings[order].tolist()))

    def popular(self, n: int = 10, filters: Filters | None = None) -> Results[Movie]:
        """The most often rated movies."""
        counts = self._facts.count[None].astype(float)
        allowed = self._allowed(filters)
        if allowed is not None:
            counts[0, ~allowed] = -np.inf
        best = TopN(1, n)
        best.add(counts, 0)
        return Results(self._movies(best.rows()[0][0]))

    @property
    def years(self) -> tuple[int, int]:
        """The first and the last year of the catalogue; (0, 0) if no year is known."""
        known = self._facts.year[self._facts.year > 0]
        return (int(known.min()), int(known.max())) if len(known) else (0, 0)

    @property
    def statistics(self) -> Statistics:
        """How large the data are."""
        data = self.bundle.info["data"]
        return Statistics(data["movies"], data["users"], data["ratings"], data["mean_rating"])

    def _rank_one(self, user_id: Id, n: int, weight: float, allowed: np.ndarray | None) -> Ranked:
        return next(self._scorer.rank(np.array([self._user_index(user_id)]), n, weight, allowed))

    def _recommendations(
        self, ranked: Ranked, scores: np.ndarray, *, hybrid: bool
    ) -> Results[Recommendation]:
        clipped = self._stars.clip(ranked.predicted)
        return Results(
            Recommendation(
                rank=i + 1,
                movie=movie,
                score=float(scores[i]),
                stars=float(clipped[i]),
                collaborative=float(ranked.collaborative[i]) if hybrid else None,
                content=float(ranked.content[i]) if hybrid else None,
            )
            for i, movie in enumerate(self._movies(ranked.movies))
        )

    def _movies(self, indices: Sequence[int] | np.ndarray) -> list[Movie]:
        indices = [int(i) for i in indices]
        counts, means = self._facts.count[indices], self._facts.mean[indices]
        return [
            Movie(
                movie_id=text.movie_id,
                title=text.title,
                year=text.year,
                genres=text.genres,
                mean_rating=float(mean) if count else None,
                n_ratings=int(count),
            )
            for text, count, mean in zip(
                self._catalogue.movies(indices), counts, means, strict=True
            )
        ]

    def _allowed(self, filters: Filters | None) -> np.ndarray | None:
        return None if filters is None else self._facts.allowed(filters)

    def _movie_index(self, movie_id: Id) -> int:
        index = self._catalogue.movie_index(movie_id)
        if index is None:
            raise NotFoundError(f"no movie has the id {movie_id}; `matinee search` finds ids")
        return index

    def _user_index(self, user_id: Id) -> int:
        index = self._catalogue.user_index(user_id)
        if index is None:
            raise NotFoundError(f"no user has the id {user_id}")
        return index


def _or_unknown(indices: list[int | None]) -> np.ndarray:
    return np.array([-1 if i is None else i for i in indices], dtype=np.int64)
