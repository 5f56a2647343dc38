"""Ratings of any size, read, checked and indexed by Spark; the same data set comes out as from
`dataset.import_dataset`.

The ratings stay on the executors; past the driver, onto its disk, they go a partition at a time.
Where one user or one movie has a large share of them no task waits for it: duplicates are resolved
by (user, movie), and what is left of a user is at most one rating for each movie.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from recommender.core.errors import DataError, SettingsError
from recommender.core.progress import Progress, StageProgress, no_progress, of_stage, scaled
from recommender.dataset.database import batches, import_database
from recommender.dataset.history_files import write_history
from recommender.dataset.id_matching import ALIASES, MAX_QUIET, Unmatched, find_aliases
from recommender.dataset.import_report import ImportReport
from recommender.dataset.importing import Dataset, ImportOptions, write_users
from recommender.dataset.movie_tables import MovieTables
from recommender.dataset.rating_scale import is_unrated, refuse_count_column
from recommender.dataset.sources import TableFile, table_file
from recommender.dataset.staging import StagingTable, load_staging_table
from recommender.settings.memory_budget import MemoryBudget
from recommender.spark.blocks import PACKED, pack_ratings, ratings_of
from recommender.spark.driver_rows import driver_rows, unpacked
from recommender.spark.files import FileSystem
from recommender.spark.jobs import run_jobs
from recommender.spark.partitions import Batches, count_users, distinct_keys, number_users
from recommender.spark.rating_checks import UNREADABLE, check_ratings
from recommender.spark.reading import PLACE, find_style, read_ratings, with_times
from recommender.spark.sources import SparkSource

_MAX_RATINGS_A_PARTITION = 1 << 21
_MIN_RATINGS_A_PARTITION = 1 << 16  # in a partition, if there are so many
_IDS_PER_BATCH = 50_000
# The file of the ids of the ratings where they are joined to those of the movies.
_JOINED = "joined_ids.parquet"
# How far the import is when the steps end.
_CATALOGUED, _CHECKED, _SORTED, _INDEXED, _WRITTEN = 0.03, 0.3, 0.7, 0.8, 0.95


@dataclass(frozen=True)
class IndexedRatings:
    """The ratings on the executors.

    Attributes:
        ratings: packed blocks (`spark.blocks`) in the order of users and of their movies, without
            duplicates; persisted. Partitions by ranges of users have about equally many *ratings*,
            as Spark draws their bounds from a sample of rows: a user who rated everything fills one
            alone, and a movie that everybody rated is spread over all of them.
        keys: columns key (the user's id, bigint or text), movie and rating, in the same order;
            persisted until `release`.
        n_users: how many users there are.
        n_ratings: how many ratings.
    """

    ratings: DataFrame
    keys: DataFrame
    n_users: int
    n_ratings: int

    def release(self) -> None:
        """Give back the memory of `keys`, which is no longer needed."""
        self.keys.unpersist()


def import_dataset(
    spark: SparkSession,
    source: SparkSource,
    folder: Path,
    options: ImportOptions,
    progress: StageProgress = no_progress,
) -> tuple[Dataset, DataFrame]:
    """Read and check the files of `source` and write them as indexed arrays into `folder`.

    Driver's memory: one partition of 2^21 ratings, one integer a user, one id a movie.

    Returns:
        The data set, with the fingerprint that the local import gives the same data, and its
        ratings, see `IndexedRatings`.

    Raises:
        DataError: the input cannot be used (names file and row), or `folder` cannot be written.
        SettingsError: the memory limit is too low for the movies, or times are to be kept.
    """
    if options.keep_times:
        raise SettingsError("Spark does not keep the times of ratings; import with --engine local")
    folder = Path(folder)
    with import_database(folder, MemoryBudget.find(options.memory_limit)) as (connection, scratch):
        files = FileSystem(spark)
        done = of_stage(progress, "import")
        done(0.0)

        def stage_file(file: TableFile) -> StagingTable:
            return load_staging_table(
                connection, file, options.encoding, scratch, strict=options.strict
            )

        with _fetched(files, source, scratch / "fetched") as tables:
            movies = MovieTables(connection, *tables, stage_file)
        ratings, use = read_ratings(spark, files, source.ratings, options.encoding)
        unrated = 0
        if options.unrated:
            condition = is_unrated(options.unrated, "value")
            unrated = ratings.where(condition).count()
            ratings = ratings.where(f"NOT ({condition})")
        index = _positions(movies.ids())
        rows = _with_movies(spark, ratings, index)
        checking = scaled(done, _CATALOGUED, _CHECKED)
        if options.scale is None:
            refuse_count_column(source.ratings, use)
        found = check_ratings(rows, source.ratings, options.scale, checking)
        joined = None
        if found.rows - found.known > MAX_QUIET * found.rows:
            joined = _join_ids(connection, ratings, source)
        if joined:
            index = _aliases(connection)
            pq.write_table(index, scratch / _JOINED)
            rows = _with_movies(spark, ratings, index)
            found = check_ratings(rows, source.ratings, options.scale)
        unknown = found.rows - found.known
        (rated,) = (
            rows.where("movie IS NULL").agg(F.min("movie_id")).collect()[0] if unknown else ("",)
        )
        notes = Unmatched(
            source.ratings, source.movies, unknown, found.rows, str(rated), movies.example()
        ).check(options.allow_unmatched)
        rows = with_times(rows, found.dates)
        indexed = index_ratings(rows, found.known, found.integers, scaled(done, _CHECKED, _INDEXED))
        written = scaled(done, _INDEXED, _WRITTEN)
        counts, rated, digest = write_history(
            map(ratings_of, driver_rows(indexed.ratings)),
            scratch,
            indexed.n_users,
            movies.n_movies,
            lambda read: written(read / indexed.n_ratings),
        )
        fingerprint = hashlib.sha256(digest)
        write_users(_users(indexed, found.integers), counts, scratch / "users.parquet", fingerprint)
        indexed.release()
        movies.write(scratch / "movies.parquet", fingerprint)
        report = ImportReport(
            files=tuple(PurePosixPath(path).name for _, path in source.files),
            columns=(use, *movies.uses()),
            ratings_read=found.rows + unrated,
            ratings_kept=indexed.n_ratings,
            duplicates_replaced=found.known - indexed.n_ratings,
            unknown_movie_ratings=found.rows - found.known,
            unrated=unrated,
            unreadable_times=found.unreadable_times,
            unreadable_time=found.unreadable_time,
            users=indexed.n_users,
            notes=(*([joined] if joined else []), *notes),
            **movies.report(int(rated.sum())),
        )
    done(1.0)
    dataset = Dataset(
        folder,
        indexed.n_users,
        movies.n_movies,
        indexed.n_ratings,
        found.scale,
        fingerprint.hexdigest(),
        report,
    )
    return dataset, indexed.ratings


def read_again(
    spark: SparkSession, source: SparkSource, folder: Path, options: ImportOptions
) -> DataFrame:
    """Read once more, on the executors, the ratings that an earlier `import_dataset` of the same
    data wrote into `folder`."""
    if (folder / _JOINED).is_file():
        index = pq.read_table(folder / _JOINED)
    else:
        ids = pq.read_table(folder / "movies.parquet", columns=["movie_id"]).column(0)
        index = _positions(pa.table({"movie_id": ids.cast(pa.string())}))
    ratings, _ = read_ratings(spark, FileSystem(spark), source.ratings, options.encoding)
    if options.unrated:
        ratings = ratings.where(f"NOT ({is_unrated(options.unrated, 'value')})")
    rows = _with_movies(spark, ratings, index)
    with pq.ParquetFile(folder / "users.parquet") as users:
        integers = pa.types.is_integer(users.schema_arrow.field("user_id").type)
        known = sum(
            int(batch.column(0).to_numpy().sum())
            for batch in users.iter_batches(columns=["n_ratings"])
        )
    indexed = index_ratings(with_times(rows, find_style(rows)), known, integers)
    indexed.release()
    return indexed.ratings


def index_ratings(
    rows: DataFrame, known: int, integers: bool, progress: Progress = no_progress
) -> IndexedRatings:
    """Number the users, in the order of integers if all ids are, else of text, and keep the latest
    of each user's ratings of a movie: the latest timestamp, then the later row; the later row alone
    where the time of one of them cannot be read.

    Args:
        rows: from `reading.read_ratings`, with the column ``movie``, null where unknown.
        known: about how many ratings are of known movies.
        integers: whether the ids of all users are integers.
    """
    context = rows.sparkSession.sparkContext
    fewest = min(context.defaultParallelism, -(-known // _MIN_RATINGS_A_PARTITION))
    n_partitions = max(fewest, -(-known // _MAX_RATINGS_A_PARTITION))
    key = F.col("user_id").cast("bigint") if integers else F.col("user_id")
    by_time = F.max_by("value", F.struct("millis", *PLACE))
    last = F.max_by("value", F.struct(*PLACE))
    latest = F.when(F.bool_or(F.expr(UNREADABLE)), last).otherwise(by_time).cast("float")
    keys = (
        rows.where("movie IS NOT NULL")
        .groupBy(key.alias("key"), "movie")
        .agg(latest.alias("rating"))
        .repartitionByRange(n_partitions, "key")
        .sortWithinPartitions("key", "movie")
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    share = (_SORTED - _CHECKED) / (_INDEXED - _CHECKED)
    kind = "bigint" if integers else "string"
    counted = keys.mapInArrow(count_users, f"key {kind}, users bigint, ratings bigint")
    counts = run_jobs(context, counted.collect, scaled(progress, 0.0, share), jobs=3)
    counts.sort()  # text as Spark has it: UTF-8 is in the order of code points
    ends = np.cumsum([row.users for row in counts]).tolist()
    first_users = {row.key: end - row.users for row, end in zip(counts, ends, strict=True)}

    def number(batches: Batches) -> Iterator[pa.RecordBatch]:
        return pack_ratings(number_users(first_users, batches))

    ratings = keys.mapInArrow(number, PACKED).persist(StorageLevel.MEMORY_AND_DISK)
    run_jobs(context, ratings.count, scaled(progress, share, 1.0))
    return IndexedRatings(ratings, keys, ends[-1], sum(row.ratings for row in counts))


def _with_movies(spark: SparkSession, rows: DataFrame, index: pa.Table) -> DataFrame:
    """`rows` with the index of their movies; they stay where they are, `index` goes to them."""
    return rows.join(F.broadcast(spark.createDataFrame(index)), "movie_id", "left")


def _positions(ids: pa.Table) -> pa.Table:
    """Return the ids of movies, column ``movie_id``, with the index of each, column ``movie``."""
    return ids.append_column("movie", pa.array(np.arange(len(ids), dtype=np.int32)))


def _join_ids(
    connection: duckdb.DuckDBPyConnection, ratings: DataFrame, source: SparkSource
) -> str | None:
    """Look for the movies that the ratings mean by other ids; see `id_matching.find_aliases`.

    Driver's memory: the ids of all movies that are rated, each once.
    """
    counted = ratings.groupBy(F.col("movie_id").alias("rated")).agg(F.count("*").alias("n"))
    connection.from_arrow(counted.toArrow()).create("rated")
    return find_aliases(connection, PurePosixPath(source.links).name if source.links else None)


def _aliases(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return the ids of the ratings with the index of the movie that each is joined to."""
    query = (
        "SELECT rated AS movie_id, position AS movie "
        f"FROM {ALIASES} JOIN movie_index ON movie_index.movie_id = {ALIASES}.movie"
    )
    return batches(connection, query, _IDS_PER_BATCH).read_all()


def _users(indexed: IndexedRatings, integers: bool) -> pa.RecordBatchReader:
    schema = pa.schema({"user_id": pa.int64() if integers else pa.string()})
    packed = indexed.keys.mapInArrow(distinct_keys, "packed binary")
    return pa.RecordBatchReader.from_batches(schema, unpacked(packed))


@contextmanager
def _fetched(
    files: FileSystem, source: SparkSource, folder: Path
) -> Iterator[tuple[TableFile, TableFile | None, TableFile | None, TableFile | None]]:
    """The movies, tags, links and titles on the driver's disk; what is said of a copy names the
    original.

    Raises:
        DataError: one of them is no single file, or an error in the block.
    """
    copies: dict[str, str] = {}
    tables: dict[str, TableFile] = {}
    try:
        for kind, path in source.files[1:]:
            found = files.find(path, kind)
            if len(found) > 1:
                raise DataError(f"{path} holds {len(found)} files; --{kind} needs one")
            copy = files.fetch(found[0], folder / kind)
            copies[str(copy)] = path
            tables[kind] = table_file(copy, kind)
        tags, links, titles = (tables.get(kind) for kind in ("tags", "links", "titles"))
        yield tables["movies"], tags, links, titles
    except DataError as error:
        message = str(error)
        for copy_name, path in copies.items():
            message = message.replace(copy_name, path)
        raise DataError(message) from None
