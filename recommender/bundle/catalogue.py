"""The bundle's text: movies and users by index and by id, in one SQLite file.

Rows are numbered like the arrays: row `i` of ``movies`` is movie index `i` everywhere else.
"""

from __future__ import annotations

import json
import numbers
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from recommender.bundle.files import TRAIN_AGAIN
from recommender.core.errors import BundleError
from recommender.core.records import Id, plain_id
from recommender.core.text_folding import fold

FILE = "catalogue.sqlite"
_MAPPED_BYTES = 2**30  # at most
_BETWEEN_NAMES = re.compile(r"[|,;]")
_MIN_NAME = 4  # bytes
_CAST = """
    SELECT idx, cast_names FROM movies
    WHERE cast_names LIKE ? OR (cast_names GLOB '*[^ -~]*' AND cast_names LIKE ?)
"""
_PAGE = 4096  # ids that are read at once

_SCHEMA = """
CREATE TABLE movies (
    idx INTEGER PRIMARY KEY, movie_id UNIQUE, title TEXT NOT NULL, year INTEGER,
    genres TEXT NOT NULL, plot TEXT, tags TEXT NOT NULL, country TEXT, runtime INTEGER,
    cast_names TEXT, n_ratings INTEGER NOT NULL, titles TEXT
);
CREATE TABLE users (idx INTEGER PRIMARY KEY, user_id UNIQUE, n_ratings INTEGER NOT NULL);
CREATE TABLE terms (idx INTEGER PRIMARY KEY, term TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class MovieText:
    """Texts and facts of a movie, all that is known of it besides its ratings.

    `titles` are those in other languages, by the language's two letters. `imdb_id` and `tmdb_id`
    are numbers; they are not in the SQLite file, see `bundle.links`. `poster` is the path of an
    image, which is known during a training alone.
    """

    movie_id: Id
    title: str
    year: int | None = None
    genres: tuple[str, ...] = ()
    plot: str | None = None
    tags: tuple[str, ...] = ()
    country: str | None = None
    runtime: int | None = None
    cast: str | None = None
    imdb_id: int | None = None
    tmdb_id: int | None = None
    titles: Mapping[str, str] = field(default_factory=dict, hash=False)
    poster: str | None = None


def write_catalogue(
    path: Path,
    movies: Iterable[tuple[MovieText, int]],
    users: Iterable[tuple[Id, int]],
    terms: Iterable[str],
) -> None:
    """Write the SQLite file.

    Args:
        path: a file that does not exist yet.
        movies: each movie with its number of ratings, in index order.
        users: each user's id and number of ratings, in index order.
        terms: the content model's terms, in column order.
    """
    connection = sqlite3.connect(path)
    try:
        # The bundle is renamed into place when whole, so a journal would guard nothing.
        connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
        connection.executescript(_SCHEMA)
        connection.executemany(
            "INSERT INTO movies VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (_movie_row(i, movie, count) for i, (movie, count) in enumerate(movies)),
        )
        connection.executemany(
            "INSERT INTO users VALUES (?,?,?)", ((i, *user) for i, user in enumerate(users))
        )
        connection.executemany("INSERT INTO terms VALUES (?,?)", enumerate(terms))
        connection.commit()
        connection.execute("VACUUM")
    finally:
        connection.close()


def _movie_row(index: int, movie: MovieText, count: int) -> tuple[Any, ...]:
    return (
        index,
        movie.movie_id,
        movie.title,
        movie.year,
        json.dumps(movie.genres, ensure_ascii=False),
        movie.plot,
        json.dumps(movie.tags, ensure_ascii=False),
        movie.country,
        movie.runtime,
        movie.cast,
        count,
        json.dumps(dict(movie.titles), ensure_ascii=False) if movie.titles else None,
    )


def _movie(row: tuple[Any, ...]) -> MovieText:
    _, movie_id, title, year, genres, plot, tags, country, runtime, cast, titles = row
    return MovieText(
        movie_id=movie_id,
        title=title,
        year=year,
        genres=tuple(json.loads(genres)),
        plot=plot,
        tags=tuple(json.loads(tags)),
        country=country,
        runtime=runtime,
        cast=cast,
        titles={str(code): str(text) for code, text in json.loads(titles or "{}").items()},
    )


class Catalogue:
    """Reads the SQLite file; safe to use from several threads.

    Raises:
        BundleError: the file is not what a bundle holds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        # immutable: no locks and no journal are looked for, so a read-only disk will do.
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        # As mapped as the arrays: its pages are the system's, and no copies of the process's own.
        self._query(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
        columns = {row[1] for row in self._query("PRAGMA table_info(movies)")}
        # Bundles of earlier versions have no column of titles.
        self._titles = "titles" if "titles" in columns else "NULL"

    def check(self, movies: int, users: int, terms: int) -> None:
        """Check that the file has the tables that it must, with a row for each number below these.

        Raises:
            BundleError: it has not.
        """
        kinds = dict(self._query("SELECT name, type FROM sqlite_master WHERE type <> 'index'"))
        expected = {"movies": movies, "users": users, "terms": terms}
        if kinds != dict.fromkeys(expected, "table"):  # a view may never end
            raise BundleError(f"{self._path}: it has other tables than a bundle's; {TRAIN_AGAIN}")
        for table, count in expected.items():
            ((rows, first, last),) = self._query(
                f"SELECT count(*), min(idx), max(idx) FROM {table}"
            )
            if rows != count or (rows and (first, last) != (0, rows - 1)):
                raise BundleError(
                    f"{self._path}: {rows} {table} where the manifest says {count}; {TRAIN_AGAIN}"
                )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __del__(self) -> None:
        # The connection holds itself in a cycle (its statement cache), so it would stay open,
        # and keep a replaced bundle's file on the disk, until garbage is collected.
        if hasattr(self, "_connection"):
            self._connection.close()

    def movies(self, indices: Sequence[int]) -> list[MovieText]:
        """The movies with these indices, in this order; an index may stand twice."""
        wanted = [int(i) for i in indices]
        marks = ",".join("?" * len(set(wanted)))
        rows = self._query(
            "SELECT idx, movie_id, title, year, genres, plot, tags, country, runtime, cast_names, "
            f"{self._titles} FROM movies WHERE idx IN ({marks})",
            *set(wanted),
        )
        try:
            found = {row[0]: _movie(row) for row in rows}
            return [found[i] for i in wanted]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BundleError(f"{self._path}: a movie cannot be read ({error})") from None

    def movie_index(self, movie_id: Id) -> int | None:
        """Return the index of a movie by its id, None if there is none.

        A whole number is the same in any spelling: ``12``, ``"12"``, ``12.0``, ``"12.0"``, or
        one of numpy's.
        """
        return self._index("movies", "movie_id", movie_id)

    def user_index(self, user_id: Id) -> int | None:
        """The index of a user by id, like `movie_index`."""
        return self._index("users", "user_id", user_id)

    def user_id(self, index: int) -> Id:
        """Return the id of the user with this index."""
        ((found,),) = self._query("SELECT user_id FROM users WHERE idx = ?", index)
        return found if isinstance(found, str) else int(found)

    def movie_ids(self) -> list[Id]:
        """All movie ids in index order (memory: one entry a movie)."""
        return [row[0] for row in self._query("SELECT movie_id FROM movies ORDER BY idx")]

    def user_ids(self, limit: int = -1) -> list[Id]:
        """The first `limit` user ids in index order, or all (memory: one entry a user)."""
        return [r[0] for r in self._query("SELECT user_id FROM users ORDER BY idx LIMIT ?", limit)]

    def each_user_id(self) -> Iterator[Id]:
        """All user ids in index order; few are held at a time."""
        sql, first = "SELECT user_id FROM users WHERE idx >= ? ORDER BY idx LIMIT ?", 0
        while rows := self._query(sql, first, _PAGE):
            yield from (row[0] for row in rows)
            first += len(rows)

    def languages(self) -> list[str]:
        """The languages that movies have titles in beside their first, sorted; reads them all."""
        languages = f"SELECT DISTINCT key FROM movies, json_each({self._titles}) ORDER BY key"
        return [str(row[0]) for row in self._query(languages)]

    def with_cast(self, name: str) -> list[int]:
        """The movies in whose cast `name` is, compared as `text_folding.fold` writes it; reads the
        cast of all."""
        if len(name.encode()) < _MIN_NAME or not self._has_cast:
            return []
        # Anything stands for punctuation, and any letter for one that often has an accent.
        plain = f"%{name.replace(' ', '%')}%"
        accented = re.sub("[aceilnosuz]", "_", plain)
        try:
            with self._lock:  # row by row: many may hold letters like these
                return [
                    int(idx)
                    for idx, cast in self._connection.execute(_CAST, (plain, accented))
                    if name in map(fold, _BETWEEN_NAMES.split(cast))
                ]
        except sqlite3.Error as error:
            raise BundleError(f"{self._path}: {error}") from error

    @cached_property
    def _has_cast(self) -> bool:
        return bool(self._query("SELECT EXISTS (SELECT 1 FROM movies WHERE cast_names > '')")[0][0])

    @cached_property
    def has_descriptions(self) -> bool:
        """Says that some movie has a plot or tags; the first time it may read them all."""
        sql = "SELECT EXISTS (SELECT 1 FROM movies WHERE plot IS NOT NULL OR tags <> '[]')"
        return bool(self._query(sql)[0][0])

    def terms(self) -> list[str]:
        """The content model's terms in column order."""
        return [row[0] for row in self._query("SELECT term FROM terms ORDER BY idx")]

    def _index(self, table: str, column: str, key: Id) -> int | None:
        if not isinstance(key, str) and isinstance(key, numbers.Real) and key == key // 1:
            key = int(key)  # 1e16 would be written with an exponent
        text = plain_id(str(key))
        # As it is given, too: bundles of earlier versions may have "12.0".
        candidates: list[Id] = [str(key), text]
        try:
            number = int(text)
        except ValueError:
            number = None
        # "007" is not 7, and SQLite's integers end at 64 bits.
        if number is not None and str(number) == text and -(2**63) <= number < 2**63:
            candidates.append(number)
        marks = ",".join("?" * len(candidates))
        sql = f"SELECT idx FROM {table} WHERE {column} IN ({marks}) ORDER BY {column} = ? DESC"
        rows = self._query(sql, *candidates, str(key))
        return int(rows[0][0]) if rows else None

    def _query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise BundleError(f"{self._path}: {error}") from error
