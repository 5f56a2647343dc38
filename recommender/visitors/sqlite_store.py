"""The visitors' ratings in one SQLite file on the server, small and guarded."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from recommender.core.errors import ProfileError
from recommender.visitors.evenings import LEAVE, Evenings, Execute
from recommender.visitors.records import (
    DAY,
    MIN_EVICTION_SECONDS,
    RETENTION_SECONDS,
    Change,
    Given,
    Limits,
    ProfileStore,
    Row,
    VisitorRatings,
    hashed,
    store_full,
    too_many,
)

MEMORY = Path(":memory:")
_BUSY_SECONDS = 10.0
_AT_ONCE = 200
# The statements that bring a file from version i to i + 1; a new file goes through all of them.
# The version is PRAGMA user_version; files older than that have 0, and version 1's tables.
# A movie has stars or a mark; what has neither is hidden, as in version 1. The column `movie` has
# no type: a number stays a number and text stays text.
_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE visitors (number INTEGER PRIMARY KEY, secret BLOB NOT NULL UNIQUE, "
        "used_at INTEGER NOT NULL)",
        "CREATE INDEX visitors_by_use ON visitors (used_at)",
        "CREATE TABLE opinions (visitor INTEGER NOT NULL REFERENCES visitors ON DELETE CASCADE, "
        "movie NOT NULL, stars REAL, given_at INTEGER NOT NULL, PRIMARY KEY (visitor, movie)) "
        "WITHOUT ROWID",
    ),
    ("ALTER TABLE opinions ADD COLUMN mark TEXT",),
    (
        "CREATE TABLE evenings (number INTEGER PRIMARY KEY, ends_at INTEGER NOT NULL)",
        "CREATE TABLE seats (evening INTEGER NOT NULL REFERENCES evenings ON DELETE CASCADE, "
        "seat INTEGER NOT NULL, token BLOB UNIQUE, member BLOB UNIQUE, name TEXT NOT NULL, "
        "PRIMARY KEY (evening, seat)) WITHOUT ROWID",
    ),
)
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_OPINION = "coalesce(stars, mark, 'hidden')"
T = TypeVar("T")


class SqliteStore(ProfileStore):
    """`ProfileStore` in a file, which holds one data set.

    Args:
        path: the file, made with its folder when it is missing; `MEMORY` keeps all in this object.

    Raises:
        ProfileError: the file cannot be used. Every method raises it too.
    """

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self._path = path
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._full: str | None = None
        with self._explained():
            if path != MEMORY:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not path.exists():
                    path.touch(mode=0o600)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    @property
    def evenings(self) -> Evenings:
        """The evenings at which visitors choose a movie together."""
        return Evenings(self._run, self._ratings_of)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def ratings_of(self, secret: str) -> VisitorRatings:
        """Return the visitor's ratings; see `ProfileStore.ratings_of`."""
        return self._ratings_of(hashed(secret))

    def change(self, secret: str, change: Change) -> None:
        """Keep the change in one transaction; see `ProfileStore.change`."""
        key = hashed(secret)
        if len(change.given) > self._limits.ratings:
            raise too_many(self._path, self._limits)
        with self._transaction():
            execute = self._connection.execute
            visitor = self._visitor(key)
            if visitor is not None and change.waited:
                change = change.after(self._rows(visitor))
            if change.erase:
                for statement in LEAVE:
                    self._execute(statement, {"key": key})
            if visitor is not None and change.erase:
                execute("DELETE FROM visitors WHERE number = ?", (visitor,))
                visitor = None
            if visitor is not None:
                self._connection.executemany(
                    "DELETE FROM opinions WHERE visitor = ? AND movie = ?",
                    ((visitor, movie) for movie in change.removed),
                )
            if not change.given:
                return
            if visitor is None:
                visitor = self._newcomer(key)
            self._connection.executemany(
                "INSERT OR REPLACE INTO opinions (visitor, movie, given_at, stars, mark) "
                "VALUES (?, ?, ?, ?, ?)",
                (
                    (visitor, movie, at, *((None, said) if isinstance(said, str) else (said, None)))
                    for movie, (said, at) in change.given.items()
                ),
            )
            (count,) = execute(
                "SELECT count(*) FROM opinions WHERE visitor = ?", (visitor,)
            ).fetchone()
            if count > self._limits.ratings:
                raise too_many(self._path, self._limits)

    def note_visit(self, secret: str) -> None:
        """Note the visit; see `ProfileStore.note_visit`."""
        now = int(time.time())
        with self._lock, self._explained():
            visitor = self._visitor(hashed(secret), before=now - DAY)
        if visitor is not None:
            with self._transaction():
                self._connection.execute(
                    "UPDATE visitors SET used_at = ? WHERE number = ?", (now, visitor)
                )

    def trouble(self) -> str | None:
        """Return that the last newcomer found no place; None if they did."""
        return self._full

    def everybody(self) -> Iterator[tuple[bytes, int, Given]]:
        """Every visitor: the hash of their secret, when they were last here, and their opinions.

        A few hundred are read at a time, so that others may write meanwhile.
        """
        last = 0
        while True:
            with self._lock, self._explained():
                rows = self._connection.execute(
                    f"SELECT v.number, v.secret, v.used_at, o.movie, {_OPINION}, o.given_at "
                    "FROM (SELECT * FROM visitors WHERE number > ? ORDER BY number LIMIT ?) v "
                    "LEFT JOIN opinions o ON o.visitor = v.number ORDER BY v.number",
                    (last, _AT_ONCE),
                ).fetchall()
            if not rows:
                return
            for (_, key, used_at), visitor_rows in groupby(rows, key=lambda row: row[:3]):
                yield key, used_at, {row[3]: row[4:] for row in visitor_rows if row[3] is not None}
            last = rows[-1][0]

    def _visitor(self, key: bytes, before: int | None = None) -> int | None:
        """The visitor's number; with `before` only if they were last seen before that."""
        row = self._connection.execute(
            "SELECT number FROM visitors WHERE secret = ? AND (? IS NULL OR used_at < ?)",
            (key, before, before),
        ).fetchone()
        return None if row is None else int(row[0])

    def _ratings_of(self, key: bytes) -> VisitorRatings:
        with self._lock, self._explained():
            visitor = self._visitor(key)
            return VisitorRatings.of([] if visitor is None else self._rows(visitor))

    def _run(self, work: Callable[[Execute], T], *, write: bool) -> T:
        """Do what evenings ask for; see `evenings.Run`."""
        if write:
            with self._transaction():
                return work(self._execute)
        with self._lock, self._explained():
            return work(self._execute)

    def _execute(self, statement: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        query = _PLACEHOLDER.sub(r":\1", statement.format(s="main"))
        return self._connection.execute(query, values).fetchall()

    def _rows(self, visitor: int) -> list[Row]:
        return self._connection.execute(
            f"SELECT movie, {_OPINION}, given_at FROM opinions WHERE visitor = ?", (visitor,)
        ).fetchall()

    def _newcomer(self, key: bytes) -> int:
        now = int(time.time())
        execute = self._connection.execute
        execute("DELETE FROM visitors WHERE used_at < ?", (now - RETENTION_SECONDS,))
        (count,) = execute("SELECT count(*) FROM visitors").fetchone()
        if count >= self._limits.visitors:
            dropped = execute(
                "DELETE FROM visitors WHERE number = "
                "(SELECT number FROM visitors WHERE used_at < ? ORDER BY used_at LIMIT 1)",
                (now - MIN_EVICTION_SECONDS,),
            )
            if dropped.rowcount == 0:
                error = store_full(self._path, count)
                self._full = f"{error}; newcomers' ratings are not kept"
                raise error
        self._full = None
        new = execute("INSERT INTO visitors (secret, used_at) VALUES (?, ?)", (key, now))
        assert new.lastrowid is not None
        return new.lastrowid

    def _prepare(self) -> None:
        execute = self._connection.execute
        # Half a megabyte of pages in memory is plenty for rows as short as these. What is deleted
        # is overwritten in the file.
        for pragma in ("cache_size = -512", "foreign_keys = ON", "synchronous = NORMAL"):
            execute(f"PRAGMA {pragma}")
        execute("PRAGMA secure_delete = ON")
        (page_size,) = execute("PRAGMA page_size").fetchone()
        execute(f"PRAGMA max_page_count = {max(1, self._limits.size // page_size)}")
        if self._version() == 0:
            # Changing the journal does not wait for others who do the same; so one does it.
            self._in_turn("PRAGMA journal_mode = WAL")
        execute("PRAGMA journal_size_limit = 1048576")
        if self._version() < len(_MIGRATIONS):
            self._migrate()

    def _version(self) -> int:
        """Return the version of the file's tables; 0 if it has none.

        Raises:
            ProfileError: a newer Matinee, or another program, made the file.
        """
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        tables = {row[0] for row in self._connection.execute("SELECT name FROM sqlite_master")}
        if version > len(_MIGRATIONS):
            raise ProfileError(
                f"{self._path}: it is of version {version}, and this Matinee knows "
                f"{len(_MIGRATIONS)}; run the Matinee that made it, or let MATINEE_PROFILES name "
                "another file",
                "storage",
            )
        if tables and "visitors" not in tables:
            raise ProfileError(
                f"{self._path}: it is a database of another program; let MATINEE_PROFILES name "
                "another file",
                "storage",
            )
        return int(version) or (1 if tables else 0)

    def _migrate(self) -> None:
        """Bring the file to the newest version, wholly or not at all."""
        with self._transaction():
            # Asked again, since another process may have done it before this one had its turn.
            for migration in _MIGRATIONS[self._version() :]:
                for statement in migration:
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")

    def _in_turn(self, statement: str) -> None:
        end = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._connection.execute(statement)
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.01)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Run a transaction: what happens within is kept wholly or not at all."""
        with self._lock, self._explained():
            # IMMEDIATE, so that two writers wait for each other at the start and not halfway.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns errors of SQLite and of the disk into one line that names the file."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise ProfileError(
                    f"{self._path}: no room for more ratings; free space on the disk or raise "
                    f"MATINEE_PROFILE_MB ({self._limits.size / 2**20:g} now)",
                    "full",
                ) from error
            advice = _ADVICE.get(code, "MATINEE_PROFILES names the file")
            raise ProfileError(f"{self._path}: {error}; {advice}", "storage") from error
        except OSError as error:
            raise ProfileError(
                f"{self._path}: {error.strerror}; let MATINEE_PROFILES name a file that can be "
                "written",
                "storage",
            ) from error


_ADVICE = {
    sqlite3.SQLITE_BUSY: "another process holds it; end that or wait",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for the server",
    sqlite3.SQLITE_CANTOPEN: "make the file and its folder writable for the server",
    sqlite3.SQLITE_NOTADB: "move it away, or let MATINEE_PROFILES name another file",
    sqlite3.SQLITE_CORRUPT: "move it away and put a backup in its place",
}
