"""Answers in bulk, from file to file, in batches: memory does not follow the number of rows."""

from __future__ import annotations

import csv
import gzip
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, compress, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import numpy as np

from memory_toolkit.measure.reading import read
from recommender.core.atomic_write import atomic_write
from recommender.core.errors import DataError, NotFoundError
from recommender.core.records import Id
from recommender.recommender import Recommender
from recommender.visitors.ratings_matching import Matched, read_ratings
from recommender.visitors.ratings_table import GZIP, UTF_16, ZIP, match_columns, split_rows

if TYPE_CHECKING:
    import pyarrow as pa

# A user, the movies for them, best first, and the scores of these.
Recommended = tuple[Id, list[Id], np.ndarray]
# Rows of one batch, at about 300 bytes each.
_ROWS = 1 << 14
_PART = 1 << 18
_PAIRS = 4096
# What pairs are not read from, by how the file begins.
_OTHER_FORMATS = {b"{": "JSON", b"[": "JSON", ZIP: "a workbook or an archive", b"PAR1": "Parquet"}


@dataclass(frozen=True)
class Written:
    """The outcome of writing in bulk.

    Attributes:
        users, rows: how many.
        seconds: how long it took.
        peak: the most own memory that was seen, in bytes; it is looked at every 16,384 rows.
    """

    users: int
    rows: int
    seconds: float
    peak: int


def write_recommendations(
    users: Iterable[Recommended],
    out: Path,
    progress: Callable[[int], None] = lambda users: None,
) -> Written:
    """Write ``user_id, movie_id, rank, score``, as CSV if `out` ends in ``.csv``, else as Parquet.

    Args:
        users: everybody with what is recommended to them.
        progress: told how many users are done.

    Raises:
        DataError: `out` cannot be written.
    """
    import pyarrow.csv
    import pyarrow.parquet as pq

    started, peak = time.monotonic(), 0
    rows = done = 0

    def opened(schema: pa.Schema) -> pq.ParquetWriter | pyarrow.csv.CSVWriter:
        if out.suffix.lower() == ".csv":
            return pyarrow.csv.CSVWriter(temporary, schema)
        return pq.ParquetWriter(temporary, schema, compression="zstd")

    writer: pq.ParquetWriter | pyarrow.csv.CSVWriter | None = None
    users = iter(users)
    with _replacing(out) as temporary:
        try:
            while batch := _next_batch(users):
                # Where everybody has rated everything there is no id to tell the type of.
                if any(movies for _, movies, _ in batch):
                    table = _table(batch)
                    writer = writer or opened(table.schema)
                    writer.write_table(table)
                    rows += table.num_rows
                done += len(batch)
                peak = max(peak, read().own)
                progress(done)
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            with opened(_table([]).schema) as empty:
                empty.write_table(_table([]))
    return Written(done, rows, time.monotonic() - started, peak)


def _next_batch(users: Iterator[Recommended]) -> list[Recommended]:
    """Return the next users, as many as make `_ROWS` rows, or fewer at the end."""
    batch: list[Recommended] = []
    rows = 0
    for user in users:
        batch.append(user)
        rows += 1 + len(user[1])
        if rows >= _ROWS:
            break
    return batch


def _table(batch: list[Recommended]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            "user_id": [user for user, movies, _ in batch for _ in movies],
            "movie_id": [movie for _, movies, _ in batch for movie in movies],
            "rank": pa.array(
                (r for _, movies, _ in batch for r in range(1, len(movies) + 1)), pa.int32()
            ),
            "score": np.concatenate([np.zeros(0, np.float32), *(scores for *_, scores in batch)]),
        }
    )


def write_parts(
    users: Iterable[Recommended],
    out: Path,
    progress: Callable[[int], None] = lambda users: None,
) -> Written:
    """The same into a new folder, as part-00000.parquet and so on, of 2^18 users each.

    The folder appears when all parts are complete.

    Raises:
        DataError: `out` is there already, or cannot be written.
    """
    started = time.monotonic()
    users = iter(users)
    parts: list[Written] = []

    def tell(done: int) -> None:
        progress(sum(part.users for part in parts) + done)

    with _new_folder(out) as temporary:
        for first in users:
            some = chain([first], islice(users, _PART - 1))
            file = temporary / f"part-{len(parts):05}.parquet"
            parts.append(write_recommendations(some, file, tell))
    return Written(
        sum(part.users for part in parts),
        sum(part.rows for part in parts),
        time.monotonic() - started,
        max((part.peak for part in parts), default=0),
    )


def predict_pairs(matinee: Recommender, pairs: Path, out: Path) -> tuple[int, int]:
    """Read pairs of user and movie from a CSV file and write them with their stars.

    The column ``stars`` is called ``rating`` where the data have no stars.
    An unknown user or movie counts as an average one; the column ``unknown`` says which is: "user",
    "movie", "user and movie" or nothing.

    Returns:
        How many pairs there are, and in how many the user or the movie is unknown.

    Raises:
        DataError: a file cannot be read or written, or a column is missing.
        NotFoundError: there are pairs, and in none of them both are known.
    """
    count = lacking = 0
    with _replacing(out) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        predicted = "stars" if matinee.has_stars else "rating"
        writer.writerow(["user_id", "movie_id", predicted, "unknown"])
        rows = _read_pairs(pairs)
        example: tuple[str, str] | None = None
        while batch := list(islice(rows, _PAIRS)):
            example = example or batch[0]
            stars, unknown = matinee.predict(batch, return_unknown=True)
            writer.writerows(
                (*pair, f"{s:.4f}", " and ".join(compress(("user", "movie"), which)))
                for pair, s, which in zip(batch, stars, unknown, strict=True)
            )
            count += len(batch)
            lacking += int(unknown.any(axis=1).sum())
        if example and count == lacking:
            raise NotFoundError(
                f"{pairs}: in none of the {count:,} pairs both the user and the movie are known "
                f"(the first are {example[0]!r} and {example[1]!r}); check the columns and the ids"
            )
    return count, lacking


def own_ratings(path: Path, matinee: Recommender) -> Matched:
    """Read somebody's own ratings (`read_ratings`); what was not taken is said on stderr.

    Raises:
        DataError: the file cannot be read, a row is wrong, or it holds the ratings of several
            people.
        NotFoundError: the catalogue has none of its movies.
    """
    found = read_ratings(path, matinee)
    if found.missing and not found.ratings:
        raise NotFoundError(
            f"none of the {len(found.missing):,} movies of {path} is in the catalogue (such as "
            f"{found.missing[0]}); `matinee search` finds its ids"
        )
    lines = found.lines()
    if not found.ratings:
        raise NotFoundError("; ".join([f"{path} has no rating of a movie", *lines]))
    for line in lines:
        print(f"matinee: {path}: {line}", file=sys.stderr)
    return found


def _read_pairs(path: Path) -> Iterator[tuple[str, str]]:
    """The user and the movie of each row, as they are written."""
    line = 1
    try:
        with _open_text(path) as file:
            names, rows, first = split_rows(file)
            positions = match_columns(names)
            for part, column in (("user", "user_id"), ("movie", "movie_id")):
                if part not in positions:
                    found = ", ".join(names) or "nothing"
                    raise DataError(
                        f"{path}: no column {column}; found {found}; the first line needs the "
                        "names, such as user_id,movie_id"
                    )
            user, movie = positions["user"], positions["movie"]
            for line, row in enumerate(rows, start=first + 1):
                if row and len(row) != len(names):
                    raise DataError(
                        f"{path} line {line}: {len(row)} cells under {len(names)} columns; mend it"
                    )
                pair = [row[at].strip() for at in (user, movie)] if row else []
                if not all(pair):
                    raise DataError(f"{path} line {line}: user_id or movie_id is empty")
                if row:
                    yield pair[0], pair[1]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, EOFError, zlib.error):
        raise DataError(f"{path}: not UTF-8; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{path} line {line + 1}: {error}") from error


def _open_text(path: Path) -> IO[str]:
    """Open a file of text, UTF-8 or UTF-16, plain or in gzip.

    Raises:
        DataError: it begins as another format does.
    """
    with open(path, "rb") as file:
        start = file.read(len(b"PAR1"))
    for begins, what in _OTHER_FORMATS.items():
        if start.startswith(begins):
            raise DataError(f"{path}: is {what}; save the pairs as CSV")
    encoding = "utf-16" if start.startswith(UTF_16) else "utf-8-sig"
    opened = gzip.open if start.startswith(GZIP) else open
    return cast("IO[str]", opened(path, "rt", newline="", encoding=encoding))


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A temporary file beside `out` that takes its place at the end, or goes when this fails."""
    with _writing(out):
        if out.exists() and not out.is_file():  # a device would be gone
            raise DataError(f"{out} is no file; name one with --out")
        with atomic_write(out) as temporary:
            temporary.touch()
            yield temporary


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """The same for a folder, which must not be there yet."""
    with _writing(out):
        if out.exists():
            raise DataError(f"{out} is there already; name a new folder, or remove it")
        with atomic_write(out) as temporary:
            temporary.mkdir()
            yield temporary


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = error.strerror or error
        raise DataError(f"{out} cannot be written: {problem}; choose another --out") from error
