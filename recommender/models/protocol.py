"""The protocol that every model follows, and the data that models are trained on.

`docs/contributing.md` shows a whole model in a few lines; `tests/models/test_conformance.py` holds
every model of the registry to what is said here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar, runtime_checkable

import numpy as np

from recommender.bundle.catalogue import MovieText
from recommender.bundle.history import History
from recommender.bundle.writer import BundleWriter
from recommender.core.progress import Progress, no_progress
from recommender.core.rows import Rows, Selection

M = TypeVar("M", bound="Model")


class ModelFiles(Protocol):
    """Source of saved models: an opened `Bundle`, or the `BundleWriter` of a new one."""

    def array(self, name: str) -> np.ndarray:
        """Return the array stored as ``<name>.npy``, memory-mapped and read-only."""

    def user_rows(self, name: str) -> Rows:
        """Return an array that has a row for each user, which may lie in shards."""

    def numbers(self, model: str) -> Mapping[str, float]:
        """Return the numbers that the model of this name has saved beside its arrays."""


@dataclass(frozen=True)
class TrainingData:
    """Ratings and texts that models are trained on.

    Attributes:
        history: all ratings; users and movies are numbered from 0.
        texts: the texts of all movies, in index order.
        counts: how many ratings each movie has, shape (movies,).
        scale: lowest and highest rating.
        users, movies: those with ratings enough for models that learn a row for each, bool,
            shapes (users,) and (movies,).
        fitted: models that were trained before, by name, for models that build on them.
    """

    history: History
    texts: Collection[MovieText]
    counts: np.ndarray
    scale: tuple[float, float]
    users: np.ndarray
    movies: np.ndarray
    fitted: Mapping[str, Model] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        history: History,
        texts: Collection[MovieText],
        scale: tuple[float, float],
        *,
        min_user_ratings: int = 1,
        min_movie_ratings: int = 1,
    ) -> TrainingData:
        """Return the data with movies counted, and those users and movies chosen that have at
        least so many ratings."""
        counts = history.movie_counts(len(texts))
        users = np.diff(history.offsets) >= min_user_ratings
        return cls(history, texts, counts, scale, users, counts >= min_movie_ratings)

    @property
    def n_movies(self) -> int:
        """Number of movies in the catalogue."""
        return len(self.counts)

    def model(self, kind: type[M]) -> M:
        """Return the model of this kind, which must have been trained before.

        Raises:
            KeyError: it has not.
        """
        found = self.fitted[kind.name]
        if not isinstance(found, kind):
            raise KeyError(kind.name)
        return found


@dataclass(frozen=True, slots=True)
class Contributions:
    """The parts that a score is the sum of.

    Attributes:
        kind: what the parts belong to: movies that the person rated, or terms of the content model.
        indices: these movies or terms, shape (n,).
        parts: what each adds to the score, below 0 where it speaks against, shape (n,).
    """

    kind: Literal["movies", "terms"]
    indices: np.ndarray
    parts: np.ndarray


class Model(Protocol):
    """A model: scores every movie for anybody, from the ratings that they gave.

    A person is a `profile`, a vector that follows from their ratings; `score` compares profiles
    with movies in any batches, which must not change a score but for rounding.

    Attributes:
        name: registers the model, and begins the names of its arrays in a bundle.
    """

    name: ClassVar[str]

    @classmethod
    def fit(
        cls, data: TrainingData, settings: Any = None, progress: Progress = no_progress
    ) -> Self:
        """Train the model.

        Args:
            settings: of the model's own kind; its defaults by default.

        Raises:
            DataError, SettingsError: the model cannot be trained on these data or so.
        """

    @classmethod
    def fit_memory(cls, n_users: int, n_movies: int, n_ratings: int, settings: Any = None) -> int:
        """Return the bytes that `fit` takes at most, beside a block of ratings."""

    def profile(self, movies: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """Return the vector of somebody who gave these ratings.

        Args:
            movies: indices in ascending order, shape (n,); none for somebody unknown.
            ratings: their stars, shape (n,).

        Returns:
            Shape (width,), the same width for everybody.
        """

    def score(self, profiles: np.ndarray, movies: Selection) -> np.ndarray:
        """Return the scores of m movies, higher is better.

        Args:
            profiles: from `profile`, shape (n, width).
            movies: a slice or indices of them.

        Returns:
            Floats that may be changed, shape (n, m).
        """

    @property
    def cell_bytes(self) -> int:
        """Bytes that `score` takes at most for one profile and one movie, with the result."""

    def save(self, writer: BundleWriter) -> None:
        """Write arrays as ``<name>_….npy``, and numbers by `BundleWriter.save_numbers`."""

    @classmethod
    def load(cls, files: ModelFiles) -> Self:
        """Open the model that was saved; its arrays stay memory-mapped.

        Raises:
            BundleError: it is not there.
        """


@runtime_checkable
class PredictsStars(Protocol):
    """A model that predicts the stars of the users it was trained on."""

    def predict_pairs(self, users: np.ndarray, movies: np.ndarray) -> np.ndarray:
        """Return predicted stars, clipped to the scale, for pairs of indices; shape (n,)."""


@runtime_checkable
class KnowsUsers(Protocol):
    """A model that holds a vector for each user it was trained on."""

    def user_profile(self, user: int) -> np.ndarray:
        """Return the vector of a user of the data, as `Model.profile` returns it."""


@runtime_checkable
class KnowsMovies(Protocol):
    """A model that has learnt some of the movies only, and alone recommends no others.

    Attributes:
        movie_known: which, bool, shape (movies,).
    """

    movie_known: np.ndarray


@runtime_checkable
class Obscures(Protocol):
    """A model that can prefer the less well known."""

    def obscured(self, obscurity: float) -> Model:
        """Return the model with a preference of 0..1 for less well known movies."""


@runtime_checkable
class Explains(Protocol):
    """A model that can say what its scores are the sums of."""

    def explain(self, movies: np.ndarray, ratings: np.ndarray, movie: int) -> Contributions:
        """Return the parts of the score of `movie` for somebody who gave these ratings.

        Args:
            movies, ratings: as for `Model.profile`.
        """
