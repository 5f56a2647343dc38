"""Movie ids that differ in the ratings and in the catalogue: joined where the files tell how, else
told or refused."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from recommender.core.errors import DataError
from recommender.dataset.database import fetch_row

# The share of ratings without a movie from which files are told, and refused.
MAX_QUIET, MAX_UNMATCHED = 0.1, 0.5
# The table with the ids of the ratings, ``rated``, and those of the catalogue, ``movie``.
ALIASES = "aliases"
# The number in an IMDb or TMDB id: "tt0114709", "0114709" and "114709" are one.
NUMBER = "nullif(regexp_extract({}, '^(?:[Tt][Tt])?0*([1-9][0-9]{{0,9}})$', 1), '')"
_WITHOUT_ZEROS = "CASE WHEN regexp_full_match({0}, '[0-9]+') THEN ltrim({0}, '0') END"
_RATED = """
    CREATE TABLE rated AS SELECT movie_id AS rated, count(*) AS n FROM ratings GROUP BY movie_id
"""
# One movie for each rated id; an id that would be two is none.
_CANDIDATE = """
    CREATE OR REPLACE TABLE candidate AS
    SELECT rated, min(movie) AS movie FROM (SELECT DISTINCT rated, movie FROM ({}))
    GROUP BY rated HAVING count(*) = 1
"""
_DATABASES = {"imdb_id": "IMDb", "tmdb_id": "TMDB"}


@dataclass(frozen=True)
class Unmatched:
    """Ratings whose movie is not in the catalogue.

    Attributes:
        ratings, movies: the files, for messages.
        unknown, rows: how many such ratings there are, and how many ratings.
        rated: the id of a movie that the catalogue lacks.
        listed: the id of one that it has.
        swapped: whether the users' ids are those of movies, in a file without a header.
    """

    ratings: str
    movies: str
    unknown: int
    rows: int
    rated: str
    listed: str
    swapped: bool = False

    def check(self, allowed: bool) -> tuple[str, ...]:
        """Return what to tell of them: nothing where they are a tenth of the ratings or fewer.

        Args:
            allowed: whether more than half of the ratings may be without a movie.

        Raises:
            DataError: all of the ratings are, or more than half and that is not allowed.
        """
        if self.unknown == self.rows:
            raise DataError(
                f"{self.ratings}: no rating is left, none of the movies (such as {self.rated!r}) "
                f"is in {self.movies} (which has such as {self.listed!r}); {self._cause()}; check "
                "that --ratings and --movies belong together"
            )
        if self.unknown <= MAX_QUIET * self.rows:
            return ()
        found = (
            f"{self.unknown:,} of {self.rows:,} ratings are of movies (such as {self.rated!r}) "
            f"that are not in {self.movies} (which has such as {self.listed!r}); {self._cause()}"
        )
        if self.unknown > MAX_UNMATCHED * self.rows and not allowed:
            raise DataError(
                f"{self.ratings}: {found}; check that the files belong together, or give "
                "--allow-unmatched to leave these ratings out"
            )
        return (found,)

    def _cause(self) -> str:
        if self.swapped:
            return (
                "the movies stand in the column of the users: put a first line with the columns' "
                "names above the ratings, such as movie_id,user_id,rating,timestamp"
            )
        rated, listed = self.rated.startswith("tt"), self.listed.startswith("tt")
        if rated != listed:
            return (
                f"the ids of the {'ratings' if rated else 'movies'} are IMDb's and the others are "
                "not: a file links.csv beside the movies joins them"
            )
        if self.rated.isdigit() and self.listed.isdigit():
            return (
                "the ids may be of two kinds, MovieLens's and TMDB's for one: a file links.csv "
                "beside the movies joins those; or the catalogue is a part of the movies"
            )
        return "the files may be of two data sets, or the catalogue is a part of the movies"


def join_ids(connection: duckdb.DuckDBPyConnection, links: str | None) -> str | None:
    """Give the ratings the ids of the catalogue where more of them have a movie then.

    The tables ``ratings``, ``tags`` and ``links`` change; a rating without a movie has no id then.
    The arguments and the result are those of `find_aliases`.
    """
    connection.execute(_RATED)
    how = find_aliases(connection, links)
    if how:
        _rename(connection, "ratings", always=True)
    return how


def unjoined(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the id of a movie that is rated and was not joined; nothing where all were."""
    query = f"SELECT min(rated) FROM rated ANTI JOIN {ALIASES} USING (rated)"
    return fetch_row(connection, query)[0] or ""


def find_aliases(connection: duckdb.DuckDBPyConnection, links: str | None) -> str | None:
    """Fill the table `ALIASES` where more of the ratings have a movie by it, and give the tables
    ``tags`` and ``links`` the ids of the catalogue then.

    Tried are ids without leading zeros, the movies' own IMDb and TMDB ids, the links between
    these and the ids of the ratings or of the movies, and titles as the catalogue writes them.

    Args:
        connection: has the table ``rated``, with the ids of the ratings, ``rated``, and how many
            ratings of each there are, ``n``.
        links: the name of the file in the table ``links``; None where there is none.

    Returns:
        How they are joined, in words for the report; None where nothing fits better than the ids
        as they are.
    """
    direct = "SELECT coalesce(sum(n), 0) FROM rated SEMI JOIN movie_index ON movie_id = rated"
    (best,) = fetch_row(connection, direct)
    how = None
    for words, pairs in _ways(links):
        connection.execute(_CANDIDATE.format(pairs))
        (known,) = fetch_row(
            connection, "SELECT coalesce(sum(n), 0) FROM rated JOIN candidate USING (rated)"
        )
        if known > best:
            best, how = known, words
            connection.execute(f"CREATE OR REPLACE TABLE {ALIASES} AS FROM candidate")
    if how is None:
        return None
    tables = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    for table in tables & {"tags", "links"}:
        _rename(connection, table)
    return f"the ids of the ratings are joined to those of the movies by {how}"


def _ways(links: str | None) -> list[tuple[str, str]]:
    """The ways to join, in words, and SQL for their pairs of ``rated`` and ``movie``."""

    def number(column: str) -> str:
        return NUMBER.format(column)

    rated, listed = _WITHOUT_ZEROS.format("rated"), _WITHOUT_ZEROS.format("movie_id")
    ways = [
        (
            "their numbers without leading zeros",
            # Where "7" and "007" are both rated, they are two movies.
            f"SELECT rated, movie_id AS movie FROM (FROM rated QUALIFY count(*) OVER "
            f"(PARTITION BY coalesce({rated}, rated)) = 1) JOIN movie_index ON {rated} = {listed}",
        )
    ]
    ways.append(
        (
            "the numbers in their IMDb ids",
            f"SELECT rated, movie_id AS movie FROM rated JOIN movie_index ON {number('rated')} = "
            f"{number('movie_id')} WHERE rated ILIKE 'tt%' OR movie_id ILIKE 'tt%'",
        )
    )
    for key, database in _DATABASES.items():
        ways.append(
            (
                f"the {database} ids of the movies",
                "SELECT rated, movie_id AS movie FROM rated JOIN movies "
                f"ON {number('rated')} = {number(key)}",
            )
        )
        if links is None:
            continue
        linked = (
            "SELECT rated, movies.movie_id AS movie FROM rated JOIN links ON {} JOIN movies ON {}"
        )
        theirs, own = number(f"links.{key}"), "rated = links.movie_id"
        for reached, found in (
            (own, f"{theirs} = {number('movies.movie_id')}"),
            (own, f"{theirs} = {number(f'movies.{key}')}"),
            (f"{number('rated')} = {theirs}", "links.movie_id = movies.movie_id"),
        ):
            ways.append((f"the {database} ids in {links}", linked.format(reached, found)))
    title = "lower(trim(regexp_replace(movies.title, ' +', ' ', 'g')))"
    without_year = f"regexp_replace({title}, ' [(][0-9]{{4}}[)]$', '')"
    ways += [
        (words, f"SELECT rated, movie_id AS movie FROM rated JOIN movies ON lower(rated) = {name}")
        for words, name in (("their titles", title), ("their titles without years", without_year))
    ]
    return ways


def _rename(connection: duckdb.DuckDBPyConnection, table: str, always: bool = False) -> None:
    """Give the rows of `table` the ids of the catalogue if more of them are in it then."""
    direct, joined = fetch_row(
        connection,
        f"SELECT count_if(movie_id IN (SELECT movie_id FROM movie_index)), "
        f"count_if(movie_id IN (SELECT rated FROM {ALIASES})) FROM {table}",
    )
    if always or joined > direct:
        connection.execute(
            f"UPDATE {table} SET movie_id = "
            f"(SELECT movie FROM {ALIASES} WHERE rated = {table}.movie_id)"
        )
