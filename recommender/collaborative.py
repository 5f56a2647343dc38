"""The collaborative model: stars predicted by biased matrix factorisation, and what follows of it.

A rating is predicted as r̂ = μ + b_u + b_i + p_u·q_i (Koren, Bell and Volinsky, "Matrix
factorization techniques for recommender systems", 2009). The factors come from Surprise's own
compiled `SVD`; only its `Trainset`, which costs 308 to 430 bytes a rating, is replaced by one that
yields the ratings from arrays on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.bundle import Bundle, BundleWriter
from recommender.history import History

_ARRAYS = ("user_bias", "movie_bias", "user_factors", "movie_factors", "gram", "movie_known")


@dataclass(frozen=True)
class StarsModel:
    """Predicts stars, and compares movies by the stars that all users would give them.

    Everybody and everything has a row: users and movies that were left out of the training have a
    bias of 0 and factors of 0, which is what Surprise assumes of the unknown.

    Memory: 8·(k+1) bytes for each user and movie, memory-mapped when read from a bundle.

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

    global_mean: float
    scale: tuple[float, float]
    user_bias: np.ndarray
    movie_bias: np.ndarray
    user_factors: np.ndarray
    movie_factors: np.ndarray
    gram: np.ndarray
    movie_known: np.ndarray

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> StarsModel:
        """The model that `bundle` holds, memory-mapped."""
        stars = bundle.info["stars"]
        low, high = bundle.info["data"]["scale"]
        arrays = {name: bundle.array(f"stars_{name}") for name in _ARRAYS}
        return cls(global_mean=stars["global_mean"], scale=(low, high), **arrays)

    def save(self, writer: BundleWriter) -> dict[str, float]:
        """Write the arrays; returns what belongs into the manifest under ``stars``."""
        for name in _ARRAYS:
            writer.save_array(f"stars_{name}", getattr(self, name))
        return {"global_mean": self.global_mean}

    def predict(self, users: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Predicted stars, not clipped, of `users` for the movies start..stop.

        Args:
            users: user indices, shape (n,).

        Returns:
            float64, shape (n, stop - start).
        """
        predicted = self.user_factors[users] @ self.movie_factors[start:stop].T
        predicted += self.movie_bias[start:stop]
        predicted += self.global_mean + self.user_bias[users, None]
        return predicted

    def predict_pairs(self, users: np.ndarray, movies: np.ndarray) -> np.ndarray:
        """Predicted stars, clipped, for pairs of indices; -1 stands for an unknown user or movie.

        Args:
            users, movies: indices, shape (n,).

        Returns:
            float64, shape (n,).
        """
        known_user, known_movie = users >= 0, movies >= 0
        predicted = np.einsum("nk,nk->n", self.user_factors[users], self.movie_factors[movies])
        predicted[~(known_user & known_movie)] = 0.0
        predicted += np.where(known_user, self.user_bias[users], 0.0)
        predicted += np.where(known_movie, self.movie_bias[movies], 0.0)
        return self.clip(predicted + self.global_mean)

    def clip(self, stars: np.ndarray) -> np.ndarray:
        """`stars` within the rating scale."""
        return np.clip(stars, *self.scale)

    def similarity(self, movie: int, start: int, stop: int) -> np.ndarray:
        """Cosine between the stars all trained users would give `movie` and those they would give
        each of the movies start..stop.

        The published method predicts every user's rating of every movie and compares columns of
        that table. With A = [μ + b_u, 1, P] and B = [1, b_i, Q] the table is A·Bᵀ, so the dot
        product of columns i and j is B_i (AᵀA) B_jᵀ: the same numbers (up to rounding) from one
        small matrix. Predictions are taken before clipping.

        Returns:
            float64 within -1..1, shape (stop - start,).
        """
        one = self._extended(movie, movie + 1)
        many = self._extended(start, stop)
        projected = many @ self.gram
        squares = np.einsum("nk,nk->n", projected, many)
        own = (one @ self.gram @ one.T).item()
        return (projected @ one[0]) / np.maximum(np.sqrt(squares * own), np.finfo(float).tiny)

    def _extended(self, start: int, stop: int) -> np.ndarray:
        bias = self.movie_bias[start:stop, None]
        return np.hstack([np.ones_like(bias), bias, self.movie_factors[start:stop]])


@dataclass(frozen=True)
class StarsSettings:
    """How the stars model is trained. Ratings are visited user by user, as Surprise does."""

    n_factors: int = 20
    n_epochs: int = 15
    learning_rate: float = 0.005
    regularization: float = 0.02
    random_state: int = 0


def fit_stars(
    history: History,
    users: np.ndarray,
    movies: np.ndarray,
    scale: tuple[float, float],
    settings: StarsSettings,
    progress: Callable[[float], None] = lambda fraction: None,
) -> StarsModel:
    """Train the stars model with Surprise's SVD on the ratings of `users` and `movies`.

    Memory: the factors and one block of ratings; nothing grows with the number of ratings.

    Args:
        history: all ratings.
        users: which users take part, bool, shape (users,).
        movies: which movies take part, bool, shape (movies,).
        scale: lowest and highest rating.
        progress: told the fraction done, 0..1.

    Raises:
        ValueError: no rating takes part.
    """
    from surprise import SVD

    trainset = _stream_trainset(history, users, movies, scale, settings.n_epochs, progress)
    algorithm = SVD(
        n_factors=settings.n_factors,
        n_epochs=settings.n_epochs,
        lr_all=settings.learning_rate,
        reg_all=settings.regularization,
        random_state=settings.random_state,
    ).fit(trainset)

    user_rows, movie_rows = trainset.user_rows, trainset.movie_rows
    k = settings.n_factors
    user_bias, user_factors = np.zeros(len(users)), np.zeros((len(users), k))
    movie_bias, movie_factors = np.zeros(len(movies)), np.zeros((len(movies), k))
    user_bias[user_rows], user_factors[user_rows] = algorithm.bu, algorithm.pu
    movie_bias[movie_rows], movie_factors[movie_rows] = algorithm.bi, algorithm.qi
    known = np.zeros(len(movies), dtype=bool)
    known[movie_rows] = True
    mean = float(trainset.global_mean)
    a = np.column_stack([mean + algorithm.bu, np.ones(len(user_rows)), algorithm.pu])
    return StarsModel(
        mean, scale, user_bias, movie_bias, user_factors, movie_factors, a.T @ a, known
    )


def _stream_trainset(
    history: History,
    users: np.ndarray,
    movies: np.ndarray,
    scale: tuple[float, float],
    epochs: int,
    progress: Callable[[float], None],
) -> Any:
    """A Surprise `Trainset` that yields its ratings from `history` instead of holding them.

    It numbers users and movies by first appearance, as Surprise does, so the factors start from
    the same random numbers and come out the same, bit for bit.
    """
    from surprise import Trainset

    user_rows, movie_rows, n_ratings, mean = _first_appearances(history, users, movies)
    inner_user = np.full(len(users), -1, dtype=np.int32)
    inner_user[user_rows] = np.arange(len(user_rows))
    inner_movie = np.full(len(movies), -1, dtype=np.int32)
    inner_movie[movie_rows] = np.arange(len(movie_rows))

    class StreamTrainset(Trainset):
        def __init__(self) -> None:
            super().__init__(
                ur=None,
                ir=None,
                n_users=len(user_rows),
                n_items=len(movie_rows),
                n_ratings=n_ratings,
                rating_scale=scale,
                raw2inner_id_users=None,
                raw2inner_id_items=None,
            )
            self._global_mean = mean
            self.user_rows, self.movie_rows = user_rows, movie_rows
            self._epochs_done = 0

        def all_ratings(self) -> Iterator[tuple[int, int, float]]:
            done = 0
            for block in history.blocks(users, movies):
                yield from zip(
                    inner_user[block.users].tolist(),
                    inner_movie[block.movies].tolist(),
                    block.ratings.tolist(),
                    strict=True,
                )
                done += len(block.users)
                progress((self._epochs_done + done / n_ratings) / epochs)
            self._epochs_done += 1

    return StreamTrainset()


def _first_appearances(
    history: History, users: np.ndarray, movies: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Users and movies that take part, each in the order of its first rating; how many ratings
    take part, and their mean. The sum is exact for stars in halves, so the mean is Surprise's.

    Raises:
        ValueError: no rating takes part.
    """
    seen_user = np.zeros(len(users), dtype=bool)
    seen_movie = np.zeros(len(movies), dtype=bool)
    new_movies: list[np.ndarray] = []
    n_ratings, total = 0, 0.0
    for block in history.blocks(users, movies):
        seen_user[block.users] = True
        unique, position = np.unique(block.movies, return_index=True)
        new = ~seen_movie[unique]
        new_movies.append(unique[new][np.argsort(position[new])])
        seen_movie[unique] = True
        n_ratings += len(block.ratings)
        total += float(block.ratings.sum(dtype=np.float64))
    if n_ratings == 0:
        raise ValueError("no rating takes part")
    return np.flatnonzero(seen_user), np.concatenate(new_movies), n_ratings, total / n_ratings
