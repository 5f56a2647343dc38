"""The visitors' ratings in a PostgreSQL database, which several servers share.

Whatever is written is written under the lock of its visitor's row, and newcomers come one at a
time; so nothing is lost or doubled, however many servers write.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any, LiteralString, TypeVar

from psycopg import Cursor, sql

from recommender.visitors.connection_pool import Connection, Database
from recommender.visitors.records import (
    DAY,
    KEPT_SECONDS,
    SPARED_SECONDS,
    Change,
    Given,
    Limits,
    Opinions,
    ProfileStore,
    Row,
    StoreAwayError,
    hashed,
    no_place,
    too_many,
)

_VERSION = 1
# As in SQLite's file. A movie is JSON, so that the number 7 and the text "7" are two.
_TABLES: LiteralString = """
CREATE TABLE {s}.about (version integer NOT NULL);
CREATE TABLE {s}.visitors (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    secret bytea NOT NULL UNIQUE, used_at bigint NOT NULL);
CREATE INDEX visitors_by_use ON {s}.visitors (used_at);
CREATE TABLE {s}.opinions (
    visitor bigint NOT NULL REFERENCES {s}.visitors ON DELETE CASCADE,
    movie text COLLATE "C" NOT NULL, stars double precision, given_at bigint NOT NULL,
    PRIMARY KEY (visitor, movie));
"""
T = TypeVar("T")


class PostgresStore(ProfileStore):
    """`ProfileStore` in a schema of a database, which holds one data set.

    Nothing is asked of the database before it is needed. The schema and its tables are made by
    whichever server comes first. `Limits.size` is that of a file, and not looked at here.

    Args:
        schema: its name.

    Raises:
        SettingsError: the address cannot be read.
        StoreAwayError: by every method, when the database cannot be used for now.
    """

    def __init__(self, address: str, schema: str, limits: Limits | None = None) -> None:
        self._database = Database(address)
        self._schema = schema
        self._limits = limits or Limits()
        self._prepared = False

    @property
    def place(self) -> str:
        """Host and database, and nothing secret."""
        return self._database.place

    @property
    def limits(self) -> Limits:
        return self._limits

    def close(self) -> None:
        self._database.close()

    def opinions(self, secret: str) -> Opinions:
        key = hashed(secret)
        return Opinions.of(self._run(lambda connection: self._rows(connection, key)))

    def change(self, secret: str, change: Change) -> None:
        self._run(lambda connection: self._change(connection, hashed(secret), change))

    def seen(self, secret: str) -> None:
        now = int(time.time())
        query = self._sql("UPDATE {s}.visitors SET used_at = %s WHERE secret = %s AND used_at < %s")
        self._alone(query, (now, hashed(secret), now - DAY))

    def take_over(self, key: bytes, used_at: int, given: Given) -> int:
        """Add what a visitor said elsewhere, where it is newer; no limit holds.

        Args:
            key: the hash of the visitor's secret.
            used_at: when they were last seen there.

        Returns:
            How many opinions were new.
        """
        query = self._sql(
            "INSERT INTO {s}.visitors AS v (secret, used_at) VALUES (%s, %s) ON CONFLICT (secret) "
            "DO UPDATE SET used_at = greatest(v.used_at, excluded.used_at) RETURNING number"
        )

        def work(connection: Connection) -> int:
            with connection.short_transaction():
                (visitor,) = _one(connection.execute(query, (key, used_at)))
                return self._put(connection, visitor, given, only_newer=True)

        return self._run(work)

    def check(self) -> None:
        """Ask whether ratings can be read and written; StoreAwayError if not."""
        query = self._sql(
            "INSERT INTO {s}.opinions SELECT number, '', 0, 0 FROM {s}.visitors WHERE false"
        )
        self._alone(query)

    def _alone(self, query: sql.Composed, values: tuple[object, ...] = ()) -> None:
        """Run one statement that may have to wait for a lock."""

        def work(connection: Connection) -> None:
            with connection.short_transaction():
                connection.execute(query, values)

        self._run(work)

    def _sql(self, text: LiteralString) -> sql.Composed:
        return sql.SQL(text).format(s=sql.Identifier(self._schema))

    def _run(self, work: Callable[[Connection], T]) -> T:
        def prepared(connection: Connection) -> T:
            if not self._prepared:
                self._prepare(connection)
                self._prepared = True
            return work(connection)

        try:
            return self._database.run(prepared)
        except StoreAwayError:
            self._prepared = False  # who knows what comes back
            raise

    def _prepare(self, connection: Connection) -> None:
        with connection.short_transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (self._lock_key("tables"),))
            names = (sql.Identifier(self._schema), sql.Identifier(self._schema, "about"))
            schema, about = _one(
                connection.execute(
                    "SELECT to_regnamespace(%s), to_regclass(%s)", [n.as_string() for n in names]
                )
            )
            if schema is None:
                connection.execute(self._sql("CREATE SCHEMA {s}"))
            if about is None:
                connection.execute(self._sql(_TABLES))
                insert = self._sql("INSERT INTO {s}.about VALUES (%s)")
                connection.execute(insert, (_VERSION,))
            (version,) = _one(connection.execute(self._sql("SELECT version FROM {s}.about")))
        if version != _VERSION:
            raise StoreAwayError(
                f"ratings in {self.place}: schema {self._schema} is of version {version}, and "
                f"this Matinee knows {_VERSION}; run the Matinee that made it"
            )

    def _rows(self, connection: Connection, key: bytes) -> list[Row]:
        query = self._sql(
            "SELECT o.movie, o.stars, o.given_at FROM {s}.opinions o "
            "JOIN {s}.visitors v ON v.number = o.visitor WHERE v.secret = %s"
        )
        rows = connection.execute(query, (key,)).fetchall()
        return [(json.loads(movie), stars, at) for movie, stars, at in rows]

    def _change(self, connection: Connection, key: bytes, change: Change) -> None:
        execute = connection.execute
        with connection.short_transaction():
            # The row's lock comes first, always, so that no two wait for each other.
            visitor = self._locked(connection, key)
            if visitor is not None and change.waited:
                change = change.after(self._rows(connection, key))
            if visitor is not None and change.erase:
                execute(self._sql("DELETE FROM {s}.visitors WHERE number = %s"), (visitor,))
                visitor = None
            if visitor is not None and change.removed:
                execute(
                    self._sql("DELETE FROM {s}.opinions WHERE visitor = %s AND movie = ANY(%s)"),
                    (visitor, [json.dumps(movie) for movie in change.removed]),
                )
            if not change.given:
                return
            if visitor is None:
                visitor = self._newcomer(connection, key)
            self._put(connection, visitor, change.given)
            query = self._sql("SELECT count(*) FROM {s}.opinions WHERE visitor = %s")
            (count,) = _one(execute(query, (visitor,)))
            if count > self._limits.opinions:
                raise too_many(self.place, self._limits)

    def _put(
        self, connection: Connection, visitor: int, given: Given, *, only_newer: bool = False
    ) -> int:
        """How many rows were written."""
        query = self._sql(
            "INSERT INTO {s}.opinions AS o SELECT %s, * "
            "FROM unnest(%s::text[], %s::double precision[], %s::bigint[]) "
            "ON CONFLICT (visitor, movie) "
            "DO UPDATE SET stars = excluded.stars, given_at = excluded.given_at "
            "WHERE NOT %s OR o.given_at < excluded.given_at"
        )
        movies = [json.dumps(movie) for movie in given]
        # Of one type all of them, as an array asks for.
        stars = [None if s is None else float(s) for s, _ in given.values()]
        times = [at for _, at in given.values()]
        return connection.execute(query, (visitor, movies, stars, times, only_newer)).rowcount

    def _locked(self, connection: Connection, key: bytes) -> int | None:
        """The visitor's number, whose row nobody else changes until the transaction ends."""
        query = self._sql("SELECT number FROM {s}.visitors WHERE secret = %s FOR UPDATE")
        row = connection.execute(query, (key,)).fetchone()
        return None if row is None else int(row[0])

    def _newcomer(self, connection: Connection, key: bytes) -> int:
        execute, now = connection.execute, int(time.time())
        execute("SELECT pg_advisory_xact_lock(%s)", (self._lock_key("newcomers"),))
        if (visitor := self._locked(connection, key)) is not None:
            return visitor  # made by another server while this one waited
        execute(self._sql("DELETE FROM {s}.visitors WHERE used_at < %s"), (now - KEPT_SECONDS,))
        (count,) = _one(execute(self._sql("SELECT count(*) FROM {s}.visitors")))
        if count >= self._limits.visitors:
            query = self._sql(
                "DELETE FROM {s}.visitors WHERE number = (SELECT number FROM {s}.visitors "
                "WHERE used_at < %s ORDER BY used_at, number LIMIT 1)"
            )
            if execute(query, (now - SPARED_SECONDS,)).rowcount == 0:
                raise no_place(self.place, count)
        query = self._sql(
            "INSERT INTO {s}.visitors (secret, used_at) VALUES (%s, %s) RETURNING number"
        )
        return int(_one(execute(query, (key, now)))[0])

    def _lock_key(self, what: str) -> int:
        """A number that all servers of this data set know this lock by."""
        name = f"matinee {self._schema} {what}".encode()
        return int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)


def _one(cursor: Cursor[tuple[Any, ...]]) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row
