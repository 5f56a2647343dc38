"""Damped biases: how far a user and a movie lie above or below the mean, without any taste."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recommender.bundle.writer import BundleWriter
from recommender.core.progress import Progress, no_progress
from recommender.core.rows import Rows, Selection
from recommender.models.protocol import ModelFiles, TrainingData

# λ of the damped biases.
_DAMPING = 5.0


@dataclass(frozen=True)
class DampedBias:
    """Predicts stars as r̂ = μ + b_u + b_i, with means drawn towards 0 by λ.

    Source: Koren, "Factor in the neighbors", 2010, section 2.1. Memory: 8 bytes for each user and
    movie, and 16 for each cell of a batch.

    Attributes:
        global_mean: μ.
        scale: lowest and highest rating.
        user_bias: b_u, float64, shape (users,).
        movie_bias: b_i, float64, shape (movies,).
    """

    name: ClassVar[str] = "damped_bias"
    cell_bytes: ClassVar[int] = 16

    global_mean: float
    scale: tuple[float, float]
    user_bias: Rows
    movie_bias: np.ndarray

    @classmethod
    def fit(
        cls, data: TrainingData, settings: Any = None, progress: Progress = no_progress
    ) -> DampedBias:
        """Fit the biases: those of the movies first, those of the users to what is left.

        Memory: four numbers for each user and movie, and one block of ratings.
        """
        n_users, n_movies = data.history.n_users, data.n_movies
        mean = data.history.mean_rating()
        sums = np.zeros(n_movies)
        for block in data.history.everything():
            sums += np.bincount(block.movies, block.ratings - mean, minlength=n_movies)
        movie_bias = sums / (data.counts + _DAMPING)
        progress(0.5)
        sums = np.zeros(n_users)
        for block in data.history.everything():
            rest = block.ratings - mean - movie_bias[block.movies]
            first = block.users[0]
            found = np.bincount(block.users - first, rest)
            sums[first : first + len(found)] += found
        progress(1.0)
        user_bias = sums / (np.diff(data.history.offsets) + _DAMPING)
        return cls(mean, data.scale, user_bias, movie_bias)

    @classmethod
    def fit_memory(cls, n_users: int, n_movies: int, n_ratings: int, settings: Any = None) -> int:
        """Return 32 bytes for each user and movie."""
        return 32 * (n_users + n_movies)

    def profile(self, movies: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """Return b_u of somebody who gave these ratings; shape (1,)."""
        rest = ratings - self.global_mean - self.movie_bias[movies]
        return np.array([rest.sum() / (len(rest) + _DAMPING)])

    def score(self, profiles: np.ndarray, movies: Selection) -> np.ndarray:
        """Return predicted stars, not clipped; float64, shape (n, m)."""
        scores: np.ndarray = profiles + self.movie_bias[movies]
        scores += self.global_mean
        return scores

    def predict_pairs(self, users: np.ndarray, movies: np.ndarray) -> np.ndarray:
        """Return predicted stars, clipped, for pairs of indices; float64, shape (n,)."""
        predicted = self.global_mean + self.user_bias[users] + self.movie_bias[movies]
        return np.clip(predicted, *self.scale)

    def save(self, writer: BundleWriter) -> None:
        """Write the biases."""
        writer.save_array("damped_bias_user_bias", self.user_bias)
        writer.save_array("damped_bias_movie_bias", self.movie_bias)
        low, high = self.scale
        numbers = {"global_mean": self.global_mean, "low": low, "high": high}
        writer.save_numbers(self.name, numbers)

    @classmethod
    def load(cls, files: ModelFiles) -> DampedBias:
        """Open the saved model, memory-mapped."""
        numbers = files.numbers(cls.name)
        return cls(
            numbers["global_mean"],
            (numbers["low"], numbers["high"]),
            files.user_rows("damped_bias_user_bias"),
            files.array("damped_bias_movie_bias"),
        )
