"""Sorted ratings, streamed into the three arrays of the history."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

# The columns (user, movie, rating) of some ratings.
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


class ArrayFile:
    """A one-dimensional ``.npy`` file that grows by appending; its length is written at the end.

    The header that numpy writes leaves room for a longer length (``numpy.lib.format``), so that
    the true one fits in its place.
    """

    def __init__(self, path: Path, dtype: str) -> None:
        self._dtype = np.dtype(dtype)
        self._file = path.open("wb")
        self._length = 0
        self._hash = hashlib.sha256()
        self._write_header()

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def append(self, values: np.ndarray) -> None:
        """Write `values` behind those that are there; they are cast to the file's type."""
        data = np.ascontiguousarray(values, self._dtype).data
        self._file.write(data)
        self._hash.update(data)
        self._length += len(data)

    def digest(self) -> bytes:
        """SHA-256 of the values so far."""
        return self._hash.digest()

    def _write_header(self) -> None:
        header: dict[str, Any] = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self._length,),
        }
        np.lib.format.write_array_header_1_0(self._file, header)


def write_history(
    batches: Iterable[pa.RecordBatch],
    folder: Path,
    n_users: int,
    n_movies: int,
    progress: Callable[[int], None],
) -> tuple[np.ndarray, np.ndarray, bytes]:
    """Write ``history_*.npy`` into `folder` and keep the last of each user's ratings of a movie.

    Memory: one batch, one integer a user, one bit-sized flag a movie.

    Args:
        batches: columns user (int32), movie (int32) and rating (float32), sorted by user, movie
            and age, without nulls.
        progress: called after each batch with the number of ratings read so far.

    Returns:
        How many ratings each user keeps (int32, n_users), which movies have any (bool, n_movies),
        and a SHA-256 of all three arrays' values.
    """
    counts = np.zeros(n_users, np.int32)
    rated = np.zeros(n_movies, bool)
    with (
        ArrayFile(folder / "history_movies.npy", "<i4") as movies_file,
        ArrayFile(folder / "history_ratings.npy", "<f4") as ratings_file,
        ArrayFile(folder / "history_offsets.npy", "<i8") as offsets_file,
    ):
        for users, movies, ratings in keep_last(_columns(batches, progress)):
            first = users[0]
            found = np.bincount(users - first)
            counts[first : first + len(found)] += found.astype(np.int32)
            rated[movies] = True
            movies_file.append(movies)
            ratings_file.append(ratings)
        offsets_file.append(np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]))
        digests = movies_file.digest() + ratings_file.digest() + offsets_file.digest()
    return counts, rated, hashlib.sha256(digests).digest()


def keep_last(batches: Iterable[Columns]) -> Iterator[Columns]:
    """The same sorted ratings without those that another of the same user and movie follows."""
    held: Columns | None = None
    for batch in batches:
        if held is not None:
            batch = _stack(held, batch)
        users, movies, ratings = batch
        # Whether the last one has a successor shows in the next batch.
        last = np.append((users[1:] != users[:-1]) | (movies[1:] != movies[:-1]), False)
        if last.any():
            yield users[last], movies[last], ratings[last]
        held = users[-1:].copy(), movies[-1:].copy(), ratings[-1:].copy()
    if held is not None:
        yield held


def _stack(above: Columns, below: Columns) -> Columns:
    users, movies, ratings = map(np.concatenate, zip(above, below, strict=True))
    return users, movies, ratings


def _columns(
    batches: Iterable[pa.RecordBatch], progress: Callable[[int], None]
) -> Iterator[Columns]:
    read = 0
    for batch in batches:
        if batch.num_rows:
            yield batch.column(0).to_numpy(), batch.column(1).to_numpy(), batch.column(2).to_numpy()
            read += batch.num_rows
            progress(read)
