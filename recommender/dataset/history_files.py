"""Sorted ratings, streamed into the arrays of the history."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

# The columns (user, movie, rating, and perhaps seconds) of some ratings.
Columns = tuple[np.ndarray, ...]
# What is written of them, by the name of the file and the type of its values.
_FILES = (("history_movies", "<i4"), ("history_ratings", "<f4"), ("history_times", "<i8"))


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
        """Return the SHA-256 of the values so far."""
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
        batches: columns user (int32), movie (int32), rating (float32) and, if ``history_times``
            is wanted, seconds (int64), sorted by user, movie and age, without nulls.
        progress: called after each batch with the number of ratings read so far.

    Returns:
        How many ratings each user keeps (int32, n_users), which movies have any (bool, n_movies),
        and a SHA-256 of the values of offsets, movies and ratings.
    """
    counts = np.zeros(n_users, np.int32)
    rated = np.zeros(n_movies, bool)
    files: list[ArrayFile] = []
    with ExitStack() as stack, ArrayFile(folder / "history_offsets.npy", "<i8") as offsets_file:
        for users, *written in keep_last(_columns(batches, progress)):
            if not files:
                named = _FILES[: len(written)]
                files = [
                    stack.enter_context(ArrayFile(folder / f"{name}.npy", dtype))
                    for name, dtype in named
                ]
            first = users[0]
            found = np.bincount(users - first)
            counts[first : first + len(found)] += found.astype(np.int32)
            rated[written[0]] = True
            for file, values in zip(files, written, strict=True):
                file.append(values)
        offsets_file.append(np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]))
        digests = b"".join(file.digest() for file in [*files[:2], offsets_file])
    return counts, rated, hashlib.sha256(digests).digest()


def keep_last(batches: Iterable[Columns]) -> Iterator[Columns]:
    """Yield the sorted ratings without those that another of the same user and movie follows."""
    held: Columns | None = None
    for batch in batches:
        if held is not None:
            batch = _stack(held, batch)
        users, movies = batch[:2]
        # Whether the last one has a successor shows in the next batch.
        last = np.append((users[1:] != users[:-1]) | (movies[1:] != movies[:-1]), False)
        if last.any():
            yield tuple(column[last] for column in batch)
        held = tuple(column[-1:].copy() for column in batch)
    if held is not None:
        yield held


def _stack(above: Columns, below: Columns) -> Columns:
    return tuple(map(np.concatenate, zip(above, below, strict=True)))


def _columns(
    batches: Iterable[pa.RecordBatch], progress: Callable[[int], None]
) -> Iterator[Columns]:
    read = 0
    for batch in batches:
        if batch.num_rows:
            yield tuple(column.to_numpy() for column in batch.columns)
            read += batch.num_rows
            progress(read)
