"""The movies and their tags, staged in DuckDB and written once, whoever reads the ratings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from recommender.dataset.database import batches, count_rows, fetch_row, index_ids
from recommender.dataset.movie_rows import MAX_TAGS, movie_row, movie_schema
from recommender.dataset.sources import TableFile
from recommender.dataset.staging import StagingTable

_MOVIES_PER_BATCH = 256  # a plot may have 4,000 characters
_SORTED_AT_ONCE = 8 << 20
_TAGS_OF_A_MOVIE = 1 << 10
_IDS_PER_BATCH = 50_000

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


class Hash(Protocol):
    """A hash of `hashlib`."""

    def update(self, data: bytes, /) -> None: ...


class MovieTables:
    """The tables ``movies`` and, if there are any, ``tags``; and ``movie_index``, each movie once.

    Args:
        connection: from `database.connect`.
        movies, tags: the files; `tags` is None where there are none.
        stage_file: brings a file into the database; see `staging.load_staging_table`.

    Attributes:
        n_movies: how many movies there are.

    Raises:
        DataError: a file cannot be used.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        movies: TableFile,
        tags: TableFile | None,
        stage_file: Callable[[TableFile], StagingTable],
    ) -> None:
        self._connection = connection
        self._movies = stage_file(movies)
        self._tags = stage_file(tags) if tags else None
        query = "SELECT movie_id, min(rowid) AS first_row FROM movies GROUP BY ALL"
        index_ids(connection, "movie", query)
        self.n_movies = count_rows(connection, "movie_index")

    def ids(self) -> pa.Table:
        """Return the ids as text, column ``movie_id``; a row's position is the movie's index."""
        query = "SELECT movie_id FROM movie_index ORDER BY position"
        return batches(self._connection, query, _IDS_PER_BATCH).read_all()

    def example(self) -> str:
        """Return the id of a movie, for an error message."""
        return str(fetch_row(self._connection, "SELECT movie_id FROM movies LIMIT 1")[0])

    def report(self, rated: int) -> dict[str, int]:
        """Return the counts of movies and tags in `ImportReport`.

        Args:
            rated: how many movies have ratings.
        """
        untitled = "movie_index JOIN movies ON movies.rowid = first_row WHERE title IS NULL"
        unknown = "tags ANTI JOIN movie_index USING (movie_id)"
        return {
            "movies": self.n_movies,
            "movies_without_ratings": self.n_movies - rated,
            "movies_without_title": count_rows(self._connection, untitled),
            "duplicate_movies": self._movies.rows - self.n_movies,
            "tags_read": self._tags.rows if self._tags else 0,
            "unknown_movie_tags": count_rows(self._connection, unknown) if self._tags else 0,
        }

    def write(self, path: Path, digest: Hash) -> None:
        """Write ``movies.parquet``, what is known of each movie; `digest` takes it all in."""
        self._connection.execute(_MOST_USED_TAGS if self._tags else _NO_TAGS)
        query = "SELECT typeof(typed_id) = 'BIGINT' FROM movie_index LIMIT 1"
        schema = movie_schema(pa.int64() if fetch_row(self._connection, query)[0] else pa.string())
        with pq.ParquetWriter(path, schema, compression="zstd") as file:
            for batch in self._batches():
                rows = [movie_row(raw) for raw in batch.to_pylist()]
                digest.update("".join(json.dumps(row) + "\n" for row in rows).encode())
                file.write_batch(pa.RecordBatch.from_pylist(rows, schema))

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """The movies in order. Sorted are only so many at once as have a few MB of text."""
        texts = ("title", "genres", "year", "plot", "tags", "country", "runtime", '"cast"')
        lengths = " + ".join(f"coalesce(strlen({text}), 0)" for text in texts)
        longest: Any = fetch_row(self._connection, f"SELECT max({lengths}) FROM movies")[0]
        step = _SORTED_AT_ONCE // (longest + _TAGS_OF_A_MOVIE)
        for first in range(0, self.n_movies, step):
            yield from batches(
                self._connection,
                "SELECT typed_id AS movie_id, title, genres, year, plot, movies.tags, country, "
                "runtime, movies.cast, user_tags FROM movie_index "
                "JOIN movies ON movies.rowid = first_row "
                "LEFT JOIN most_used_tags ON most_used_tags.movie_id = movies.movie_id "
                f"WHERE position >= {first} AND position < {first + step} ORDER BY position",
                _MOVIES_PER_BATCH,
            )
