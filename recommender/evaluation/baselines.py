"""What a recommender must beat: popularity, biases, and movies that were rated together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recommender.bundle.history import History
from recommender.core.top_n import TopN

# λ of the damped biases.
_DAMPING = 5.0
_USER_BATCH = 64


@dataclass(frozen=True)
class DampedBias:
    """r̂ = μ + b_u + b_i with means drawn towards 0 by λ.

    Source: Koren, "Factor in the neighbors", 2010, section 2.1.

    Attributes:
        global_mean: μ.
        scale: lowest and highest rating.
        user_bias: b_u, shape (users,).
        movie_bias: b_i, shape (movies,).
    """

    global_mean: float
    scale: tuple[float, float]
    user_bias: np.ndarray
    movie_bias: np.ndarray

    def predict_pairs(self, users: np.ndarray, movies: np.ndarray) -> np.ndarray:
        """Predicted stars, clipped, for pairs of indices; shape (n,)."""
        predicted = self.global_mean + self.user_bias[users] + self.movie_bias[movies]
        return np.clip(predicted, *self.scale)


def fit_damped_bias(history: History, n_movies: int, scale: tuple[float, float]) -> DampedBias:
    """Fit the biases: those of the movies first, those of the users to what is left.

    Memory: two numbers for each user and movie, and one block of ratings.
    """
    everyone, everything = np.ones(history.n_users, bool), np.ones(n_movies, bool)
    mean = float(history.ratings.mean(dtype=np.float64))
    sums, counts = np.zeros(n_movies), np.zeros(n_movies)
    for block in history.blocks(everyone, everything):
        sums += np.bincount(block.movies, block.ratings - mean, minlength=n_movies)
        counts += np.bincount(block.movies, minlength=n_movies)
    movie_bias = sums / (counts + _DAMPING)
    sums = np.zeros(history.n_users)
    for block in history.blocks(everyone, everything):
        rest = block.ratings - mean - movie_bias[block.movies]
        sums += np.bincount(block.users, rest, minlength=history.n_users)
    return DampedBias(mean, scale, sums / (np.diff(history.offsets) + _DAMPING), movie_bias)


def first_unrated(
    scores: np.ndarray, history: History, users: np.ndarray, n: int
) -> Iterator[np.ndarray]:
    """For each of `users` the n movies with the highest `scores`, of those they have not rated.

    Args:
        scores: the same for everybody, shape (movies,).
    """
    order = np.argsort(-scores, kind="stable")
    for user in users:
        rated, _ = history.of(user)
        head = order[: n + len(rated)]
        yield head[~np.isin(head, rated)][:n]


class CoOccurrence:
    """Scores a movie by its cosines with what a user rated, whatever the stars.

    Source: Sarwar et al., "Item-based collaborative filtering recommendation algorithms", 2001,
    on who rated what. The table of all cosines, 4 bytes × movies², is never made: a batch of
    users goes through the ratings twice instead.

    Memory: 12 bytes for each rating, and a batch of users times all users and all movies.
    """

    def __init__(self, history: History, n_movies: int) -> None:
        from scipy.sparse import csr_matrix

        counts = np.zeros(n_movies, dtype=np.int64)
        everyone, everything = np.ones(history.n_users, bool), np.ones(n_movies, bool)
        for block in history.blocks(everyone, everything):
            counts += np.bincount(block.movies, minlength=n_movies)
        lengths = np.sqrt(np.maximum(counts, 1)).astype(np.float32)
        # A row of ones for each user, with each movie's column scaled to length 1.
        self._rated = csr_matrix(
            (1 / lengths[history.movies], history.movies, history.offsets),
            shape=(history.n_users, n_movies),
        )
        self._history = history

    def top(self, users: np.ndarray, n: int) -> Iterator[np.ndarray]:
        """For each of `users` the n best movies that they have not rated."""
        rated = self._rated.copy()
        rated.data = np.ones_like(rated.data)
        for start in range(0, len(users), _USER_BATCH):
            batch = users[start : start + _USER_BATCH]
            together = self._rated @ rated[batch].T.toarray()
            scores = np.ascontiguousarray((self._rated.T @ together).T)
            for row, user in enumerate(batch):
                scores[row, self._history.of(user)[0]] = -np.inf
            best = TopN(len(batch), n)
            best.add(scores, 0)
            yield from (movies for movies, _ in best.rows())
