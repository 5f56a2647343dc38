"""Whole users with all their ratings, in blocks of which each is one row of bytes.

So Spark hands over half a million ratings as four values and not as as many rows, which makes a
pass over all ratings several times as fast, and keeps some eight bytes for a rating.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from pyspark import Row

# The columns of packed blocks.
PACKED = "users binary, lengths binary, movies binary, ratings binary"
_TYPES = {"users": np.int32, "lengths": np.int32, "movies": np.int32, "ratings": np.float32}
# How many ratings a block has at least, but for a partition's last, and a user's more at most.
_BLOCK = 1 << 19


@dataclass(frozen=True)
class UserBlock:
    """Some users with all their ratings (compressed sparse rows).

    Attributes:
        users: indices, int32, shape (n,).
        lengths: int32, shape (n,): how many ratings each user has.
        movies: int32, shape (ratings,): movie indices.
        ratings: float32, shape (ratings,): stars.
    """

    users: np.ndarray
    lengths: np.ndarray
    movies: np.ndarray
    ratings: np.ndarray

    @cached_property
    def offsets(self) -> np.ndarray:
        """The offset of each user's first rating, and the last one's end; int64, shape (n + 1,)."""
        return np.append(0, np.cumsum(self.lengths, dtype=np.int64))

    @cached_property
    def rows(self) -> np.ndarray:
        """The row of each rating's user among these users; int64, shape (ratings,)."""
        return np.repeat(np.arange(len(self.users)), self.lengths)

    def of(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the movies that one of these users rated, and the stars."""
        start, stop = self.offsets[row], self.offsets[row + 1]
        return self.movies[start:stop], self.ratings[start:stop]


def pack_ratings(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Pack the ratings of a partition into blocks.

    Memory: one block.

    Args:
        batches: columns user (int32), movie (int32) and rating (float32), a user's ratings one
            after the other.
    """
    for block in _blocks(batches):
        columns = [pa.array([getattr(block, name).tobytes()], pa.binary()) for name in _TYPES]
        yield pa.RecordBatch.from_arrays(columns, list(_TYPES))


def user_blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[UserBlock]:
    """Unpack the blocks that `pack_ratings` packed."""
    for batch in batches:
        for values in zip(*(batch.column(name) for name in _TYPES), strict=True):
            yield _unpacked(value.as_buffer() for value in values)


def ratings_of(row: Row) -> pa.RecordBatch:
    """Unpack a row of `pack_ratings` on the driver: columns user, movie and rating."""
    block = _unpacked(row[name] for name in _TYPES)
    columns = [block.users[block.rows], block.movies, block.ratings]
    return pa.RecordBatch.from_arrays(list(map(pa.array, columns)), ["user", "movie", "rating"])


def _unpacked(values: Iterable[pa.Buffer | bytearray]) -> UserBlock:
    return UserBlock(
        *(np.frombuffer(value, kind) for value, kind in zip(values, _TYPES.values(), strict=True))
    )


def _blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[UserBlock]:
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
    lengths = np.diff(np.append(starts, len(users))).astype(np.int32)
    return UserBlock(users[starts], lengths, movies, ratings)
