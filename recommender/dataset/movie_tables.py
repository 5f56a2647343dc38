"""The movies and their tags, staged in DuckDB and written once, whoever reads the ratings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from recommender.core.errors import DataError, one_line
from recommender.dataset.columns import ColumnUse
from recommender.dataset.database import batches, count_rows, fetch_row, index_ids
from recommender.dataset.id_matching import NUMBER
from recommender.dataset.lists import choose_delimiter
from recommender.dataset.movie_rows import MAX_TAGS, movie_row, movie_schema
from recommender.dataset.sources import TableFile
from recommender.dataset.staging import MAX_ID_BYTES, StagingTable

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
_LISTS = ("genres", "tags", "country", "cast")
_NO_TAGS = "CREATE TABLE most_used_tags (movie_id VARCHAR, user_tags VARCHAR[])"

# The first row that has the id counts.
_FIRST_LINKS = """
    CREATE TABLE first_links AS
    SELECT movie_id, arg_min(imdb_id, rowid) AS imdb_id, arg_min(tmdb_id, rowid) AS tmdb_id
    FROM links GROUP BY movie_id
"""
_NO_LINKS = "CREATE TABLE first_links (movie_id VARCHAR, imdb_id VARCHAR, tmdb_id VARCHAR)"

# Each row of the file of titles belongs to the movie with its IMDb or TMDB id, or else to that with
# its movie id, unless its other ids are another movie's.
_IMDB_ID = "coalesce({0}.imdb_id, CASE WHEN {1}.movie_id LIKE 'tt%' THEN {1}.movie_id END)"
_GIVEN_TITLES = f"""
    CREATE TABLE elsewhere AS
    SELECT movie_index.movie_id,
        {NUMBER.format(f"coalesce(first_links.imdb_id, {_IMDB_ID.format('movies', 'movies')})")}
        AS imdb, {NUMBER.format("coalesce(first_links.tmdb_id, movies.tmdb_id)")} AS tmdb
    FROM movie_index JOIN movies ON movies.rowid = first_row
    LEFT JOIN first_links ON first_links.movie_id = movie_index.movie_id;
    CREATE TABLE titled AS
    WITH given AS (
        SELECT rowid AS row, movie_id, titles, {NUMBER.format(_IMDB_ID.format("titles", "titles"))}
        AS imdb, {NUMBER.format("tmdb_id")} AS tmdb FROM titles
    )
    SELECT row, titles, coalesce(by_imdb.movie_id, by_tmdb.movie_id, own.movie_id) AS movie_id
    FROM given
    LEFT JOIN (
        SELECT imdb, min(movie_id) AS movie_id FROM elsewhere GROUP BY imdb HAVING count(*) = 1
    ) AS by_imdb ON by_imdb.imdb = given.imdb
    LEFT JOIN (
        SELECT tmdb, min(movie_id) AS movie_id FROM elsewhere GROUP BY tmdb HAVING count(*) = 1
    ) AS by_tmdb ON by_tmdb.tmdb = given.tmdb
    LEFT JOIN elsewhere AS own ON own.movie_id = given.movie_id
        AND coalesce(own.imdb = given.imdb, true) AND coalesce(own.tmdb = given.tmdb, true);
    CREATE TABLE first_titles AS
    SELECT movie_id, list(titles ORDER BY row) AS given_titles FROM titled
    WHERE movie_id IS NOT NULL GROUP BY movie_id
"""
_NO_TITLES = "CREATE TABLE first_titles (movie_id VARCHAR, given_titles VARCHAR[])"


def list_delimiters(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return what separates the items in each column of lists of the table ``movies``, in cells
    that are no lists themselves."""

    def delimiter(column: str) -> str:
        trimmed = f"trim(movies.{column}, ' \r\n\t')"
        plain = f"regexp_replace({trimmed}, '&[#A-Za-z0-9]+;', '', 'g')"
        cells = f"movies WHERE NOT regexp_matches({trimmed}, '^[\\[{{]')"
        return choose_delimiter(
            lambda mark: count_rows(connection, f"{cells} AND contains({plain}, '{mark}')")
        )

    return {column: delimiter(column) for column in _LISTS}


class Hash(Protocol):
    """A hash of `hashlib`."""

    def update(self, data: bytes, /) -> None:
        """Add `data` to what is hashed."""


class MovieTables:
    """The tables ``movies`` and, if there are any, ``tags``, ``links`` and ``titles``; and
    ``movie_index``, each movie once.

    Args:
        connection: from `database.connect`.
        movies, tags, links, titles: the files; None where there are none.
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
        links: TableFile | None,
        titles: TableFile | None,
        stage_file: Callable[[TableFile], StagingTable],
    ) -> None:
        self._connection = connection
        self._movies = stage_file(movies)
        self._tags = stage_file(tags) if tags else None
        self._links = stage_file(links) if links else None
        self._titles = stage_file(titles) if titles else None
        self._more = (self._tags, self._links, self._titles)
        self._linked = 0
        self._titled: Counter[str] = Counter()
        self._posters_folder = (movies.folder or movies.path.parent).resolve()
        self._missing_posters, self._missing_poster = 0, ""
        usable = f"strlen(movie_id) <= {MAX_ID_BYTES}"
        query = f"SELECT movie_id, min(rowid) AS first_row FROM movies WHERE {usable} GROUP BY ALL"
        index_ids(connection, "movie", query)
        self.n_movies = count_rows(connection, "movie_index")
        if not self.n_movies:
            why = self._movies.broken_rows.first[0]
            raise DataError(f"{movies.path} has no movie that can be used ({why})")
        self._usable = count_rows(connection, f"movies WHERE {usable}")

    def ids(self) -> pa.Table:
        """Return the ids as text, column ``movie_id``; a row's position is the movie's index."""
        query = "SELECT movie_id FROM movie_index ORDER BY position"
        return batches(self._connection, query, _IDS_PER_BATCH).read_all()

    def example(self) -> str:
        """Return the id of a movie, for an error message."""
        return str(
            fetch_row(
                self._connection, "SELECT movie_id FROM movie_index ORDER BY first_row LIMIT 1"
            )[0]
        )

    def uses(self) -> tuple[ColumnUse, ...]:
        """Return which columns were read of the files of movies, tags, links and titles."""
        return tuple(table.use for table in (self._movies, *self._more) if table)

    def report(self, rated: int) -> dict[str, Any]:
        """Return the counts of movies, tags, links and titles in `ImportReport`, after `write`.

        Args:
            rated: how many movies have ratings.
        """
        untitled = "movie_index JOIN movies ON movies.rowid = first_row WHERE title IS NULL"
        unknown = "{} ANTI JOIN movie_index USING (movie_id)"
        return {
            "movies": self.n_movies,
            "movies_without_ratings": self.n_movies - rated,
            "movies_without_title": count_rows(self._connection, untitled),
            "duplicate_movies": self._usable - self.n_movies,
            "tags_read": self._tags.rows if self._tags else 0,
            **{
                f"unknown_movie_{kind}": count_rows(self._connection, unknown.format(kind))
                if table
                else 0
                for kind, table in (("tags", self._tags), ("links", self._links))
            },
            "linked_movies": self._linked,
            "titled_movies": tuple(sorted(self._titled.items())),
            "missing_posters": self._missing_posters,
            "missing_poster": self._missing_poster,
            "unknown_movie_titles": self._unknown_titles() if self._titles else 0,
            "broken_rows": tuple(
                table.broken_rows
                for table in (self._movies, *self._more)
                if table and (table.broken_rows.left_out or table.broken_rows.joined)
            ),
        }

    def write(self, path: Path, digest: Hash) -> None:
        """Write ``movies.parquet``, what is known of each movie; `digest` takes it all in.

        Raises:
            DataError: no row of the file of titles is of a movie of the catalogue.
        """
        self._connection.execute(_MOST_USED_TAGS if self._tags else _NO_TAGS)
        self._connection.execute(_FIRST_LINKS if self._links else _NO_LINKS)
        self._connection.execute(_GIVEN_TITLES if self._titles else _NO_TITLES)
        if self._titles and self._unknown_titles() == self._titles.rows:
            raise DataError(
                f"{self._titles.file}: none of its {self._titles.rows:,} rows is of a movie of "
                f"{self._movies.file} (which has such as {self.example()!r}); check --titles"
            )
        query = "SELECT typeof(typed_id) = 'BIGINT' FROM movie_index LIMIT 1"
        schema = movie_schema(pa.int64() if fetch_row(self._connection, query)[0] else pa.string())
        delimiters = list_delimiters(self._connection)
        with pq.ParquetWriter(path, schema, compression="zstd") as file:
            for batch in self._batches():
                rows = [movie_row(raw, delimiters) for raw in batch.to_pylist()]
                for row in rows:
                    row["poster"] = self._poster(row["poster"])
                file.write_batch(pa.RecordBatch.from_pylist(rows, schema))
                for row in rows:
                    # Data without links and titles keep the fingerprint that they always had.
                    self._linked += bool(row["imdb_id"] or row["tmdb_id"])
                    self._titled.update(language for language, _ in row["titles"])
                    for name in ("imdb_id", "tmdb_id", "titles"):
                        if not row[name]:
                            del row[name]
                    del row["poster"]  # where it lies says nothing of the data
                digest.update("".join(json.dumps(row) + "\n" for row in rows).encode())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """The movies in order. Sorted are only so many at once as have a few MB of text."""
        texts = (
            *("title", "genres", "year", "plot", "tags", "country", "runtime", '"cast"'),
            *("titles", "poster"),
        )
        lengths = " + ".join(f"coalesce(strlen({text}), 0)" for text in texts)
        longest: Any = fetch_row(self._connection, f"SELECT max({lengths}) FROM movies")[0]
        step = _SORTED_AT_ONCE // (longest + _TAGS_OF_A_MOVIE)
        for first in range(0, self.n_movies, step):
            yield from batches(
                self._connection,
                "SELECT typed_id AS movie_id, title, genres, year, plot, movies.tags, country, "
                "runtime, movies.cast, user_tags, titles, given_titles, poster, "
                "coalesce(first_links.imdb_id, movies.imdb_id) AS imdb_id, "
                "coalesce(first_links.tmdb_id, movies.tmdb_id) AS tmdb_id FROM movie_index "
                "JOIN movies ON movies.rowid = first_row "
                "LEFT JOIN most_used_tags ON most_used_tags.movie_id = movies.movie_id "
                "LEFT JOIN first_links ON first_links.movie_id = movies.movie_id "
                "LEFT JOIN first_titles ON first_titles.movie_id = movies.movie_id "
                f"WHERE position >= {first} AND position < {first + step} ORDER BY position",
                _MOVIES_PER_BATCH,
            )

    def _unknown_titles(self) -> int:
        """Count the rows of the file of titles that are of no movie of the catalogue."""
        return count_rows(self._connection, "titled WHERE movie_id IS NULL")

    def _poster(self, name: str | None) -> str | None:
        """Return the path of a movie's image, of those in the folder of the file of movies."""
        if name is None:
            return None
        try:
            path = (self._posters_folder / name).resolve()
            if path.is_relative_to(self._posters_folder) and path.is_file():
                return str(path)
        except (OSError, ValueError):  # no name that a file can have
            pass
        self._missing_posters += 1
        self._missing_poster = self._missing_poster or one_line(name, 100)
        return None
