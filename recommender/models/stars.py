"""The collaborative model: stars predicted by biased matrix factorisation, and what follows of it.

A rating is predicted as r̂ = μ + b_u + b_i + p_u·q_i (Koren, Bell and Volinsky, "Matrix
factorization techniques for recommender systems", 2009). The factors are those of Surprise's `SVD`
but for rounding, yet its `Trainset`, which costs 308 to 430 bytes a rating, and its loop over
Python tuples are replaced by a compiled pass over the arrays on disk. Users and movies that were
left out of the training, and visitors, are folded in by ridge regression on the factors of the
others.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from recommender.bundle.bundle import Bundle, BundleWriter
from recommender.bundle.history import History
from recommender.core.errors import SettingsError
from recommender.core.progress import Progress, no_progress
from recommender.core.top_n import Rows
from recommender.models.ridge import MOVIE_RIDGE, USER_RIDGE, ridge, unit_of

_WHOLE = ("movie_bias", "movie_factors", "gram", "movie_known")
_BY_USER = ("user_bias", "user_factors")
# How many ratings of movies that were left out are held at once.
_FOLD_RATINGS = 1 << 20
_ROWS = 8192
# Shares of the time: until the first pass, and of the passes, at 32 million ratings.
_BEGUN, _PASSES = 0.1, 0.75
# The compiled pass takes so many factors at once; rows are filled up with zeros, which stay.
_LANES = 4


@dataclass(frozen=True)
class StarsModel:
    """Predicts stars, and compares movies by the stars that all users would give them.

    Everybody and everything has a row. Users and movies that were left out of the training are
    folded in from what ratings they have, and are taken for average as far as these do not tell.

    Memory: 8·(k+1) bytes for each user and movie, memory-mapped when read from a bundle; there the
    users' arrays are `shards.ShardedRows`.

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
        arrays = {name: bundle.array(f"stars_{name}") for name in _WHOLE}
        starts = [*bundle.first_users, bundle.info["data"]["users"]]
        arrays |= {name: bundle.shards.rows(f"stars_{name}", starts) for name in _BY_USER}
        return cls(global_mean=stars["global_mean"], scale=(low, high), **arrays)

    def save(self, writer: BundleWriter) -> dict[str, float]:
        """Write the arrays, all of them whole; returns what belongs into the manifest under
        ``stars``."""
        for name in (*_WHOLE, *_BY_USER):
            writer.save_array(f"stars_{name}", getattr(self, name))
        return {"global_mean": self.global_mean}

    def predict(self, biases: np.ndarray, factors: np.ndarray, movies: Rows) -> np.ndarray:
        """Predicted stars, not clipped.

        Args:
            biases, factors: b_u and p_u of some people, shapes (n,) and (n, k).
            movies: which movies, m of them.

        Returns:
            float64, shape (n, m).
        """
        predicted = factors @ self.movie_factors[movies].T
        predicted += self.movie_bias[movies]
        predicted += self.global_mean + biases[:, None]
        return predicted

    def predict_pairs(self, users: np.ndarray, movies: np.ndarray) -> np.ndarray:
        """Predicted stars, clipped, for pairs of indices; -1 stands for an unknown user or movie.

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
        """Bias and factors of somebody who was not trained, from their ratings.

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
        """`stars` within the rating scale."""
        return np.clip(stars, *self.scale)

    def similarity(self, movie: int, movies: Rows) -> np.ndarray:
        """Cosine between the stars all trained users would give `movie` and those they would give
        each of `movies`, m of them.

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

    def _extended(self, movies: Rows) -> np.ndarray:
        bias = self.movie_bias[movies][:, None]
        return np.hstack([np.ones_like(bias), bias, self.movie_factors[movies]])


@dataclass(frozen=True)
class StarsSettings:
    """How the stars model is trained; the defaults were chosen on a validation split.

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


def fit_stars(
    history: History,
    users: np.ndarray,
    movies: np.ndarray,
    scale: tuple[float, float],
    settings: StarsSettings,
    progress: Progress = no_progress,
) -> StarsModel:
    """Train the stars model on the ratings of `users` and `movies`, then fold in the others.

    Source: Surprise, `SVD.fit`. Memory: 8·(k+1) bytes for each user and movie and one block of
    ratings; nothing grows with the number of ratings.

    Args:
        history: all ratings.
        users: which users take part, bool, shape (users,).
        movies: which movies take part, bool, shape (movies,).
        scale: lowest and highest rating.
        progress: told the fraction done, 0..1.

    Raises:
        SettingsError: the settings make it run off.
        ValueError: no rating takes part.
    """
    user_rows, movie_rows, n_ratings, mean = _first_appearances(history, users, movies)
    # Surprise numbers by first appearance, which decides who starts from which random numbers.
    rng = np.random.RandomState(settings.random_state)
    spread = settings.initial_spread * np.sqrt(unit_of(scale))
    known = np.zeros(len(movies), dtype=bool)
    known[movie_rows] = True
    k = settings.n_factors
    model = StarsModel(
        global_mean=mean,
        scale=scale,
        user_bias=np.zeros(len(users)),
        movie_bias=np.zeros(len(movies)),
        user_factors=_random_rows(rng, len(users), user_rows, k, spread),
        movie_factors=_random_rows(rng, len(movies), movie_rows, k, spread),
        gram=np.zeros((k + 2, k + 2)),
        movie_known=known,
    )
    _descend(
        model, history, users, n_ratings, settings, lambda told: progress(_BEGUN + _PASSES * told)
    )
    model = dataclasses.replace(
        model,
        user_factors=np.ascontiguousarray(model.user_factors[:, :k]),
        movie_factors=np.ascontiguousarray(model.movie_factors[:, :k]),
    )
    for first in range(0, len(user_rows), _ROWS):
        rows = user_rows[first : first + _ROWS]
        with np.errstate(over="ignore", invalid="ignore"):  # looked at below
            added = gram_of(mean, model.user_bias[rows], model.user_factors[rows])
            np.add(model.gram, added, out=model.gram)
    if not np.isfinite(model.gram).all():
        raise SettingsError(
            "the numbers of the stars model grew without bound; give smaller learning rates "
            f"(learning_rate is {settings.learning_rate:g})"
        )
    left_out = np.ones(len(users), dtype=bool)
    left_out[user_rows] = False
    _fold_in_users(model, history, left_out)
    _fold_in_movies(model, history)
    progress(1.0)
    return model


def gram_of(mean: float, biases: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """What some trained users add to `StarsModel.gram`, shape (k+2, k+2)."""
    a = np.column_stack([mean + biases, np.ones(len(biases)), factors])
    gram: np.ndarray = a.T @ a
    return gram


def _random_rows(
    rng: np.random.RandomState, n: int, rows: np.ndarray, k: int, spread: float
) -> np.ndarray:
    """Random numbers for k factors in `rows`, drawn in their order, and 0 elsewhere; shape (n, k
    and what fills up the last lanes)."""
    factors = np.zeros((n, -(-k // _LANES) * _LANES))
    for first in range(0, len(rows), _ROWS):
        some = rows[first : first + _ROWS]
        factors[some, :k] = rng.normal(0, spread, (len(some), k))
    return factors


def _descend(
    model: StarsModel,
    history: History,
    users: np.ndarray,
    n_ratings: int,
    settings: StarsSettings,
    progress: Progress,
) -> None:
    """Change the rows of `users` and of the known movies by stochastic gradient descent."""
    # Not at the top: serving does without what a compiler made.
    from recommender.models.passes import stars_pass

    unit, width = unit_of(model.scale), model.user_factors.shape[1]
    done = 0
    for _ in range(settings.n_epochs):
        for first, last in history.portions():
            done += stars_pass(
                *(history.offsets, history.movies, history.ratings, first, last),
                *(users, model.movie_known, model.user_bias, model.movie_bias),
                *(model.user_factors, model.movie_factors, width, model.global_mean),
                *(settings.bias_learning_rate, settings.regularization),
                *(settings.learning_rate / unit, settings.regularization * unit),
            )
            progress(done / (n_ratings * settings.n_epochs))


def _fold_in_users(model: StarsModel, history: History, left_out: np.ndarray) -> None:
    """Fill the rows of the users `left_out` from their ratings of trained movies."""
    model.user_bias[left_out], model.user_factors[left_out] = model.average_user
    for user in np.flatnonzero(left_out & (np.diff(history.offsets) > 0)).tolist():
        movies, ratings = history.of(user)
        trained = model.movie_known[movies]
        bias, factors = model.fold_in(movies[trained], ratings[trained])
        model.user_bias[user], model.user_factors[user] = bias, factors


def _fold_in_movies(model: StarsModel, history: History) -> None:
    """Fill the rows of the movies that were not trained, the same way with the sides changed.

    The ratings lie sorted by user, so those of a bounded number of movies are gathered at a time.
    """
    trained, everyone = model.movie_known, np.ones(history.n_users, dtype=bool)
    counts = np.zeros(len(trained), dtype=np.int64)
    for block in history.blocks(everyone, np.ones_like(trained)):
        counts += np.bincount(block.movies, minlength=len(counts))
    average = average_movie(model, counts)
    model.movie_bias[~trained], model.movie_factors[~trained] = average
    rated = ~trained & (counts > 0)
    portions = np.cumsum(np.where(rated, counts, 0)) // _FOLD_RATINGS
    for portion in np.unique(portions[rated]):
        _fold_in_portion(model, history, rated & (portions == portion), average)


def average_movie(model: StarsModel, counts: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean bias and factors, shape (k,), of the trained movies, in which the seldom rated count
    more, since it stands for others of that kind.

    Args:
        counts: how many ratings each movie has, shape (movies,).
    """
    trained = model.movie_known
    weights = 1 / counts[trained]
    return (
        float(np.average(model.movie_bias[trained], weights=weights)),
        np.average(model.movie_factors[trained], axis=0, weights=weights),
    )


def _fold_in_portion(
    model: StarsModel, history: History, chosen: np.ndarray, average: tuple[float, np.ndarray]
) -> None:
    blocks = list(history.blocks(np.ones(history.n_users, dtype=bool), chosen))
    movies = np.concatenate([block.movies for block in blocks])
    order = np.argsort(movies, kind="stable")
    users = np.concatenate([block.users for block in blocks])[order]
    rest = np.concatenate([block.ratings for block in blocks])[order]
    rest = rest - model.global_mean - model.user_bias[users]
    found, starts = np.unique(movies[order], return_index=True)
    for movie, start, stop in zip(found, starts, [*starts[1:], len(users)], strict=True):
        factors = model.user_factors[users[start:stop]]
        model.movie_bias[movie], model.movie_factors[movie] = ridge(
            factors, rest[start:stop], average, MOVIE_RIDGE, unit_of(model.scale)
        )


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
        new = block.movies[~seen_movie[block.movies]]
        unique, position = np.unique(new, return_index=True)
        new_movies.append(unique[np.argsort(position)])
        seen_movie[unique] = True
        n_ratings += len(block.ratings)
        total += float(block.ratings.sum(dtype=np.float64))
    if n_ratings == 0:
        raise ValueError("no rating takes part")
    return np.flatnonzero(seen_user), np.concatenate(new_movies), n_ratings, total / n_ratings
