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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recommender.dataset.history_files import write_history
from recommender.dataset.movie_rows import MAX_TAGS, movie_row, movie_schema
from recommender.dataset.rating_scale import find_scale
from recommender.dataset.sources import Source, TableFile
from recommender.dataset.staging import Staged, stage
from recommender.dataset.textfiles import check_encoding
from recommender.errors import DataError, SettingsError

Progress = Callable[[str, float], None]

_OUTPUT = (
    *("movies.parquet", "users.parquet"),
    *("history_offsets.npy", "history_movies.npy", "history_ratings.npy"),
)
_TIMES = "history_times.npy"
_MOVIES_PER_BATCH = 2048
_RATINGS_PER_BATCH = 50_000
_MIN_MEMORY_MB = 64

# When a rating was given: seconds, or any date and time that DuckDB can read.
_SECONDS = "coalesce(try_cast(timestamp AS DOUBLE), epoch(try_cast(timestamp AS TIMESTAMP)))"

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
        memory_limit_mb: what DuckDB may use; the process needs about 110 MB beside it.
        keep_times: also write when each rating was given.
    """

    encoding: str | None = None
    scale: tuple[float, float] | None = None
    memory_limit_mb: int = 100
    keep_times: bool = False

    def __post_init__(self) -> None:
        if self.encoding is not None:
            check_encoding(self.encoding)
        if self.scale is not None:
            low, high = self.scale
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise SettingsError(f"--scale {low:g}-{high:g}: give LOW-HIGH, such as 0.5-5")
        if self.memory_limit_mb < _MIN_MEMORY_MB:
            raise SettingsError(
                f"--memory-limit {self.memory_limit_mb}: give at least {_MIN_MEMORY_MB} (MB)"
            )


@dataclass(frozen=True)
class ImportReport:
    """What was read, what was kept and what was not; all but `files` are counts."""

    files: tuple[str, ...]
    ratings_read: int
    ratings_kept: int
    duplicates_replaced: int
    unknown_movie_ratings: int
    users: int
    movies: int
    movies_without_ratings: int
    movies_without_title: int
    duplicate_movies: int
    tags_read: int
    unknown_movie_tags: int

    def lines(self) -> list[str]:
        """The report for people, one line a fact; what did not happen is left out."""
        facts = (
            (
                self.duplicates_replaced,
                "ratings replaced by a later one of the same user and movie",
            ),
            (self.unknown_movie_ratings, "ratings left out: their movie is not in the catalogue"),
            (
                self.duplicate_movies,
                "catalogue rows left out: an earlier row has the same movie id",
            ),
            (self.movies_without_title, 'movies without a title, shown as "Movie" and their id'),
            (self.movies_without_ratings, "movies that nobody has rated"),
            (self.tags_read, "tags read"),
            (self.unknown_movie_tags, "tags left out: their movie is not in the catalogue"),
        )
        return [
            f"files: {', '.join(self.files)}",
            f"{self.ratings_kept:,} of {self.ratings_read:,} ratings kept: "
            f"{self.users:,} users, {self.movies:,} movies in the catalogue",
            *(f"{count:,} {fact}" for count, fact in facts if count),
        ]


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
    folder = Path(folder)
    scratch = folder / "import.tmp"
    existed = folder.exists()
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        with contextlib.closing(_connect(scratch, options.memory_limit_mb)) as connection:
            work = _Import(connection, source, scratch, options, progress or _no_progress)
            dataset = work.run(folder)
        for name in _OUTPUT + (_TIMES,) * options.keep_times:
            os.replace(scratch / name, folder / name)
    except duckdb.OutOfMemoryException as error:
        raise SettingsError(
            f"--memory-limit {options.memory_limit_mb} is too low for these data "
            f"({str(error).splitlines()[0]}); give more"
        ) from None
    except (duckdb.IOException, duckdb.TransactionException, OSError) as error:
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
        self._hash = hashlib.sha256()

    def run(self, folder: Path) -> Dataset:
        self._progress("import", 0.0)
        movies = self._stage(self._source.movies, "movie_id")
        tags = self._stage(self._source.tags) if self._source.tags else None
        self._index("movie", "SELECT movie_id, min(rowid) AS first_row FROM movies GROUP BY ALL")
        n_movies = self._count("movie_index")
        self._progress("import", 0.02)

        ratings = self._stage(self._source.ratings, "user_id", "movie_id")
        self._progress("import", 0.4)
        scale = find_scale(self._connection, ratings, self._options.scale)
        self._index(
            "user", "SELECT DISTINCT user_id FROM ratings SEMI JOIN movie_index USING (movie_id)"
        )
        self._connection.execute(_INDEXED)
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

    def _stage(self, file: TableFile, *filled: str) -> Staged:
        """The file as a table, after seeing that the columns `filled` are so in every row."""
        staged = stage(self._connection, file, self._options.encoding, self._scratch)
        for column in filled:
            found = self._row(f"SELECT min(rowid) FROM {staged.table} WHERE {column} IS NULL")
            if found[0] is not None:
                raise DataError(
                    f"{staged.place(found[0])}: {column} is empty; fill it or remove the row"
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
        batches = self._batches(
            "SELECT typed_id AS movie_id, title, genres, year, plot, movies.tags, country, "
            "runtime, movies.cast, user_tags FROM movie_index "
            "JOIN movies ON movies.rowid = first_row "
            "LEFT JOIN most_used_tags ON most_used_tags.movie_id = movies.movie_id "
            "ORDER BY position",
            _MOVIES_PER_BATCH,
        )
        schema = movie_schema(batches.schema.field("movie_id").type)
        with pq.ParquetWriter(self._scratch / "movies.parquet", schema, compression="zstd") as file:
            for batch in batches:
                rows = [movie_row(raw) for raw in batch.to_pylist()]
                self._hash.update("".join(json.dumps(row) + "\n" for row in rows).encode())
                file.write_batch(pa.RecordBatch.from_pylist(rows, schema))

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
        counts, rated, digest = write_history(
            batches,
            self._scratch,
            n_users,
            n_movies,
            lambda read: self._progress("import", 0.7 + 0.25 * read / known),
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


def _connect(scratch: Path, memory_limit_mb: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        scratch / "import.duckdb",
        config={
            "memory_limit": f"{memory_limit_mb}MiB",
            "threads": 2,
            "temp_directory": str(scratch / "spill"),
            "preserve_insertion_order": True,  # a row's rowid is its place in the file
            "autoinstall_known_extensions": False,
        },
    )
    connection.execute("SET enable_progress_bar = false")
    connection.execute("PRAGMA disable_checkpoint_on_shutdown")  # the database is thrown away
    return connection


def _no_progress(stage: str, fraction: float) -> None:
    pass
