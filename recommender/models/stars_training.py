"""Training of the stars model: compiled passes over the ratings on disk, then the fold-in."""

from __future__ import annotations

import dataclasses

import numpy as np

from recommender.bundle.history import History
from recommender.core.errors import DataError, SettingsError
from recommender.core.progress import Progress
from recommender.models.protocol import TrainingData
from recommender.models.ridge import MOVIE_RIDGE, ridge, unit_of
from recommender.models.stars import StarsModel, StarsSettings

NO_RATING_LEFT = (
    "no rating is left to train the stars model on; give more ratings, or lower min_user_ratings "
    "or min_movie_ratings"
)
# How many ratings of movies that were left out are held at once.
_FOLD_RATINGS = 1 << 20
_ROWS = 8192
# Shares of the time: until the first pass, and of the passes, at 32 million ratings.
_BEGUN, _PASSES = 0.1, 0.75
# The compiled pass takes so many factors at once; rows are filled up with zeros, which stay.
_LANES = 4


@dataclasses.dataclass
class _Users:
    """Bias and factors of all users, changed while the model is trained."""

    bias: np.ndarray
    factors: np.ndarray


def fit_stars(data: TrainingData, settings: StarsSettings, progress: Progress) -> StarsModel:
    """Train the model; see `StarsModel.fit`."""
    history, taking_part, k = data.history, data.users, settings.n_factors
    user_rows, movie_rows, n_ratings, mean = _first_appearances(history, taking_part, data.movies)
    # Surprise numbers by first appearance, which decides who starts from which random numbers.
    rng = np.random.RandomState(settings.random_state)
    spread = settings.initial_spread * np.sqrt(unit_of(data.scale))
    known = np.zeros(data.n_movies, dtype=bool)
    known[movie_rows] = True
    users = _Users(
        np.zeros(history.n_users), _random_rows(rng, history.n_users, user_rows, k, spread)
    )
    model = StarsModel(
        global_mean=mean,
        scale=data.scale,
        user_bias=users.bias,
        movie_bias=np.zeros(data.n_movies),
        user_factors=users.factors,
        movie_factors=_random_rows(rng, data.n_movies, movie_rows, k, spread),
        gram=np.zeros((k + 2, k + 2)),
        movie_known=known,
    )

    def report(fraction: float) -> None:
        progress(_BEGUN + _PASSES * fraction)

    _descend(model, users, history, taking_part, n_ratings, settings, report)
    users.factors = np.ascontiguousarray(users.factors[:, :k])
    model = dataclasses.replace(
        model,
        user_factors=users.factors,
        movie_factors=np.ascontiguousarray(model.movie_factors[:, :k]),
    )
    for first in range(0, len(user_rows), _ROWS):
        rows = user_rows[first : first + _ROWS]
        with np.errstate(over="ignore", invalid="ignore"):  # looked at below
            np.add(model.gram, gram_of(mean, users.bias[rows], users.factors[rows]), out=model.gram)
    if not np.isfinite(model.gram).all():
        raise SettingsError(
            "the numbers of the stars model grew without bound; give smaller learning rates "
            f"(learning_rate is {settings.learning_rate:g})"
        )
    left_out = np.ones(history.n_users, dtype=bool)
    left_out[user_rows] = False
    _fold_in_users(model, users, history, left_out)
    _fold_in_movies(model, users, history, data.counts)
    progress(1.0)
    return model


def gram_of(mean: float, biases: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return what some trained users add to `StarsModel.gram`, shape (k+2, k+2)."""
    a = np.column_stack([mean + biases, np.ones(len(biases)), factors])
    gram: np.ndarray = a.T @ a
    return gram


def _random_rows(
    rng: np.random.RandomState, n: int, rows: np.ndarray, k: int, spread: float
) -> np.ndarray:
    """Return random numbers for k factors in `rows`, drawn in their order, and 0 elsewhere; shape
    (n, k and what fills up the last lanes)."""
    factors = np.zeros((n, -(-k // _LANES) * _LANES))
    for first in range(0, len(rows), _ROWS):
        some = rows[first : first + _ROWS]
        factors[some, :k] = rng.normal(0, spread, (len(some), k))
    return factors


def _descend(
    model: StarsModel,
    users: _Users,
    history: History,
    taking_part: np.ndarray,
    n_ratings: int,
    settings: StarsSettings,
    progress: Progress,
) -> None:
    """Change the rows of the users taking part and of the known movies by gradient descent."""
    # Not at the top: serving does without what a compiler made.
    from recommender.models.passes import stars_pass

    unit, width = unit_of(model.scale), users.factors.shape[1]
    done = 0
    for _ in range(settings.n_epochs):
        for first, last in history.portions():
            done += stars_pass(
                *(*history.arrays(), first, last),
                *(taking_part, model.movie_known, users.bias, model.movie_bias),
                *(users.factors, model.movie_factors, width, model.global_mean),
                *(settings.bias_learning_rate, settings.regularization),
                *(settings.learning_rate / unit, settings.regularization * unit),
            )
            progress(done / (n_ratings * settings.n_epochs))


def _fold_in_users(
    model: StarsModel, users: _Users, history: History, left_out: np.ndarray
) -> None:
    """Fill the rows of the users `left_out` from their ratings of trained movies."""
    users.bias[left_out], users.factors[left_out] = model.average_user
    for user in np.flatnonzero(left_out & (np.diff(history.offsets) > 0)).tolist():
        movies, ratings = history.of(user)
        trained = model.movie_known[movies]
        bias, factors = model.fold_in(movies[trained], ratings[trained])
        users.bias[user], users.factors[user] = bias, factors


def _fold_in_movies(model: StarsModel, users: _Users, history: History, counts: np.ndarray) -> None:
    """Fill the rows of the movies that were not trained, the same way with the sides changed.

    The ratings lie sorted by user, so those of a bounded number of movies are gathered at a time.
    """
    trained = model.movie_known
    average = average_movie(model, counts)
    model.movie_bias[~trained], model.movie_factors[~trained] = average
    rated = ~trained & (counts > 0)
    portions = np.cumsum(np.where(rated, counts, 0)) // _FOLD_RATINGS
    for portion in np.unique(portions[rated]):
        _fold_in_portion(model, users, history, rated & (portions == portion), average)


def average_movie(model: StarsModel, counts: np.ndarray) -> tuple[float, np.ndarray]:
    """Return mean bias and factors, shape (k,), of the trained movies, in which the seldom rated
    count more, since the mean stands for others of that kind.

    Args:
        counts: how many ratings each movie has, shape (movies,).
    """
    trained = model.movie_known
    weights = np.divide(1.0, counts, out=np.zeros(len(trained)), where=trained)
    weights /= weights.sum()
    return float(weights @ model.movie_bias), weights @ model.movie_factors


def _fold_in_portion(
    model: StarsModel,
    users: _Users,
    history: History,
    chosen: np.ndarray,
    average: tuple[float, np.ndarray],
) -> None:
    blocks = list(history.blocks(np.ones(history.n_users, dtype=bool), chosen))
    movies = np.concatenate([block.movies for block in blocks])
    order = np.argsort(movies, kind="stable")
    raters = np.concatenate([block.users for block in blocks])[order]
    rest = np.concatenate([block.ratings for block in blocks])[order]
    rest = rest - model.global_mean - users.bias[raters]
    found, starts = np.unique(movies[order], return_index=True)
    for movie, start, stop in zip(found, starts, [*starts[1:], len(raters)], strict=True):
        factors = users.factors[raters[start:stop]]
        model.movie_bias[movie], model.movie_factors[movie] = ridge(
            factors, rest[start:stop], average, MOVIE_RIDGE, unit_of(model.scale)
        )


def _first_appearances(
    history: History, users: np.ndarray, movies: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Return the users and the movies that take part, each in the order of its first rating; how
    many ratings take part, and their mean.

    The sum is exact for stars in halves, so the mean is Surprise's.

    Raises:
        DataError: no rating takes part.
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
        raise DataError(NO_RATING_LEFT)
    return np.flatnonzero(seen_user), np.concatenate(new_movies), n_ratings, total / n_ratings
