"""The stars model: stars predicted by biased matrix factorisation, and what follows of it.

A rating is predicted as r̂ = μ + b_u + b_i + p_u·q_i (Koren, Bell and Volinsky, "Matrix
factorization techniques for recommender systems", 2009). The factors are those of Surprise's `SVD`
but for rounding, yet its `Trainset`, which costs 308 to 430 bytes a rating, and its loop over
Python tuples are replaced by a compiled pass over the arrays on disk. Users and movies that were
left out of the training, and visitors, are folded in by ridge regression on the factors of the
others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recommender.bundle.writer import BundleWriter
from recommender.core.progress import Progress, no_progress
from recommender.core.rows import Rows, Selection
from recommender.models.protocol import ModelFiles, TrainingData
from recommender.models.ridge import USER_RIDGE, ridge, unit_of

_WHOLE = ("movie_bias", "movie_factors", "gram", "movie_known")
_BY_USER = ("user_bias", "user_factors")


@dataclass(frozen=True)
class StarsModel:
    """Predicts stars, and compares movies by the stars that all users would give them.

    Everybody and everything has a row. Users and movies that were left out of the training are
    folded in from what ratings they have, and are taken for average as far as these do not tell.

    Memory: 8·(k+1) bytes for each user and movie, memory-mapped when read from a bundle; to score
    a batch, 8 bytes for each cell.

    Attributes:
        global_mean: μ, the mean of the training ratings.
        scale: lowest and highest rating.
        user_bias: b_u, float64, shape (users,).
        movie_bias: b_i, float64, shape (movies,).
        user_factors: P, float64, shape (users, k).
        movie_factors: Q, float64, shape (movies, k).
        gram: AᵀA with A = [μ + b_u, 1, P] over the trained users, shape (k+2, k+2).
        movie_known: which movies were trained, bool, shape (movies,).
    """

    name: ClassVar[str] = "stars"
    cell_bytes: ClassVar[int] = 8

    global_mean: float
    scale: tuple[float, float]
    user_bias: Rows
    movie_bias: np.ndarray
    user_factors: Rows
    movie_factors: np.ndarray
    gram: np.ndarray
    movie_known: np.ndarray

    @classmethod
    def fit(
        cls,
        data: TrainingData,
        settings: StarsSettings | None = None,
        progress: Progress = no_progress,
    ) -> StarsModel:
        """Train on the ratings of `data.users` and `data.movies`, then fold in the others.

        Source: Surprise, `SVD.fit`. Memory: `fit_memory` and one block of ratings; nothing grows
        with the number of ratings.

        Raises:
            DataError: no rating takes part.
            SettingsError: the settings make it run off.
        """
        # Not at the top: it imports this module.
        from recommender.models.stars_training import fit_stars

        return fit_stars(data, settings or StarsSettings(), progress)

    @classmethod
    def fit_memory(
        cls, n_users: int, n_movies: int, n_ratings: int, settings: StarsSettings | None = None
    ) -> int:
        """Return 8·(k+1) bytes for each user and movie."""
        settings = settings or StarsSettings()
        return 8 * (settings.n_factors + 1) * (n_users + n_movies)

    @classmethod
    def load(cls, files: ModelFiles) -> StarsModel:
        """Open the saved model, memory-mapped."""
        numbers = files.numbers(cls.name)
        arrays: dict[str, Any] = {name: files.array(f"stars_{name}") for name in _WHOLE}
        arrays |= {name: files.user_rows(f"stars_{name}") for name in _BY_USER}
        return cls(numbers["global_mean"], (numbers["low"], numbers["high"]), **arrays)

    def save(self, writer: BundleWriter) -> None:
        """Write the arrays, all of them whole, the mean and the scale."""
        for name in (*_WHOLE, *_BY_USER):
            writer.save_array(f"stars_{name}", getattr(self, name))
        low, high = self.scale
        numbers = {"global_mean": self.global_mean, "low": low, "high": high}
        writer.save_numbers(self.name, numbers)

    def user_profile(self, user: int) -> np.ndarray:
        """Return b_u and p_u of a user of the data as one vector; float64, shape (k+1,)."""
        return np.concatenate([[self.user_bias[user]], self.user_factors[user]])

    def profile(self, movies: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """Return b_u and p_u of somebody who was not trained; float64, shape (k+1,)."""
        bias, factors = self.fold_in(movies, ratings)
        return np.concatenate([[bias], factors])

    def score(self, profiles: np.ndarray, movies: Selection) -> np.ndarray:
        """Return predicted stars, not clipped; float64, shape (n, m)."""
        predicted: np.ndarray = profiles[:, 1:] @ self.movie_factors[movies].T
        predicted += self.movie_bias[movies]
        predicted += self.global_mean + profiles[:, :1]
        return predicted

    def predict_pairs(self, users: np.ndarray, movies: np.ndarray) -> np.ndarray:
        """Return predicted stars, clipped, for pairs of indices; -1 stands for an unknown one.

        Args:
            users, movies: indices, shape (n,).

        Returns:
            float64, shape (n,).
        """
        known_user, known_movie = users >= 0, movies >= 0
        predicted = np.zeros(len(users))
        if known_user.any():
            users, factors = users[known_user], self.movie_factors[movies[known_user]]
            own = np.einsum("nk,nk->n", self.user_factors[users], factors)
            own[~known_movie[known_user]] = 0.0
            predicted[known_user] = own + self.user_bias[users]
        predicted += np.where(known_movie, self.movie_bias[movies], 0.0)
        return self.clip(predicted + self.global_mean)

    def fold_in(self, movies: np.ndarray, ratings: np.ndarray) -> tuple[float, np.ndarray]:
        """Return bias and factors of somebody who was not trained, from their ratings.

        Source: the half step for users of alternating least squares (Zhou et al., "Large-scale
        parallel collaborative filtering", 2008), with the bias as one more factor.

        Args:
            movies: indices, shape (n,).
            ratings: stars, shape (n,).

        Returns:
            b_u, and p_u of shape (k,); the average of the trained users without ratings.
        """
        rest = ratings - self.global_mean - self.movie_bias[movies]
        average = self.average_user
        return ridge(self.movie_factors[movies], rest, average, USER_RIDGE, unit_of(self.scale))

    @property
    def average_user(self) -> tuple[float, np.ndarray]:
        """Mean bias and factors, shape (k,), of the trained users; the Gram matrix holds their
        sums."""
        means = self.gram[1] / self.gram[1, 1]
        return float(means[0]) - self.global_mean, means[2:]

    def clip(self, stars: np.ndarray) -> np.ndarray:
        """Return `stars` within the rating scale."""
        return np.clip(stars, *self.scale)

    def similarity(self, movie: int, movies: Selection) -> np.ndarray:
        """Return the cosine between the stars all trained users would give `movie` and those they
        would give each of `movies`, m of them.

        The published method predicts every user's rating of every movie and compares columns of
        that table. With A = [μ + b_u, 1, P] and B = [1, b_i, Q] the table is A·Bᵀ, so the dot
        product of columns i and j is B_i (AᵀA) B_jᵀ: the same numbers (up to rounding) from one
        small matrix. Predictions are taken before clipping.

        Returns:
            float64 within -1..1, shape (m,).
        """
        one = self._extended(slice(movie, movie + 1))
        many = self._extended(movies)
        projected = many @ self.gram
        squares = np.einsum("nk,nk->n", projected, many)
        own = (one @ self.gram @ one.T).item()
        return (projected @ one[0]) / np.maximum(np.sqrt(squares * own), np.finfo(float).tiny)

    def _extended(self, movies: Selection) -> np.ndarray:
        bias = self.movie_bias[movies][:, None]
        return np.hstack([np.ones_like(bias), bias, self.movie_factors[movies]])


@dataclass(frozen=True)
class StarsSettings:
    """Settings of the stars model; the defaults were chosen on a validation split.

    Ratings are visited user by user, as Surprise does. Factors that start small and learn ten
    times faster than biases reach in 20 passes more than one common rate does in 100. The numbers
    are for a scale from 0.5 to 5; for others they are adapted, so that the scale changes nothing.

    Attributes:
        n_factors: k, the length of a user's and of a movie's vector.
        n_epochs: passes over the ratings; the training time is proportional.
        initial_spread: standard deviation of the factors before the first pass.
        learning_rate: step of the factors.
        bias_learning_rate: step of the biases.
        regularization: how much each step shrinks what it changes.
        random_state: where the random numbers start.
    """

    n_factors: int = 20
    n_epochs: int = 20
    initial_spread: float = 0.03
    learning_rate: float = 0.03
    bias_learning_rate: float = 0.003
    regularization: float = 0.1
    random_state: int = 0
