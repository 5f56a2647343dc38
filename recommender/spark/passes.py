"""One pass over all ratings on the executors: whole users in blocks, and sums of rows of movies.

The ratings are a DataFrame with the columns user, movie (int) and rating (float), partitioned by
user and sorted by user within partitions, so that all ratings of a user are met together and what
belongs to users need not be kept anywhere. Partitions by ranges of users have about equally many
*ratings* each, as Spark draws their bounds from a sample of rows: a user who rated everything fills
a partition alone, and a movie that everybody rated is spread over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame

from recommender.spark.following import follow

COLUMNS = ("user", "movie", "rating")
# How many ratings a block has at least, but for a partition's last, and a user's more at most.
_BLOCK = 1 << 19
# Sums travel in pieces of so many bytes, so that many executors add them up.
_PIECE = 1 << 18
_PIECES = "first int, sums binary"

S = TypeVar("S")


@dataclass(frozen=True)
class UserBlock:
    """Some users with all their ratings (compressed sparse rows).

    Attributes:
        users: indices, int32, shape (n,).
        offsets: int64, shape (n + 1,): where each user's ratings begin.
        movies: int32, shape (ratings,): movie indices.
        ratings: float32, shape (ratings,): stars.
    """

    users: np.ndarray
    offsets: np.ndarray
    movies: np.ndarray
    ratings: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """For each rating whose it is, counted from the first of these users."""
        return np.repeat(np.arange(len(self.users)), np.diff(self.offsets))

    def of(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """The movies that one of these users rated, and the stars."""
        start, stop = self.offsets[row], self.offsets[row + 1]
        return self.movies[start:stop], self.ratings[start:stop]


def user_blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[UserBlock]:
    """The ratings of a partition, whole users at a time; users need not ascend.

    Memory: one block.
    """
    held: list[list[np.ndarray]] = []
    n_held = 0
    for batch in batches:
        if batch.num_rows:
            held.append([column.to_numpy() for column in batch.columns])
            n_held += batch.num_rows
        if n_held >= _BLOCK:
            users, movies, ratings = map(np.concatenate, zip(*held, strict=True))
            # The last user's ratings may go on in the next batch.
            last = int(np.flatnonzero(np.append(True, users[1:] != users[:-1]))[-1])
            held, n_held = [[users[last:], movies[last:], ratings[last:]]], len(users) - last
            if last:
                yield _block(users[:last], movies[:last], ratings[:last])
    if held:
        yield _block(*map(np.concatenate, zip(*held, strict=True)))


def _block(users: np.ndarray, movies: np.ndarray, ratings: np.ndarray) -> UserBlock:
    starts = np.flatnonzero(np.append(True, users[1:] != users[:-1]))
    return UserBlock(users[starts], np.append(starts, len(users)), movies, ratings)


@contextmanager
def sent(ratings: DataFrame, value: S) -> Iterator[Broadcast[S]]:
    """`value` on all executors that have `ratings`, within the block."""
    held = ratings.sparkSession.sparkContext.broadcast(value)
    try:
        yield held
    finally:
        held.destroy()


def add_up(
    ratings: DataFrame,
    sums: np.ndarray,
    value: S,
    add: Callable[[S, UserBlock, np.ndarray], None],
    progress: Callable[[float], None] = lambda fraction: None,
) -> None:
    """Add to `sums` what `add` finds in all ratings, each block on the executor that has it.

    Every core sums up its own partitions first, and the sums of all cores are added piece by piece
    on the executors; the driver receives one array. Memory: on an executor twice `sums` for each
    core, and what `add` takes; on the driver twice `sums`.

    Args:
        ratings: see the module; read once, so keep them persisted if this is done repeatedly.
        sums: changed; shape (movies or others, width).
        value: sent to all executors.
        add: called there with `value`, a block and an array like `sums`, to which it adds.
        progress: told the fraction done, 0..1.
    """
    shape, dtype = sums.shape, sums.dtype
    step = max(1, _PIECE // (shape[1] * dtype.itemsize))

    def own(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found = np.zeros(shape, dtype)
        for block in user_blocks(batches):
            add(held.value, block, found)
        for first in range(0, len(found), step):
            piece = found[first : first + step]
            if piece.any():
                yield _packed(first, piece)

    def of_all(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found: dict[int, np.ndarray] = {}
        for first, piece in _unpacked(batches, dtype):
            if first in found:
                found[first] += piece
            else:
                found[first] = piece.copy()
        for first, piece in found.items():
            yield _packed(first, piece)

    context = ratings.sparkSession.sparkContext
    # As many arrays as there are cores, however many partitions.
    few = ratings.select(*COLUMNS).coalesce(context.defaultParallelism)
    with sent(ratings, value) as held:
        pieces = few.mapInArrow(own, _PIECES).repartition("first").mapInArrow(of_all, _PIECES)
        table = follow(context, pieces.toArrow, progress, jobs=2)
    for first, piece in _unpacked(table.to_batches(), dtype):
        rows = piece.reshape(-1, shape[1])
        sums[first : first + len(rows)] += rows
    progress(1.0)


def _packed(first: int, piece: np.ndarray) -> pa.RecordBatch:
    names = [column.split()[0] for column in _PIECES.split(", ")]
    columns = [pa.array([first], pa.int32()), pa.array([piece.tobytes()], pa.binary())]
    return pa.RecordBatch.from_arrays(columns, names)


def _unpacked(
    batches: Iterable[pa.RecordBatch], dtype: np.dtype
) -> Iterator[tuple[int, np.ndarray]]:
    for batch in batches:
        for first, piece in zip(*batch.columns, strict=True):
            yield first.as_py(), np.frombuffer(piece.as_buffer(), dtype)
