"""Ratings and movies from files, checked and indexed, as arrays on disk.

The ratings go through DuckDB and never stand in Python's memory: they are copied into a temporary
database, checked there, sorted there, and written batch by batch.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recommender.allowance import Allowance
from recommender.dataset.database import Told, connect, follow
from recommender.dataset.history_files import write_history
from recommender.dataset.import_report import ImportReport
from recommender.dataset.movie_rows import MAX_TAGS, movie_row, movie_schema
from recommender.dataset.rating_scale import find_scale
from recommender.dataset.sources import Source, TableFile
from recommender.dataset.staging import LONGEST_ID, Staged, stage
from recommender.dataset.textfiles import check_encoding
from recommender.errors import DataError, SettingsError

Progress = Callable[[str, float], None]

_OUTPUT = (
    *("movies.parquet", "users.parquet"),
    *("history_offsets.npy", "history_movies.npy", "history_ratings.npy"),
)
_TIMES = "history_times.npy"
_MOVIES_PER_BATCH = 256  # a plot may have 4,000 characters
_SORTED_AT_ONCE = 8 << 20
_TAGS_OF_A_MOVIE = 1 << 10
_RATINGS_PER_BATCH = 50_000

# How far the import is when the steps end, in shares of the time that 32 million ratings take.
_STAGED, _CHECKED, _JOINED, _SORTED, _WRITTEN = 0.56, 0.66, 0.8, 0.83, 0.95

# When a rating was given: seconds, or any date and time that DuckDB can read; null where that is
# no time that 64 bits can count the milliseconds of.
_SECONDS = (
    "try_cast(1000 * coalesce(try_cast(timestamp AS DOUBLE), "
    "epoch(try_cast(timestamp AS TIMESTAMP))) AS BIGINT) / 1000"
)

# A table of its own: joining and sorting at once needs more memory.
_INDEXED = f"""
    CREATE TABLE indexed AS
    SELECT user_index.position AS user_at, movie_index.position AS movie_at,
        rating::FLOAT AS rating, {_SECONDS} AS seconds, ratings.rowid AS row
    FROM ratings JOIN user_index USING (user_id) JOIN movie_index USING (movie_id)
"""

# The same tag in other letter case is the same tag; its commonest spelling is shown.
_MOST_USED_TAGS = f"""
    CREATE TABLE most_used_tags AS
    WITH spelled AS (
        SELECT movie_id, tag, count(*) AS uses FROM tags WHERE tag IS NOT NULL GROUP BY ALL
    ), merged AS (
        SELECT movie_id, arg_max(tag, row(uses, tag)) AS tag, sum(uses) AS uses
        FROM spelled GROUP BY movie_id, lower(tag)
    )
    SELECT movie_id, (list(tag ORDER BY uses DESC, tag))[:{MAX_TAGS}] AS user_tags
    FROM merged GROUP BY movie_id
"""
_NO_TAGS = "CREATE TABLE most_used_tags (movie_id VARCHAR, user_tags VARCHAR[])"


@dataclass(frozen=True)
class ImportOptions:
    """How to read the files.

    Attributes:
        encoding: of the text files; None: UTF-8, or Latin-1 where MovieLens uses it.
        scale: lowest and highest rating; None: detected.
        memory_limit: bytes that the whole process may take; None: what `Allowance.find` finds.
        keep_times: also write when each rating was given.
    """

    encoding: str | None = None
    scale: tuple[float, float] | None = None
    memory_limit: int | None = None
    keep_times: bool = False

    def __post_init__(self) -> None:
        if self.encoding is not None:
            check_encoding(self.encoding)
        if self.scale is not None:
            low, high = self.scale
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise SettingsError(f"--scale {low:g}-{high:g}: give LOW-HIGH, such as 0.5-5")
        if self.memory_limit is not None:
            Allowance.find(self.memory_limit)


@dataclass(frozen=True)
class Dataset:
    """An imported data set.

    ``folder`` holds ``movies.parquet`` and ``users.parquet`` (a row's position is the index),
    and the ratings sorted by user, then movie: ``history_offsets.npy`` (int64, n_users + 1),
    ``history_movies.npy`` (int32, n_ratings) and ``history_ratings.npy`` (float32, n_ratings);
    if asked for, ``history_times.npy`` (int64, n_ratings), seconds since 1970.
    `fingerprint` is a SHA-256 of all of it: equal data have equal fingerprints.
    """

    folder: Path
    n_users: int
    n_movies: int
    n_ratings: int
    scale: tuple[float, float]
    fingerprint: str
    report: ImportReport


def import_dataset(
    source: Source,
    folder: Path,
    options: ImportOptions = ImportOptions(),
    progress: Progress | None = None,
) -> Dataset:
    """Read and check the files of `source` and write them as indexed arrays into `folder`.

    All valid ratings of known movies are kept; of several by one user for one movie the latest
    counts (the latest timestamp, then the later row). While it runs it needs 1.5 times the disk
    space of the ratings file. `folder` is created if needed; after an error it holds what it held
    before. `progress` is called with ``"import"`` and the fraction that is done.

    Raises:
        DataError: the input cannot be used (names file, row and column), or `folder` cannot be
            written.
        SettingsError: the memory limit is too low for these data.
    """
    allowance = Allowance.find(options.memory_limit)
    folder = Path(folder)
    scratch = folder / "import.tmp"
    existed = folder.exists()
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        with contextlib.closing(connect(scratch, allowance)) as connection:
            work = _Import(connection, source, scratch, options, progress or _no_progress)
            dataset = work.run(folder)
        for name in _OUTPUT + (_TIMES,) * options.keep_times:
            os.replace(scratch / name, folder / name)
    except duckdb.OutOfMemoryException as error:
        raise _too_little(allowance, error) from None
    except (duckdb.IOException, duckdb.TransactionException, OSError) as error:
        if "failed to pin block" in str(error):  # memory again, when a table is committed
            raise _too_little(allowance, error) from None
        raise DataError(
            f"{folder} cannot be written: {str(error).splitlines()[0]}; make room there"
        ) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if not existed:
            with contextlib.suppress(OSError):  # not empty: all went well
                folder.rmdir()
    return dataset


class _Import:
    """One import, step by step; `scratch` holds DuckDB's database, and the output until the end.

    The tables: ``movies``, ``tags`` and ``ratings`` as staged; ``movie_index`` and ``user_index``
    with each id and its position; ``indexed``, the ratings of known movies by those positions.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        source: Source,
        scratch: Path,
        options: ImportOptions,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._source = source
        self._scratch = scratch
        self._options = options
        self._progress = progress
        self._read = 0.0
        self._hash = hashlib.sha256()

    def run(self, folder: Path) -> Dataset:
        self._progress("import", 0.0)
        movies = self._stage(self._source.movies, "movie_id")
        tags = self._stage(self._source.tags) if self._source.tags else None
        self._index("movie", "SELECT movie_id, min(rowid) AS first_row FROM movies GROUP BY ALL")
        n_movies = self._count("movie_index")

        ratings = self._stage(self._source.ratings, "user_id", "movie_id")
        scale = find_scale(self._connection, ratings, self._options.scale)
        self._index(
            "user", "SELECT DISTINCT user_id FROM ratings SEMI JOIN movie_index USING (movie_id)"
        )
        follow(self._connection, _INDEXED, None, self._part(_CHECKED, _JOINED))
        known = self._count("indexed")
        if not known:
            raise DataError(self._nothing_left())
        # The largest step comes before those that leave memory behind in Python and Arrow.
        counts, rated = self._write_history(known, n_movies)
        self._write_users(counts)
        self._write_movies(tags)
        self._progress("import", 1.0)

        n_ratings = int(counts.sum())
        report = ImportReport(
            files=tuple(file.path.name for file in self._source.files),
            ratings_read=ratings.rows,
            ratings_kept=n_ratings,
            duplicates_replaced=known - n_ratings,
            unknown_movie_ratings=ratings.rows - known,
            users=len(counts),
            movies=n_movies,
            movies_without_ratings=n_movies - int(rated.sum()),
            movies_without_title=self._count(
                "movie_index JOIN movies ON movies.rowid = first_row WHERE title IS NULL"
            ),
            duplicate_movies=movies.rows - n_movies,
            tags_read=tags.rows if tags else 0,
            unknown_movie_tags=(
                self._count("tags ANTI JOIN movie_index USING (movie_id)") if tags else 0
            ),
        )
        fingerprint = self._hash.hexdigest()
        return Dataset(folder, len(counts), n_movies, n_ratings, scale, fingerprint, report)

    def _part(self, low: float, high: float) -> Told:
        """Tells of a step that goes on from the fraction `low` of the import to `high`."""
        self._progress("import", low)
        return lambda fraction: self._progress("import", low + (high - low) * fraction)

    def _size(self, file: TableFile) -> float:
        """The file's share of the bytes of all files."""
        sizes = {one.path: one.path.stat().st_size for one in self._source.files}
        return sizes[file.path] / max(1, sum(sizes.values()))

    def _stage(self, file: TableFile, *filled: str) -> Staged:
        """The file as a table, after seeing that the columns `filled` are so in every row."""
        part = self._part(_STAGED * self._read, _STAGED * (self._read + self._size(file)))
        staged = stage(self._connection, file, self._options.encoding, self._scratch, part)
        self._read += self._size(file)
        for column in filled:
            empty, long = self._row(
                f"SELECT min(rowid) FILTER ({column} IS NULL), "
                f"min(rowid) FILTER (strlen({column}) > {LONGEST_ID}) FROM {staged.table}"
            )
            if empty is not None:
                raise DataError(
                    f"{staged.place(empty)}: {column} is empty; fill it or remove the row"
                )
            if long is not None:
                raise DataError(
                    f"{staged.place(long)}: {column} has more than {LONGEST_ID} bytes; "
                    "shorten it or remove the row"
                )
        return staged

    def _index(self, what: str, query: str) -> None:
        """Number the ids that `query` selects: in the order of integers if all are, else of text.

        Ids stay text in DuckDB, so that "007" never meets "7".
        """
        column = f"{what}_id"
        whole = f"bool_and(try_cast({column} AS BIGINT)::VARCHAR IS NOT DISTINCT FROM {column})"
        key = f"{column}::BIGINT" if self._row(f"SELECT {whole} FROM ({query})")[0] else column
        self._connection.execute(
            f"CREATE TABLE {what}_index AS "
            f"SELECT *, (row_number() OVER (ORDER BY {key}) - 1)::INTEGER AS position, "
            f"{key} AS typed_id FROM ({query})"
        )

    def _write_movies(self, tags: Staged | None) -> None:
        """Write ``movies.parquet``: what is known of each movie."""
        self._connection.execute(_MOST_USED_TAGS if tags else _NO_TAGS)
        whole = self._row("SELECT typeof(typed_id) = 'BIGINT' FROM movie_index LIMIT 1")[0]
        schema = movie_schema(pa.int64() if whole else pa.string())
        with pq.ParquetWriter(self._scratch / "movies.parquet", schema, compression="zstd") as file:
            for batch in self._movie_batches():
                rows = [movie_row(raw) for raw in batch.to_pylist()]
                self._hash.update("".join(json.dumps(row) + "\n" for row in rows).encode())
                file.write_batch(pa.RecordBatch.from_pylist(rows, schema))

    def _movie_batches(self) -> Iterator[pa.RecordBatch]:
        """The movies in order. Sorted are only so many at once as have a few MB of text."""
        texts = ("title", "genres", "year", "plot", "tags", "country", "runtime", '"cast"')
        lengths = " + ".join(f"coalesce(strlen({text}), 0)" for text in texts)
        longest = self._row(f"SELECT max({lengths}) FROM movies")[0]
        step = _SORTED_AT_ONCE // (longest + _TAGS_OF_A_MOVIE)
        for first in range(0, self._count("movie_index"), step):
            yield from self._batches(
                "SELECT typed_id AS movie_id, title, genres, year, plot, movies.tags, country, "
                "runtime, movies.cast, user_tags FROM movie_index "
                "JOIN movies ON movies.rowid = first_row "
                "LEFT JOIN most_used_tags ON most_used_tags.movie_id = movies.movie_id "
                f"WHERE position >= {first} AND position < {first + step} ORDER BY position",
                _MOVIES_PER_BATCH,
            )

    def _write_history(self, known: int, n_movies: int) -> tuple[np.ndarray, np.ndarray]:
        """Write ``history_*.npy``; see `write_history` for what comes back."""
        n_users = self._count("user_index")  # not while the result below is open
        times = ""
        if self._options.keep_times:
            if missing := self._count("indexed WHERE seconds IS NULL"):
                raise DataError(
                    f"{self._source.ratings.path}: {missing:,} of {known:,} ratings have no "
                    "timestamp; to tell earlier from later ratings, each needs one"
                )
            times = ", round(seconds)::BIGINT AS seconds"
        batches = self._batches(
            f"SELECT user_at, movie_at, rating{times} FROM indexed "
            "ORDER BY user_at, movie_at, indexed.seconds NULLS FIRST, row",
            _RATINGS_PER_BATCH,
        )
        written = self._part(_SORTED, _WRITTEN)
        counts, rated, digest = write_history(
            batches,
            self._scratch,
            n_users,
            n_movies,
            lambda read: written(read / known),
        )
        self._hash.update(digest)
        return counts, rated

    def _write_users(self, counts: np.ndarray) -> None:
        """Write ``users.parquet``: each user's id and number of ratings."""
        batches = self._batches(
            "SELECT typed_id AS user_id FROM user_index ORDER BY position", _RATINGS_PER_BATCH
        )
        schema = batches.schema.append(pa.field("n_ratings", pa.int32()))
        written = 0
        with pq.ParquetWriter(self._scratch / "users.parquet", schema, compression="zstd") as file:
            for batch in batches:
                ids = batch.column(0)
                self._hash.update("".join(f"{one!r}\n" for one in ids.to_pylist()).encode())
                these = counts[written : written + len(ids)]
                file.write_batch(pa.RecordBatch.from_arrays([ids, pa.array(these)], schema=schema))
                written += len(ids)

    def _nothing_left(self) -> str:
        rated = self._row("SELECT movie_id FROM ratings LIMIT 1")[0]
        listed = self._row("SELECT movie_id FROM movies LIMIT 1")[0]
        return (
            f"{self._source.ratings.path}: no rating is left, none of the movies (such as "
            f"{rated!r}) is in {self._source.movies.path} (which has such as {listed!r}); "
            "check that --ratings and --movies belong together"
        )

    def _batches(self, query: str, rows: int) -> pa.RecordBatchReader:
        # A relation streams; what execute() returns would hold the whole result in memory.
        return self._connection.sql(query).to_arrow_reader(rows)

    def _count(self, table: str) -> int:
        return int(self._row(f"SELECT count(*) FROM {table}")[0])

    def _row(self, query: str) -> tuple[Any, ...]:
        (row,) = self._connection.execute(query).fetchall()
        return tuple(row)


def _too_little(allowance: Allowance, error: Exception) -> SettingsError:
    return allowance.too_little(f"reading these data failed ({str(error).splitlines()[0]})")


def _no_progress(stage: str, fraction: float) -> None:
    pass
