"""The models that are compared: name, settings that are searched, and fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.bundle.history import History
from recommender.core.relevance import LIKED, Relevant, relevant_from

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Settings = Mapping[str, Any]
# What the lowest rating counts where ratings are weights, the highest counting 1.
_LOWEST_WEIGHT = 0.1
WEIGHTS = ("same", "stars", "liked")


@dataclass(frozen=True)
class TrainPart:
    """The ratings a model is fitted to.

    Attributes:
        n_movies: of the catalogue, rated here or not.
        scale: lowest and highest rating.
        relevant: what the lists will be judged by.
        texts: ``movies.parquet`` of the import.
    """

    history: History
    n_movies: int
    scale: tuple[float, float]
    relevant: Relevant
    texts: Path

    @cached_property
    def stars(self) -> csr_matrix:
        """The ratings, users × movies, float32."""
        from scipy.sparse import csr_matrix

        offsets, movies, ratings = map(np.array, self.history.arrays())
        return csr_matrix((ratings, movies, offsets), shape=(len(offsets) - 1, self.n_movies))

    def weighted(self, weights: str) -> csr_matrix:
        """Return the ratings as weights, users × movies, float32.

        Args:
            weights: ``"same"``: 1 for every rating; ``"stars"``: .1 for the lowest rating to 1
                for the highest; ``"liked"``: 1 for those that count as liked, the others left out.
        """
        found = self.stars.copy()
        low, high = self.scale
        if weights == "stars":
            shares = (found.data - low) / (high - low)
            found.data = _LOWEST_WEIGHT + (1 - _LOWEST_WEIGHT) * shares
        else:
            least = relevant_from(self.scale, LIKED) if weights == "liked" else low
            found.data = (found.data >= least).astype(np.float32)
            found.eliminate_zeros()
        return found


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    Attributes:
        score: scores of all movies for some users, shape (users,) → (users, movies); the caller may
            overwrite them.
        n_bytes: of the arrays that the scores are computed from.
        chosen: settings that the fit chose by itself.
    """

    score: Callable[[np.ndarray], np.ndarray]
    n_bytes: int
    chosen: Settings = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Contestant:
    """A model of the comparison.

    Attributes:
        name: names it on the command line; `label` in the table.
        fit: fits it to a train part with some settings.
        start: the settings that the search begins with.
        grid: the values of each setting that the search may try, in order.
        package: the module that it needs; empty for what the project has.
        chooses: its fit chooses settings by itself, for what counts as relevant.
    """

    name: str
    label: str
    fit: Callable[[TrainPart, Settings], Fitted]
    start: Settings = dataclasses.field(default_factory=dict)
    grid: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    package: str = ""
    chooses: bool = False


def linear(inputs: csr_matrix, weights: Any) -> Fitted:
    """Return a model whose scores are a user's row times a matrix of movies × movies."""
    n_bytes = weights.nbytes if isinstance(weights, np.ndarray) else weights.data.nbytes * 2

    def score(users: np.ndarray) -> np.ndarray:
        scores = inputs[users] @ weights
        return np.asarray(scores if isinstance(scores, np.ndarray) else scores.toarray())

    return Fitted(score, n_bytes)


def factors(users: np.ndarray, movies: np.ndarray) -> Fitted:
    """Return a model whose scores are products of a user's and a movie's vector."""
    return Fitted(lambda chosen: users[chosen] @ movies.T, users.nbytes + movies.nbytes)


def _popularity(train: TrainPart, settings: Settings) -> Fitted:
    counts = train.history.movie_counts(train.n_movies).astype(np.float32)
    return Fitted(lambda users: np.tile(counts, (len(users), 1)), counts.nbytes)


def _ease(train: TrainPart, settings: Settings) -> Fitted:
    """EASE: Steck, "Embarrassingly shallow autoencoders for sparse data", 2019; with ``dropout``
    EDLAE: Steck, "Autoencoders that don't overfit towards the identity", 2020."""
    from scipy.linalg import cholesky, inv, solve_triangular

    inputs = train.weighted(settings["weights"])
    dense = inputs.toarray()
    dropout = settings.get("dropout", 0.0)
    penalty = settings["regularization"] + dropout / (1 - dropout) * np.square(dense).sum(axis=0)
    if len(dense) < train.n_movies:  # the inverse by way of users × users (Woodbury), in no time
        inner = (dense / penalty) @ dense.T + np.identity(len(dense), np.float32)
        half = solve_triangular(cholesky(inner, lower=True), dense / penalty, lower=True)
        weights = half.T @ half
        weights /= 1 / penalty - weights.diagonal()
    else:
        weights = inv(dense.T @ dense + np.diag(penalty), assume_a="pos")
        weights /= -weights.diagonal()
    np.fill_diagonal(weights, 0)
    return linear(inputs, weights)


def _matinee(train: TrainPart, settings: Settings) -> Fitted:
    """The ranking model as `matinee train` fits it, which chooses its settings by itself."""
    from recommender.models.content import ContentModel
    from recommender.models.ranking import RankingModel
    from recommender.training.pipeline import MovieTexts, TrainingSettings

    own = TrainingSettings(relevant=train.relevant)
    data = own.data(train.history, MovieTexts(train.texts, train.n_movies), train.scale)
    content = ContentModel.fit(data, own.of(ContentModel))
    data = dataclasses.replace(data, fitted={ContentModel.name: content})
    model = RankingModel.fit(data, own.of(RankingModel))

    def score(users: np.ndarray) -> np.ndarray:
        profiles = [model.profile(*train.history.of(user)) for user in users.tolist()]
        return model.score(np.stack(profiles), slice(0, train.n_movies))

    arrays = (model.inputs, model.outputs, model.popularity)
    chosen = {name: round(value, 4) for name, value in model.chosen.items()}
    return Fitted(
        score, sum(array.nbytes for array in arrays), {"neutral": round(model.neutral, 4)} | chosen
    )


REGULARIZATIONS = (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
OWN = (
    Contestant("popularity", "popularity", _popularity),
    Contestant(
        "ease",
        "EASE",
        _ease,
        {"regularization": 200.0, "weights": "stars"},
        {"regularization": REGULARIZATIONS, "weights": WEIGHTS},
    ),
    Contestant(
        "edlae",
        "EDLAE",
        _ease,
        {"regularization": 100.0, "dropout": 0.3, "weights": "stars"},
        {"regularization": REGULARIZATIONS, "dropout": (0.1, 0.3, 0.5, 0.7), "weights": WEIGHTS},
    ),
    Contestant("matinee", "Matinee", _matinee, chooses=True),
)
