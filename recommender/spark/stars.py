"""The stars model, trained by a Spark cluster.

The same model as in `recommender.models.stars`, r̂ = μ + b_u + b_i + p_u·q_i, found another way:
gradient descent goes from rating to rating and cannot be spread over machines, alternating least
squares can. Biases are damped means; Spark's ALS finds the movies' factors from what they leave;
and a user's row follows from the movies' side and the user's own ratings, so that it is computed
where these are, and only the finished rows come to the driver's disk.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession

from recommender.core.errors import DataError, SettingsError
from recommender.core.progress import Progress, no_progress, scaled
from recommender.models.protocol import TrainingData
from recommender.models.ridge import MOVIE_RIDGE, solve_ridge, unit_of
from recommender.models.stars import StarsModel, StarsSettings
from recommender.models.stars_training import NO_RATING_LEFT, average_movie, gram_of
from recommender.spark.aggregation import aggregate, broadcast
from recommender.spark.blocks import UserBlock, user_blocks
from recommender.spark.driver_rows import driver_rows
from recommender.spark.jobs import run_jobs
from recommender.spark.user_rows import DAMPING, UserRows

# With these the same settings are good for both engines, on validation splits: a pass of ALS goes
# as far as two of gradient descent, and shrinks less for each rating ...
_EPOCHS_PER_PASS, _SHRINKAGE = 2, 0.6
# ... but a movie by so many ratings more. Spark's ALS has no such setting, so as many made-up users
# give every movie what the biases say, a residual of 0, and all that it changes is the number of
# ratings that the shrinkage is multiplied by.
_PSEUDO_RATINGS = 160
# Movies' factors are made longer and users' shorter, as the λ of the fold-in expect them.
_FACTOR_GAIN = 1.4
# The sums by which movies are folded in take so many bytes at once.
_FOLD_BYTES = 1 << 26
# A block of ALS has so many ratings on average, or more where a core has so many bytes for each.
# The fewer the blocks, the fewer copies of users' factors are sent.
_ALS_RATINGS, _ALS_BYTES = 1 << 22, 200
# How many users' rows travel together.
_ROWS_PER_BATCH = 8192
_RESIDUALS, _ROWS = (
    "user int, movie int, residual float",
    "users binary, biases binary, factors binary",
)
# Where stages begin, as shares of the time.
_FACTORS, _USERS, _MOVIES = 0.15, 0.7, 0.85


def fit_stars(
    ratings: DataFrame,
    data: TrainingData,
    settings: StarsSettings,
    progress: Progress = no_progress,
    folder: Path | None = None,
) -> StarsModel:
    """Train the stars model on the ratings of `data.users` and `data.movies`, then fold in the
    others.

    Source: Koren, "Factor in the neighbors", 2010, section 2.1, for the biases, here alternating;
    Zhou et al., "Large-scale parallel collaborative filtering", 2008, for the factors, by
    `pyspark.ml.recommendation.ALS`.

    The ratings are read some eight times, so they should be persisted. Memory: on the driver
    8·(k+1) bytes for each movie, a few for each user while the model is trained, and 64 MB; the
    rows of users are files that are mapped. On an executor, for each core, the rows of the movies,
    a block of ratings and 64 MB.

    Args:
        ratings: packed blocks, see `spark.blocks`.
        data: its history and texts are not read.
        settings: learning rates and initial spread mean nothing here.
        progress: is given the fraction done, 0..1.
        folder: where the rows of users are while the model is in use; by default the system's
            folder for temporary files.

    Raises:
        SettingsError: the regularization is not above 0.
        DataError: no rating takes part.
    """
    if settings.regularization <= 0:
        raise SettingsError(
            f"regularization {settings.regularization:g}: training on Spark needs one above 0"
        )
    side = UserRows(
        _empty(data.scale, data.movies, settings.n_factors),
        data.users,
        _SHRINKAGE * settings.regularization * unit_of(data.scale) * _FACTOR_GAIN**2,
    )
    side, counts = _fit_biases(ratings, side)
    progress(_FACTORS)
    side = _fit_factors(
        ratings, side, int(counts.sum()), settings, scaled(progress, _FACTORS, _USERS)
    )
    model = _with_users(ratings, side, folder, scaled(progress, _USERS, _MOVIES))
    side = dataclasses.replace(side, model=_without_users(model))
    _fold_in_movies(ratings, side, model, counts, scaled(progress, _MOVIES, 1.0))
    progress(1.0)
    return model


def _empty(scale: tuple[float, float], movies: np.ndarray, k: int) -> StarsModel:
    return StarsModel(
        global_mean=0.0,
        scale=scale,
        user_bias=np.zeros(0),
        movie_bias=np.zeros(len(movies)),
        user_factors=np.zeros((0, k)),
        movie_factors=np.zeros((len(movies), k)),
        gram=np.zeros((k + 2, k + 2)),
        movie_known=movies,
    )


def _without_users(model: StarsModel) -> StarsModel:
    none = {name: getattr(model, name)[:0] for name in ("user_bias", "user_factors")}
    return dataclasses.replace(model, **none)


def _fit_biases(ratings: DataFrame, side: UserRows) -> tuple[UserRows, np.ndarray]:
    """`side` with μ, b_i, and which movies are known; and how many ratings each movie has in all.

    Raises:
        DataError: no rating takes part.
    """

    def count(side: UserRows, block: UserBlock, sums: np.ndarray) -> None:
        taken = side.taken(block)
        stars = np.where(taken, block.ratings, 0.0)
        for column, weights in enumerate((stars, taken, None)):
            sums[:, column] += np.bincount(block.movies, weights, len(sums))

    def add_residuals(side: UserRows, block: UserBlock, sums: np.ndarray) -> None:
        rest, biases = side.residuals(block)
        # Of the rating itself, not of what the movie's bias leaves of it.
        own = rest - biases[block.rows] + side.model.movie_bias[block.movies]
        sums[:, 0] += np.bincount(block.movies, np.where(side.taken(block), own, 0.0), len(sums))

    sums = np.zeros((len(side.model.movie_known), 3))
    aggregate(ratings, sums, side, count)
    stars, taken, counts = sums.T
    if not taken.any():
        raise DataError(NO_RATING_LEFT)
    mean = float(stars.sum() / taken.sum())
    movie_bias = (stars - mean * taken) / (taken + DAMPING)
    model = dataclasses.replace(
        side.model, global_mean=mean, movie_bias=movie_bias, movie_known=taken > 0
    )
    side = dataclasses.replace(side, model=model)
    rest = np.zeros((len(taken), 1))
    aggregate(ratings, rest, side, add_residuals)
    model = dataclasses.replace(model, movie_bias=rest[:, 0] / (taken + DAMPING))
    return dataclasses.replace(side, model=model), counts


def _fit_factors(
    ratings: DataFrame, side: UserRows, n_ratings: int, settings: StarsSettings, progress: Progress
) -> UserRows:
    """`side` with q_i of the known movies."""
    spark, unit = ratings.sparkSession, unit_of(side.model.scale)

    def residuals(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for block in user_blocks(batches):
            left, biases = held.value.residuals(block)
            taken = held.value.taken(block)
            left = (left - biases[block.rows])[taken] / unit
            yield _residual_batch(block.users[block.rows][taken], block.movies[taken], left)

    def pseudo_ratings(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        movies = np.flatnonzero(held.value.model.movie_known)
        for batch in batches:
            for number in batch.column(0).to_pylist():
                users = np.full(len(movies), len(held.value.users) + number)
                yield _residual_batch(users, movies, np.zeros(len(movies)))

    cores = spark.sparkContext.defaultParallelism
    n_movies = int(side.model.movie_known.sum())
    blocks = als_blocks(n_ratings, n_movies, cores, memory_per_core(spark))
    als = ALS(
        userCol="user",
        itemCol="movie",
        ratingCol="residual",
        rank=settings.n_factors,
        maxIter=max(1, settings.n_epochs // _EPOCHS_PER_PASS),
        regParam=_SHRINKAGE * settings.regularization,
        numUserBlocks=blocks,
        numItemBlocks=blocks,
        seed=settings.random_state,
    )
    with broadcast(ratings, side) as held:
        given = ratings.mapInArrow(residuals, _RESIDUALS)
        given = given.union(
            spark.range(_PSEUDO_RATINGS, numPartitions=cores).mapInArrow(pseudo_ratings, _RESIDUALS)
        )
        found = run_jobs(
            spark.sparkContext, lambda: als.fit(given).itemFactors.toArrow(), progress, jobs=4
        )
    factors = np.zeros_like(side.model.movie_factors)
    rows = found["features"].combine_chunks().flatten().to_numpy()
    rows = rows.reshape(-1, settings.n_factors).astype(float)
    factors[found["id"].to_numpy()] = rows * np.sqrt(unit) * _FACTOR_GAIN
    return dataclasses.replace(side, model=dataclasses.replace(side.model, movie_factors=factors))


def als_blocks(n_ratings: int, n_movies: int, cores: int, room: int) -> int:
    """Return the number of blocks of users, and of movies, into which ALS divides the ratings.

    Args:
        n_movies: how many movies take part.
        cores: of all executors; none is to be idle.
        room: bytes that a core has, see `room`.
    """
    together = n_ratings + _PSEUDO_RATINGS * n_movies
    return max(cores, -(-together // max(_ALS_RATINGS, room // _ALS_BYTES)))


def memory_per_core(spark: SparkSession) -> int:
    """Return the bytes of heap for a core's share of storage and execution, where they are
    fewest; 0 while there is no executor.

    Source: Spark's documentation, "Memory Management Overview".
    """
    executors = spark.sparkContext._jsc.sc().statusStore().executorList(True)
    working = [one for i in range(executors.size()) if (one := executors.apply(i)).totalCores()]
    return min((int(one.maxMemory()) // int(one.totalCores()) for one in working), default=0)


def _residual_batch(users: np.ndarray, movies: np.ndarray, rest: np.ndarray) -> pa.RecordBatch:
    columns = (users, pa.int32()), (movies, pa.int32()), (rest, pa.float32())
    return pa.RecordBatch.from_arrays(
        [pa.array(values, kind) for values, kind in columns], ["user", "movie", "residual"]
    )


def _with_users(
    ratings: DataFrame, side: UserRows, folder: Path | None, progress: Progress
) -> StarsModel:
    """The model of `side` with AᵀA and the rows of all users, the left-out folded in."""
    n_users, k = len(side.users), side.model.movie_factors.shape[1]
    user_bias, user_factors = _on_disk(folder, (n_users,)), _on_disk(folder, (n_users, k))
    model = dataclasses.replace(
        side.model,
        user_bias=user_bias,
        user_factors=user_factors,
        gram=np.zeros((k + 2, k + 2)),
    )
    seen = np.zeros(n_users, dtype=bool)
    for users, biases, factors in _rows(ratings, side, True, scaled(progress, 0.0, 0.6)):
        user_bias[users], user_factors[users], seen[users] = biases, factors, True
        np.add(model.gram, gram_of(model.global_mean, biases, factors), out=model.gram)
    user_bias[~seen], user_factors[~seen] = model.average_user
    if not seen.all():
        side = dataclasses.replace(side, model=_without_users(model))
        for users, biases, factors in _rows(ratings, side, False, scaled(progress, 0.6, 1.0)):
            user_bias[users], user_factors[users] = biases, factors
    return model


def _on_disk(folder: Path | None, shape: tuple[int, ...]) -> np.ndarray:
    """Zeros in a file that goes with the array."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.memmap(file, np.float64, "w+", shape=shape)


def _rows(
    ratings: DataFrame, side: UserRows, trained: bool, progress: Progress
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Users, their biases and their factors, some thousand at a time: of those who have a rating
    that takes part, or of the others."""

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for block in user_blocks(batches):
            wanted = np.flatnonzero(held.value.trained(block) == trained)
            parts = block.users[wanted], *held.value.rows(block, wanted)
            for first in range(0, len(wanted), _ROWS_PER_BATCH):
                some = [part[first : first + _ROWS_PER_BATCH].tobytes() for part in parts]
                yield pa.RecordBatch.from_pydict(
                    dict(zip(("users", "biases", "factors"), ([one] for one in some), strict=True))
                )

    context = ratings.sparkSession.sparkContext
    with broadcast(ratings, side) as held:
        found = ratings.mapInArrow(rows, _ROWS).persist()
        try:
            # All at once on the executors; then they come a partition at a time.
            run_jobs(context, found.count, progress)
            for row in driver_rows(found):
                biases = np.frombuffer(row.biases)
                factors = np.frombuffer(row.factors).reshape(len(biases), -1)
                yield np.frombuffer(row.users, np.int32), biases, factors
        finally:
            found.unpersist()


def _fold_in_movies(
    ratings: DataFrame, side: UserRows, model: StarsModel, counts: np.ndarray, progress: Progress
) -> None:
    """Fill the rows of the movies that were not trained, as `StarsModel.fit` does.

    Each movie's normal equations are added up where the ratings are.

    Args:
        side: with AᵀA, so that the rows of left-out users follow from it.
        model: changed.
        counts: how many ratings each movie has, shape (movies,).
    """
    trained, k = model.movie_known, model.movie_factors.shape[1]
    average = average_movie(model, counts)
    model.movie_bias[~trained], model.movie_factors[~trained] = average
    rated = np.flatnonzero(~trained & (counts > 0))
    step = max(1, _FOLD_BYTES // (8 * (k + 1) * (k + 2)))
    for first in range(0, len(rated), step):
        some = rated[first : first + step]
        place = np.full(len(trained), -1, dtype=np.int32)
        place[some] = np.arange(len(some))
        sums = np.zeros((len(some), (k + 1) * (k + 2)))
        done, ends = first / len(rated), (first + len(some)) / len(rated)
        part = scaled(progress, done, ends)
        aggregate(ratings, sums, (side, place, average), _add_equations, part)
        for movie, equations in zip(some, sums.reshape(-1, k + 1, k + 2), strict=True):
            squares, products = equations[:, :-1].copy(), equations[:, -1]
            model.movie_bias[movie], model.movie_factors[movie] = solve_ridge(
                squares, products, average, MOVIE_RIDGE, unit_of(model.scale)
            )


def _add_equations(
    sent: tuple[UserRows, np.ndarray, tuple[float, np.ndarray]], block: UserBlock, sums: np.ndarray
) -> None:
    """Add Σ x·[x, rest]ᵀ with x = [1, p_u] for each movie that has a place in `sums`."""
    side, place, (bias, factors) = sent
    places = place[block.movies]
    chosen = np.flatnonzero(places >= 0)
    if not len(chosen):
        return
    chosen = chosen[np.argsort(places[chosen], kind="stable")]
    users, position = np.unique(block.rows[chosen], return_inverse=True)
    user_bias, user_factors = side.rows(block, users)
    average = side.model.global_mean + bias + user_bias + user_factors @ factors
    rest = block.ratings[chosen] - average[position]
    columns = np.column_stack([np.ones(len(chosen)), user_factors[position], rest])
    found, starts = np.unique(places[chosen], return_index=True)
    for row, own in zip(found, np.split(columns, starts[1:]), strict=True):
        sums[row] += (own[:, :-1].T @ own).ravel()
