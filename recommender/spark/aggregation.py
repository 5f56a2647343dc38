"""One pass over all ratings on the executors, which adds up rows of movies.

The ratings are a DataFrame of packed blocks (`spark.blocks`), so that all ratings of a user are met
together and what belongs to users need not be kept anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame

from recommender.core.progress import Progress, no_progress
from recommender.spark.blocks import UserBlock, user_blocks
from recommender.spark.jobs import run_jobs

# Sums travel in pieces of so many bytes, so that many executors add them up.
_PIECE = 1 << 18
_PIECES = "first int, sums binary"

S = TypeVar("S")


@contextmanager
def broadcast(ratings: DataFrame, value: S) -> Iterator[Broadcast[S]]:
    """Broadcast `value` to the executors that have `ratings`, until the end of the block."""
    held = ratings.sparkSession.sparkContext.broadcast(value)
    try:
        yield held
    finally:
        held.destroy()


def aggregate(
    ratings: DataFrame,
    sums: np.ndarray,
    value: S,
    add: Callable[[S, UserBlock, np.ndarray], None],
    progress: Progress = no_progress,
) -> None:
    """Aggregate into `sums` what `add` finds in all ratings, each block on its executor.

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
    few = ratings.coalesce(context.defaultParallelism)
    with broadcast(ratings, value) as held:
        pieces = few.mapInArrow(own, _PIECES).repartition("first").mapInArrow(of_all, _PIECES)
        table = run_jobs(context, pieces.toArrow, progress, jobs=2)
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
