"""Ratings and movies from files, checked and indexed, as arrays on disk.

The ratings go through DuckDB and never stand in Python's memory: they are copied into a temporary
database, checked there, sorted there, and written batch by batch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recommender.bundle.feedback import COUNTS, FEEDBACK, STARS
from recommender.core.errors import DataError, SettingsError, one_line
from recommender.core.progress import Progress, StageProgress, no_progress, of_stage, scaled
from recommender.core.time_forms import date_style
from recommender.dataset.database import (
    batches,
    count_rows,
    fetch_row,
    import_database,
    index_ids,
    run_query,
)
from recommender.dataset.history_files import write_history
from recommender.dataset.id_matching import MAX_QUIET, Unmatched, join_ids, unjoined
from recommender.dataset.import_report import ImportReport
from recommender.dataset.movie_tables import Hash, MovieTables
from recommender.dataset.rating_scale import (
    COUNT_AS_RATING,
    DELETE_UNRATED,
    MAX_RATING,
    check_unrated,
    find_scale,
    rating_values,
)
from recommender.dataset.sources import Source, TableFile
from recommender.dataset.staging import StagingTable, load_staging_table
from recommender.dataset.text_files import check_encoding
from recommender.dataset.times import MAX_TIME_LENGTH, evidence, seconds
from recommender.settings.memory_budget import MIN_DATABASE, MemoryBudget

_RATINGS_PER_BATCH = 50_000

# How far the import is when the steps end, in shares of the time that 32 million ratings take.
_STAGED, _CHECKED, _JOINED, _SORTED, _WRITTEN = 0.56, 0.66, 0.8, 0.83, 0.95

# A table of its own: joining and sorting at once needs more memory.
_INDEXED = """
    CREATE TABLE indexed AS
    SELECT user_index.position AS user_at, movie_index.position AS movie_at,
        ({rating})::FLOAT AS rating, {seconds} AS seconds, ratings.rowid AS row
    FROM ratings JOIN user_index USING (user_id) JOIN movie_index USING (movie_id)
"""
_MOVIES_AS_USERS = "ratings SEMI JOIN movie_index ON ratings.user_id = movie_index.movie_id"
# Of ratings of which one has a time that cannot be read, none is known to be the latest.
_UNREADABLE = """
    FROM indexed JOIN ratings ON ratings.rowid = indexed.row
    WHERE seconds IS NULL AND timestamp IS NOT NULL
"""
_FORGET_TIMES = f"""
    UPDATE indexed SET seconds = NULL WHERE seconds IS NOT NULL
    AND (user_at, movie_at) IN (SELECT (user_at, movie_at) {_UNREADABLE})
"""


@dataclass(frozen=True)
class ImportOptions:
    """ImportOptions say how to read the files.

    Attributes:
        encoding: of the text files; None: UTF-8, or Latin-1 where MovieLens uses it.
        scale: lowest and highest rating; None: detected.
        memory_limit: bytes that the whole process may take; None: what `MemoryBudget.find` finds.
        keep_times: also write when each rating was given.
        unrated: values in the place of a rating that say that there is none: numbers, words such as
            "NA", and "empty". Such rows are left out and counted.
        strict: refuse a broken row of the movies, tags or links, which is left out otherwise.
        allow_unmatched: train even where the catalogue lacks the movies of most ratings.
        feedback: ``stars``, or ``counts`` of how often a user watched a movie, which become their
            logarithms.
    """

    encoding: str | None = None
    scale: tuple[float, float] | None = None
    memory_limit: int | None = None
    keep_times: bool = False
    unrated: tuple[str, ...] = ()
    strict: bool = False
    allow_unmatched: bool = False
    feedback: str = STARS

    def __post_init__(self) -> None:
        if self.feedback not in FEEDBACK:
            raise SettingsError(f"--feedback {self.feedback}: give stars or counts")
        if self.feedback == COUNTS and self.scale is not None:
            raise SettingsError("--feedback counts has no --scale; leave it out")
        if self.encoding is not None:
            check_encoding(self.encoding)
        if self.scale is not None:
            low, high = self.scale
            if not -MAX_RATING <= low < high <= MAX_RATING:
                raise SettingsError(f"--scale {low:g}-{high:g}: give LOW-HIGH, such as 0.5-5")
        check_unrated(self.unrated)
        if self.memory_limit is not None:
            MemoryBudget.find(self.memory_limit)


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
    progress: StageProgress = no_progress,
) -> Dataset:
    """Read and check the files of `source` and write them as indexed arrays into `folder`.

    All valid ratings of known movies are kept; of several by one user for one movie the latest
    counts (the latest timestamp, then the later row; the later row alone where one of them has a
    time that cannot be read). While it runs it needs 1.5 times the disk space of the ratings file.
    `folder` is created if needed; after an error it holds what it held before. `progress` is called
    with ``"import"`` and the fraction that is done.

    Raises:
        DataError: the input cannot be used (names file, row and column), or `folder` cannot be
            written.
        SettingsError: the memory limit is too low for these data.
    """
    folder = Path(folder)
    with import_database(folder, MemoryBudget.find(options.memory_limit)) as (connection, scratch):
        work = _Import(connection, source, scratch, options, of_stage(progress, "import"))
        return work.run(folder)


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
        self._progress(0.0)
        source = self._source
        movies = MovieTables(
            self._connection, source.movies, source.tags, source.links, source.titles, self._stage
        )
        ratings = self._stage(self._source.ratings)
        unrated, spelled = rating_values(self._connection, self._options.unrated)
        options = self._options
        scale = find_scale(self._connection, ratings, options.scale, options.feedback, spelled)
        if unrated:
            self._connection.execute(DELETE_UNRATED)
        rows = ratings.rows - unrated
        self._seconds = self._find_times()
        unmatched, joined = self._join(movies.example()), None
        if unmatched.unknown > MAX_QUIET * rows:
            joined = join_ids(self._connection, source.links.path.name if source.links else None)
        if joined:
            self._connection.execute("DROP TABLE user_index; DROP TABLE indexed")
            unmatched = replace(self._join(movies.example()), rated=unjoined(self._connection))
        if unmatched.unknown == rows and ratings.layout and not ratings.layout.header:
            users = count_rows(self._connection, _MOVIES_AS_USERS)
            unmatched = replace(unmatched, swapped=users > MAX_QUIET * rows)
        notes = unmatched.check(self._options.allow_unmatched)
        known = rows - unmatched.unknown
        unreadable, first_unreadable = self._unreadable_times()
        # The largest step comes before those that leave memory behind in Python and Arrow.
        counts, rated = self._write_history(known, movies.n_movies)
        typed_ids = "SELECT typed_id AS user_id FROM user_index ORDER BY position"
        users = batches(self._connection, typed_ids, _RATINGS_PER_BATCH)
        write_users(users, counts, self._scratch / "users.parquet", self._hash)
        # Movies are few; what the database held of the ratings is wanted for their texts.
        self._connection.execute(f"SET memory_limit = '{MIN_DATABASE}B'")
        movies.write(self._scratch / "movies.parquet", self._hash)
        self._progress(1.0)

        n_ratings = int(counts.sum())
        found = movies.report(int(rated.sum()))
        found["broken_rows"] = (*source.broken_rows, *found["broken_rows"])
        report = ImportReport(
            files=tuple(file.name for file in self._source.files),
            columns=(ratings.use, *movies.uses()),
            ratings_read=ratings.rows,
            ratings_kept=n_ratings,
            duplicates_replaced=known - n_ratings,
            unknown_movie_ratings=rows - known,
            unrated=unrated,
            unreadable_times=unreadable,
            unreadable_time=first_unreadable,
            users=len(counts),
            notes=(*([joined] if joined else []), *notes),
            **found,
        )
        fingerprint = self._hash.hexdigest()
        return Dataset(folder, len(counts), movies.n_movies, n_ratings, scale, fingerprint, report)

    def _join(self, listed: str) -> Unmatched:
        """Number the users and write the table ``indexed``; return what has no movie."""
        index_ids(
            self._connection,
            "user",
            "SELECT DISTINCT user_id FROM ratings SEMI JOIN movie_index USING (movie_id)",
        )
        rating = COUNT_AS_RATING if self._options.feedback == COUNTS else "rating"
        query = _INDEXED.format(rating=rating, seconds=self._seconds)
        run_query(self._connection, query, None, scaled(self._progress, _CHECKED, _JOINED))
        rows, known = (count_rows(self._connection, table) for table in ("ratings", "indexed"))
        unknown = "FROM ratings ANTI JOIN movie_index USING (movie_id) SELECT min(movie_id)"
        return Unmatched(
            str(self._source.ratings.path),
            str(self._source.movies.path),
            rows - known,
            rows,
            str(fetch_row(self._connection, unknown)[0]) if known < rows else "",
            listed,
        )

    def _find_times(self) -> str:
        """Return SQL for the seconds since 1970 of a rating; null for no time.

        Null also where 64 bits cannot count the milliseconds.
        """
        aggregates = evidence()
        found = fetch_row(self._connection, f"SELECT {', '.join(aggregates.values())} FROM ratings")
        style = date_style(dict(zip(aggregates, found, strict=True)))
        number, epoch = "try_cast(timestamp AS DOUBLE)", "epoch(try_cast({} AS TIMESTAMPTZ))"
        return f"try_cast(1000 * {seconds(number, epoch, style)} AS BIGINT) / 1000"

    def _unreadable_times(self) -> tuple[int, str]:
        """Forget the times of ratings that compete with one whose time cannot be read.

        Returns:
            How many ratings have something under ``timestamp`` that is no time, and the first.
        """
        if not count_rows(self._connection, "indexed WHERE seconds IS NULL"):
            return 0, ""
        count, first = fetch_row(self._connection, f"SELECT count(*), min(row) {_UNREADABLE}")
        if not count:
            return 0, ""
        self._connection.execute(_FORGET_TIMES)
        query = f"SELECT timestamp FROM ratings WHERE rowid = {first}"
        (text,) = fetch_row(self._connection, query)
        return count, one_line(text, MAX_TIME_LENGTH)

    def _size(self, file: TableFile) -> float:
        """The file's share of the bytes of all files."""
        sizes = {one.path: one.path.stat().st_size for one in self._source.files}
        return sizes[file.path] / max(1, sum(sizes.values()))

    def _stage(self, file: TableFile) -> StagingTable:
        """The file as a table."""
        before, self._read = self._read, self._read + self._size(file)
        progress = scaled(self._progress, _STAGED * before, _STAGED * self._read)
        options = self._options
        return load_staging_table(
            self._connection, file, options.encoding, self._scratch, progress, options.strict
        )

    def _write_history(self, known: int, n_movies: int) -> tuple[np.ndarray, np.ndarray]:
        """Write ``history_*.npy``; see `write_history` for what comes back."""
        n_users = count_rows(self._connection, "user_index")  # not while the result below is open
        times = ""
        if self._options.keep_times:
            if missing := count_rows(self._connection, "indexed WHERE seconds IS NULL"):
                raise DataError(
                    f"{self._source.ratings.path}: {missing:,} of {known:,} ratings have no "
                    "timestamp; to tell earlier from later ratings, each needs one"
                )
            times = ", round(seconds)::BIGINT AS seconds"
        ratings = batches(
            self._connection,
            f"SELECT user_at, movie_at, rating{times} FROM indexed "
            "ORDER BY user_at, movie_at, indexed.seconds NULLS FIRST, row",
            _RATINGS_PER_BATCH,
        )
        written = scaled(self._progress, _SORTED, _WRITTEN)
        counts, rated, digest = write_history(
            ratings,
            self._scratch,
            n_users,
            n_movies,
            lambda read: written(read / known),
        )
        self._hash.update(digest)
        return counts, rated


def write_users(users: pa.RecordBatchReader, counts: np.ndarray, path: Path, digest: Hash) -> None:
    """Write ``users.parquet``, each user's id and number of ratings; `digest` takes the ids in.

    Args:
        users: the column user_id, int64 or text, in index order.
        counts: how many ratings each user has, int32, shape (users,).
    """
    schema = users.schema.append(pa.field("n_ratings", pa.int32()))
    written = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for batch in users:
            ids = batch.column(0)
            digest.update("".join(f"{one!r}\n" for one in ids.to_pylist()).encode())
            these = counts[written : written + len(ids)]
            file.write_batch(pa.RecordBatch.from_arrays([ids, pa.array(these)], schema=schema))
            written += len(ids)
