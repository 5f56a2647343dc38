"""The models that an evaluation compares: Matinee's own, the published ones, and baselines.

Each is trained on a train part only. Matinee's are asked through the same scorer as in the app, so
what is judged is what a person would see.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from debug_memory import action
from recommender.bundle.catalogue import MovieText
from recommender.bundle.history import History
from recommender.core.errors import DataError, NotFoundError
from recommender.evaluation.baselines import (
    CoOccurrence,
    DampedBias,
    first_unrated,
    fit_damped_bias,
)
from recommender.models.content import fit_content
from recommender.models.ranking import RankingModel, fit_ranking
from recommender.models.stars import StarsModel, StarsSettings, fit_stars
from recommender.recommender import DEFAULT_WEIGHT
from recommender.scoring.scorer import HybridScorer, Question
from recommender.scoring.similar import Method, most_similar
from recommender.training.pipeline import TrainingSettings

POPULARITY, BY_STARS, RANKING = "Popularity", "Matinee, by stars", "Matinee, ranking"
# Co-occurrence holds all ratings in memory, so it is left out of comparisons of more than these.
_MOST_RATINGS = 5_000_000
# Fewer and larger batches than when serving: many users are asked about at once.
_MOVIE_BATCH = 1 << 14
# Surprise's own defaults, but 20 factors instead of 100, which is better on the sample.
_SURPRISE = StarsSettings(
    n_epochs=20,
    initial_spread=0.1,
    learning_rate=0.005,
    bias_learning_rate=0.005,
    regularization=0.02,
)


@dataclass(frozen=True)
class Abilities:
    """What a trained contender can do; None for what it cannot.

    Attributes:
        stars: clipped predictions for pairs of users and movies.
        top: for each of some users the n best unrated movies.
        similar: the n movies most similar to one.
    """

    stars: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    top: Callable[[np.ndarray, int], Iterator[np.ndarray]] | None = None
    similar: Callable[[int, int], np.ndarray] | None = None


@dataclass(frozen=True)
class Contender:
    """One model in the comparison: the trained parts it needs, and what it does with them."""

    name: str
    parts: tuple[str, ...]
    build: Callable[[], Abilities]


@dataclass(frozen=True)
class Trained:
    """A trained part and what the training took.

    Attributes:
        seconds: how long.
        peak: bytes of own memory at the most, beyond what the process had before.
    """

    model: Any
    seconds: float
    peak: int


class Contenders:
    """All contenders on one train part; their parts are trained here, once.

    Args:
        train: the ratings to train on.
        texts: all movies, in index order.
        scale: lowest and highest rating.
        settings: of Matinee's own models.
        progress: told the part that is being trained.

    Raises:
        DataError: the settings leave no rating to train on.

    Attributes:
        counts: how many train ratings each movie has, shape (movies,).
        trained: by the name of the part.
    """

    def __init__(
        self,
        train: History,
        texts: Collection[MovieText],
        scale: tuple[float, float],
        settings: TrainingSettings,
        progress: Callable[[str, float], None],
    ) -> None:
        self._train, self._texts = train, texts
        self._scale, self._settings = scale, settings
        self.counts = movie_counts(train, len(texts))
        self.trained: dict[str, Trained] = {}
        for name, fit in (
            ("content", lambda: fit_content(texts, settings.max_features)[0]),
            ("ranking", self._fit_ranking),
            ("stars", self._fit_stars),
            ("surprise", self._fit_surprise),
            ("bias", lambda: fit_damped_bias(train, len(texts), scale)),
            ("co-occurrence", lambda: CoOccurrence(train, len(texts))),
        ):
            if name == "co-occurrence" and len(train.movies) > _MOST_RATINGS:
                continue
            progress(f"Training: {name}", 0.0)
            with action(name) as measured:
                model = fit()
            record = measured.record
            self.trained[name] = Trained(model, record.duration, record.peak - record.before)
            progress(f"Training: {name}", 1.0)

    def all(self) -> list[Contender]:
        """The contenders in the order of the table."""
        matinee, published = self.scorer("stars"), self.scorer("surprise")
        by_stars = Question(1, rank_by="stars")
        found = [
            Contender(POPULARITY, (), self._popularity),
            Contender("Damped bias", ("bias",), self._damped_bias),
            Contender("Content", ("content",), _lists(published, Question(1, 0.0), "content")),
            Contender(
                "Surprise SVD",
                ("surprise",),
                _lists(published, by_stars, "predicted", published.stars),
            ),
            Contender(
                "Published hybrid",
                ("surprise", "content"),
                _lists(published, Question(1, 0.6, "stars")),
            ),
            Contender("Co-occurrence", ("co-occurrence",), self._co_occurrence),
            Contender(
                BY_STARS,
                ("stars",),
                _lists(
                    matinee,
                    dataclasses.replace(by_stars, allowed=matinee.stars.movie_known),
                    "predicted",
                    matinee.stars,
                ),
            ),
            Contender(
                RANKING,
                ("content", "ranking"),
                _lists(matinee, Question(1), "collaborative"),
            ),
            Contender(
                "Matinee, hybrid",
                ("content", "ranking"),
                _lists(matinee, Question(1, DEFAULT_WEIGHT), "hybrid"),
            ),
        ]
        return [one for one in found if set(one.parts) <= set(self.trained)]

    def _fit_ranking(self) -> RankingModel:
        content = self.trained["content"].model
        return fit_ranking(self._train, content, self.counts, self._scale, self._settings.ranking)

    def _fit_stars(self) -> StarsModel:
        users = np.diff(self._train.offsets) >= self._settings.min_user_ratings
        movies = self.counts >= self._settings.min_movie_ratings
        try:
            return fit_stars(self._train, users, movies, self._scale, self._settings.stars)
        except ValueError:
            raise DataError(
                "no rating is left to train the stars model on; lower min_user_ratings or "
                "min_movie_ratings in --settings"
            ) from None

    def _fit_surprise(self) -> StarsModel:
        users, movies = np.diff(self._train.offsets) > 0, self.counts > 0
        return fit_stars(self._train, users, movies, self._scale, _SURPRISE)

    def scorer(self, stars: str) -> HybridScorer:
        """The app's scorer on this train part; `stars` names the part that predicts stars."""
        return HybridScorer(
            self.trained[stars].model,
            self.trained["ranking"].model,
            self.trained["content"].model,
            self._train,
            movie_batch=_MOVIE_BATCH,
        )

    def _popularity(self) -> Abilities:
        order = np.argsort(-self.counts, kind="stable")
        return Abilities(
            top=lambda users, n: first_unrated(self.counts, self._train, users, n),
            similar=lambda movie, n: order[: n + 1][order[: n + 1] != movie][:n],
        )

    def _damped_bias(self) -> Abilities:
        model: DampedBias = self.trained["bias"].model
        return Abilities(
            stars=model.predict_pairs,
            top=lambda users, n: first_unrated(model.movie_bias, self._train, users, n),
        )

    def _co_occurrence(self) -> Abilities:
        return Abilities(top=self.trained["co-occurrence"].model.top)


def movie_counts(history: History, n_movies: int) -> np.ndarray:
    """How many ratings each movie has, int64, shape (movies,)."""
    counts = np.zeros(n_movies, dtype=np.int64)
    everyone, everything = np.ones(history.n_users, bool), np.ones(n_movies, bool)
    for block in history.blocks(everyone, everything):
        counts += np.bincount(block.movies, minlength=n_movies)
    return counts


def _lists(
    scorer: HybridScorer,
    question: Question,
    method: Method | None = None,
    stars: StarsModel | None = None,
) -> Callable[[], Abilities]:
    """What the library itself answers to `question`, and to similar movies by `method`."""

    def top(users: np.ndarray, n: int) -> Iterator[np.ndarray]:
        people = map(scorer.user, users.tolist())
        for ranked in scorer.rank(people, dataclasses.replace(question, n=n)):
            yield ranked.movies

    def similar(movie: int, n: int) -> np.ndarray:
        assert method is not None
        try:
            return most_similar(scorer, movie, n, method, None)[0]
        except NotFoundError:
            return np.zeros(0, dtype=np.int64)

    return lambda: Abilities(
        stars.predict_pairs if stars else None, top, similar if method else None
    )
