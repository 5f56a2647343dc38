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
from recommender.core.errors import NotFoundError
from recommender.evaluation.top_lists import top_unrated
from recommender.models.co_occurrence import CoOccurrence
from recommender.models.protocol import Model, PredictsStars, TrainingData
from recommender.models.registry import BASELINES, SERVED
from recommender.models.stars import StarsModel, StarsSettings
from recommender.recommender import DEFAULT_WEIGHT
from recommender.scoring.scorer import HybridScorer, Request
from recommender.scoring.similar import Method, most_similar
from recommender.training.pipeline import TrainingSettings

POPULARITY, BY_STARS, RANKING = "Popularity", "Matinee, by stars", "Matinee, ranking"
# Co-occurrence holds all ratings in memory, so it is left out of comparisons of more than these.
_MAX_RATINGS = 5_000_000
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
    """Abilities of a trained contender; None for what it cannot do.

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
    """One model in the comparison: the trained parts that it needs, and its abilities."""

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
        data = settings.data(train, texts, scale)
        self._train, self.counts = train, data.counts
        self.trained: dict[str, Trained] = {}
        for model in (*SERVED, *BASELINES):
            if model is not CoOccurrence or len(train.movies) <= _MAX_RATINGS:
                self._fit(model.name, model, data, settings.of(model), progress)
        everybody = TrainingData.of(train, texts, scale)
        self._fit("surprise", StarsModel, everybody, _SURPRISE, progress)

    def _fit(
        self,
        name: str,
        model: type[Model],
        data: TrainingData,
        settings: Any,
        progress: Callable[[str, float], None],
    ) -> None:
        progress(f"Training: {name}", 0.0)
        fitted = {name: trained.model for name, trained in self.trained.items()}
        with action(name) as measured:
            found = model.fit(dataclasses.replace(data, fitted=fitted), settings)
        record = measured.record
        self.trained[name] = Trained(found, record.duration, record.peak - record.before)
        progress(f"Training: {name}", 1.0)

    def all(self) -> list[Contender]:
        """Return the contenders in the order of the table."""
        matinee, published = self.scorer("stars"), self.scorer("surprise")
        by_stars = Request(1, rank_by="stars")
        found = [
            Contender(POPULARITY, ("popularity",), self._popularity),
            self._alone("damped_bias"),
            Contender("Content", ("content",), _lists(published, Request(1, 0.0), "content")),
            Contender(
                "Surprise SVD",
                ("surprise",),
                _lists(published, by_stars, "predicted", published.stars),
            ),
            Contender(
                "Published hybrid",
                ("surprise", "content"),
                _lists(published, Request(1, 0.6, "stars")),
            ),
            self._alone("co-occurrence"),
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
                _lists(matinee, Request(1), "collaborative"),
            ),
            Contender(
                "Matinee, hybrid",
                ("content", "ranking"),
                _lists(matinee, Request(1, DEFAULT_WEIGHT), "hybrid"),
            ),
        ]
        known = {part for contender in found for part in contender.parts}
        found += [self._alone(name) for name in self.trained if name not in known]
        return [one for one in found if set(one.parts) <= set(self.trained)]

    def _alone(self, name: str) -> Contender:
        """Return the contender that is one model and nothing else."""
        return Contender(
            name.replace("_", " ").capitalize(), (name,), lambda: self._abilities(name)
        )

    def _abilities(self, name: str) -> Abilities:
        model: Model = self.trained[name].model
        return Abilities(
            stars=model.predict_pairs if isinstance(model, PredictsStars) else None,
            top=lambda users, n: top_unrated(model, self._train, len(self.counts), users, n),
        )

    def scorer(self, stars: str) -> HybridScorer:
        """Return the app's scorer on this train part; `stars` names what predicts stars."""
        return HybridScorer(
            {"ranking": self.trained["ranking"].model, "stars": self.trained[stars].model},
            self.trained["content"].model,
            self._train,
            movie_batch=_MOVIE_BATCH,
        )

    def _popularity(self) -> Abilities:
        order = np.argsort(-self.counts, kind="stable")
        return dataclasses.replace(
            self._abilities("popularity"),
            similar=lambda movie, n: order[: n + 1][order[: n + 1] != movie][:n],
        )


def _lists(
    scorer: HybridScorer,
    request: Request,
    method: Method | None = None,
    stars: StarsModel | None = None,
) -> Callable[[], Abilities]:
    """Return the library's own lists for `request`, and for similar movies by `method`."""

    def top(users: np.ndarray, n: int) -> Iterator[np.ndarray]:
        people = map(scorer.user, users.tolist())
        for ranked in scorer.rank(people, dataclasses.replace(request, n=n)):
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
