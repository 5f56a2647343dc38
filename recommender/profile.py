"""What visitors rate on the page: one SQLite file on the server, small and guarded.

A visitor is known by a secret that only their browser has. The file holds its SHA-256 and nothing
else of it, so whoever gets hold of the file cannot act as anybody. Nothing is written for somebody
who only looks.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from recommender.errors import ProfileError
from recommender.records import Id

MEMORY = Path(":memory:")
DAY = 24 * 3600
# The browser forgets its secret after a year without a visit; then nobody can reach the ratings.
KEPT_SECONDS = 365 * DAY
# What room for a new visitor may cost another: nothing before a month without a visit.
SPARED_SECONDS = 30 * DAY
_BUSY_SECONDS = 10.0
# A movie that was turned away is an opinion without stars, so rating it brings it back. The column
# `movie` has no type: a number stays a number and text stays text.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS visitors (
    number INTEGER PRIMARY KEY, secret BLOB NOT NULL UNIQUE, used_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS visitors_by_use ON visitors (used_at);
CREATE TABLE IF NOT EXISTS opinions (
    visitor INTEGER NOT NULL REFERENCES visitors ON DELETE CASCADE, movie NOT NULL,
    stars REAL, given_at INTEGER NOT NULL, PRIMARY KEY (visitor, movie)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class OwnRating:
    """The stars a visitor gave a movie, and when (seconds since 1970, UTC)."""

    movie_id: Id
    stars: float
    given_at: int


@dataclass(frozen=True)
class Opinions:
    """All that one visitor said.

    Attributes:
        ratings: the newest first.
        hidden: movies not to be recommended, the newest first.
    """

    ratings: list[OwnRating] = field(default_factory=list)
    hidden: list[Id] = field(default_factory=list)

    @property
    def stars(self) -> dict[Id, float]:
        """The stars by movie."""
        return {rating.movie_id: rating.stars for rating in self.ratings}


@dataclass(frozen=True)
class Limits:
    """How much strangers may fill: opinions of one visitor, visitors, and bytes of the file."""

    opinions: int = 2000
    visitors: int = 20_000
    size: int = 64 * 2**20


class ProfileStore:
    """Ratings and hidden movies by visitor; safe for several threads and several processes.

    Of two who write the same at once, the last one wins. When there are as many visitors as
    `Limits` allows, a newcomer takes the place of whoever was away longest, if that is a month at
    least; visitors who were away for a year are dropped in any case.

    Args:
        path: the file, made with its folder when it is missing; `MEMORY` keeps all in this object.

    Raises:
        ProfileError: the file cannot be used. Every method raises it too.
    """

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self._path = path
        self._limits = limits or Limits()
        self._lock = threading.Lock()
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
            except sqlite3.Error:
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def opinions(self, secret: str) -> Opinions:
        """What the visitor rated and hid; empty for somebody unknown."""
        with self._lock, self._explained():
            visitor = self._visitor(secret)
            if visitor is None:
                return Opinions()
            rows = self._connection.execute(
                "SELECT movie, stars, given_at FROM opinions WHERE visitor = ? "
                "ORDER BY given_at DESC, movie",
                (visitor,),
            ).fetchall()
        ratings = [OwnRating(*row) for row in rows if row[1] is not None]
        return Opinions(ratings, [movie for movie, stars, _ in rows if stars is None])

    def rate(self, secret: str, stars: Mapping[Id, float]) -> None:
        """Keep the stars that the visitor gives these movies now."""
        now = int(time.time())
        self.put(secret, [OwnRating(movie, given, now) for movie, given in stars.items()])

    def put(self, secret: str, ratings: list[OwnRating]) -> None:
        """Keep these ratings, all of them or, with an error, none."""
        self._write(secret, [(r.movie_id, r.stars, r.given_at) for r in ratings])

    def hide(self, secret: str, movie: Id) -> None:
        """Remember that the movie is not to be recommended."""
        self._write(secret, [(movie, None, int(time.time()))])

    def remove(self, secret: str, movie: Id) -> None:
        """Forget what the visitor said of the movie, stars or hidden."""
        with self._transaction():
            self._connection.execute(
                "DELETE FROM opinions WHERE movie = ? "
                "AND visitor = (SELECT number FROM visitors WHERE secret = ?)",
                (movie, _hashed(secret)),
            )

    def delete(self, secret: str) -> None:
        """Forget the visitor and all that they said."""
        with self._transaction():
            self._connection.execute("DELETE FROM visitors WHERE secret = ?", (_hashed(secret),))

    def seen(self, secret: str) -> None:
        """Note that the visitor was here; written once a day at most, and never for a stranger."""
        now = int(time.time())
        with self._lock, self._explained():
            visitor = self._visitor(secret, before=now - DAY)
        if visitor is not None:
            with self._transaction():
                self._connection.execute(
                    "UPDATE visitors SET used_at = ? WHERE number = ?", (now, visitor)
                )

    def _write(self, secret: str, rows: list[tuple[Id, float | None, int]]) -> None:
        with self._transaction():
            visitor = self._visitor(secret)
            if visitor is None:
                visitor = self._newcomer(secret)
            self._connection.executemany(
                "INSERT OR REPLACE INTO opinions VALUES (?, ?, ?, ?)",
                ((visitor, *row) for row in rows),
            )
            (count,) = self._connection.execute(
                "SELECT count(*) FROM opinions WHERE visitor = ?", (visitor,)
            ).fetchone()
            if count > self._limits.opinions:
                raise ProfileError(
                    f"{self._path}: one visitor can keep {self._limits.opinions} movies; "
                    "remove some, or raise MATINEE_PROFILE_RATINGS",
                    "too_many",
                    limit=self._limits.opinions,
                )

    def _visitor(self, secret: str, before: int | None = None) -> int | None:
        """The visitor's number; with `before` only if they were last seen before that."""
        row = self._connection.execute(
            "SELECT number FROM visitors WHERE secret = ? AND (? IS NULL OR used_at < ?)",
            (_hashed(secret), before, before),
        ).fetchone()
        return None if row is None else int(row[0])

    def _newcomer(self, secret: str) -> int:
        now = int(time.time())
        execute = self._connection.execute
        execute("DELETE FROM visitors WHERE used_at < ?", (now - KEPT_SECONDS,))
        (count,) = execute("SELECT count(*) FROM visitors").fetchone()
        if count >= self._limits.visitors:
            dropped = execute(
                "DELETE FROM visitors WHERE number = "
                "(SELECT number FROM visitors WHERE used_at < ? ORDER BY used_at LIMIT 1)",
                (now - SPARED_SECONDS,),
            )
            if dropped.rowcount == 0:
                raise ProfileError(
                    f"{self._path}: it holds the ratings of {count} visitors; "
                    "raise MATINEE_PROFILE_VISITORS",
                    "full",
                )
        new = execute(
            "INSERT INTO visitors (secret, used_at) VALUES (?, ?)", (_hashed(secret), now)
        )
        assert new.lastrowid is not None
        return new.lastrowid

    def _prepare(self) -> None:
        execute = self._connection.execute
        # Half a megabyte of pages in memory is plenty for rows as short as these.
        for pragma in ("cache_size = -512", "foreign_keys = ON", "synchronous = NORMAL"):
            execute(f"PRAGMA {pragma}")
        (page_size,) = execute("PRAGMA page_size").fetchone()
        execute(f"PRAGMA max_page_count = {max(1, self._limits.size // page_size)}")
        (found,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not found:
            # Changing the journal does not wait for others who do the same; so one does it.
            self._in_turn("PRAGMA journal_mode = WAL")
            self._connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        execute("PRAGMA journal_size_limit = 1048576")

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
        """What happens within is kept wholly or not at all."""
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


def _hashed(secret: str) -> bytes:
    """A secret of 192 random bits cannot be guessed from its hash, so no salt is needed."""
    return hashlib.sha256(secret.encode()).digest()
