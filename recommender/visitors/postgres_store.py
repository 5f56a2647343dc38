"""The visitors' ratings in a PostgreSQL database, which several servers share.

Every write holds the lock of its visitor's row, and new visitors are added one at a time; so
nothing is lost or doubled, however many servers write. A change is one round trip: what depends on
what the database holds is decided there, by the conditions of the statements.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, LiteralString, TypeVar

from psycopg import Cursor, errors, sql

from recommender.visitors.connection_pool import Connection, ConnectionPool
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
    StoreUnavailableError,
    VisitorRatings,
    hashed,
    store_full,
    too_many,
)

# Servers refuse another version. What is added so that older ones can go on is in `_ADDITIONS`.
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
# A table, a column of it, and what adds that. Servers from before the marks, in a rolling update,
# see a marked movie as hidden. What they write leaves the columns as they are, so a mark counts
# only while it is of the time of the opinion.
_ADDITIONS: tuple[tuple[str, str, LiteralString], ...] = (
    (
        "opinions",
        "marked_at",
        "ALTER TABLE {s}.opinions ADD COLUMN IF NOT EXISTS mark text, "
        "ADD COLUMN IF NOT EXISTS marked_at bigint",
    ),
    (
        "seats",
        "token",
        "CREATE TABLE {s}.evenings (number bigint PRIMARY KEY, ends_at bigint NOT NULL); "
        "CREATE TABLE {s}.seats (evening bigint NOT NULL REFERENCES {s}.evenings "
        "ON DELETE CASCADE, seat integer NOT NULL, token bytea UNIQUE, member bytea UNIQUE, "
        "name text NOT NULL, PRIMARY KEY (evening, seat))",
    ),
)
_HAS_COLUMN: LiteralString = (
    "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s"
)
_STRANGER: LiteralString = "NOT EXISTS (SELECT FROM {s}.visitors WHERE secret = %(key)s)"
_LOCK: LiteralString = "SELECT number FROM {s}.visitors WHERE secret = %(key)s FOR UPDATE"
_ERASE: LiteralString = "DELETE FROM {s}.visitors WHERE secret = %(key)s"
# Whether the visitor of row v keeps no more than is allowed, once all of a change is done.
_WITHIN_LIMIT: LiteralString = (
    "%(max_ratings)s >= (SELECT count(*) FROM (SELECT o.movie FROM {s}.opinions o "
    "WHERE o.visitor = v.number AND o.movie <> ALL(%(removed)s::text[]) "
    "UNION SELECT unnest(%(movies)s::text[])) AS kept)"
)
_REMOVE: LiteralString = (
    "DELETE FROM {s}.opinions AS o USING {s}.visitors AS v WHERE v.secret = %(key)s "
    "AND o.visitor = v.number AND o.movie = ANY(%(removed)s::text[])"
)
# Makes room for a visitor who is new, and adds them; nothing for one who is known.
_ADD_VISITOR: tuple[LiteralString, ...] = (
    "SELECT pg_advisory_xact_lock(%(lock)s) WHERE " + _STRANGER,
    "DELETE FROM {s}.visitors WHERE used_at < %(expired)s AND " + _STRANGER,
    "DELETE FROM {s}.visitors WHERE "
    + _STRANGER
    + " AND number = (SELECT number FROM {s}.visitors WHERE used_at < %(idle)s "
    "ORDER BY used_at, number LIMIT 1) AND (SELECT count(*) FROM {s}.visitors) >= %(max_visitors)s",
    "INSERT INTO {s}.visitors (secret, used_at) SELECT %(key)s, %(now)s WHERE "
    + _STRANGER
    + " AND (SELECT count(*) FROM {s}.visitors) < %(max_visitors)s",
    _LOCK,
)
_INSERT: LiteralString = (
    "INSERT INTO {s}.opinions AS o (visitor, movie, stars, given_at, mark, marked_at) "
    "SELECT v.number, g.movie, g.stars, g.at, g.mark, g.at FROM v, "
    "unnest(%(movies)s::text[], %(stars)s::double precision[], %(times)s::bigint[], "
    "%(marks)s::text[]) AS g (movie, stars, at, mark) "
    "WHERE v.fits ON CONFLICT (visitor, movie) DO UPDATE SET stars = excluded.stars, "
    "given_at = excluded.given_at, mark = excluded.mark, marked_at = excluded.marked_at"
)
# Inserts if it fits, and tells whether it did; of a visitor who is not there, how many there are.
_INSERT_WITHIN_LIMIT: LiteralString = (
    "WITH v AS MATERIALIZED (SELECT v.number, " + _WITHIN_LIMIT + " AS fits "
    "FROM {s}.visitors AS v WHERE v.secret = %(key)s), inserted AS (" + _INSERT + ") "
    "SELECT (SELECT fits FROM v), "
    "CASE WHEN NOT EXISTS (SELECT FROM v) THEN (SELECT count(*) FROM {s}.visitors) END"
)
_INSERT_NEWER: LiteralString = (
    "WITH v AS (SELECT number, true AS fits FROM {s}.visitors WHERE secret = %(key)s) "
    + _INSERT
    + " WHERE o.given_at < excluded.given_at"
)
T = TypeVar("T")


class PostgresStore(ProfileStore):
    """`ProfileStore` in a schema of a database, which holds one data set.

    Nothing is asked of the database before it is needed. The schema and its tables are made by
    whichever server comes first. `Limits.size` is that of a file, and not looked at here.

    Args:
        schema: its name.

    Raises:
        SettingsError: the address cannot be read.
        StoreUnavailableError: by every method, when the database cannot be used for now.
    """

    def __init__(self, address: str, schema: str, limits: Limits | None = None) -> None:
        self._pool = ConnectionPool(address)
        self._schema = schema
        self._limits = limits or Limits()
        self._prepared = False

    @property
    def place(self) -> str:
        """Host and database, and nothing secret."""
        return self._pool.place

    @property
    def limits(self) -> Limits:
        """Limits of what visitors may fill."""
        return self._limits

    @property
    def evenings(self) -> Evenings:
        """The evenings at which visitors choose a movie together."""
        return Evenings(self._run_evenings, self._ratings_of)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def ratings_of(self, secret: str) -> VisitorRatings:
        """Return the visitor's ratings; see `ProfileStore.ratings_of`."""
        return self._ratings_of(hashed(secret))

    def change(self, secret: str, change: Change) -> None:
        """Keep the change in one round trip; see `ProfileStore.change`."""
        self._run(lambda connection: self._change(connection, hashed(secret), change))

    def note_visit(self, secret: str) -> None:
        """Note the visit in one round trip; see `ProfileStore.note_visit`."""
        now = int(time.time())
        query = (
            "UPDATE {s}.visitors SET used_at = %(now)s WHERE secret = %(key)s AND used_at < %(day)s"
        )
        self._run_batch([query], {"now": now, "key": hashed(secret), "day": now - DAY})

    def take_over(self, key: bytes, used_at: int, given: Given) -> int:
        """Add what a visitor rated or marked elsewhere, where it is newer; no limit holds.

        Args:
            key: the hash of the visitor's secret.
            used_at: when they were last seen there.

        Returns:
            How many ratings and marks were new.
        """
        upsert: LiteralString = (
            "INSERT INTO {s}.visitors AS v (secret, used_at) VALUES (%(key)s, %(used_at)s) "
            "ON CONFLICT (secret) DO UPDATE SET used_at = greatest(v.used_at, excluded.used_at)"
        )
        values = {"key": key, "used_at": used_at, **_columns(given)}
        return self._run_batch([upsert, _INSERT_NEWER], values).rowcount

    def check(self) -> None:
        """Ask whether ratings can be read and written.

        Raises:
            StoreUnavailableError: they cannot.
        """
        self._run_batch(
            ["INSERT INTO {s}.opinions SELECT number, '', 0, 0 FROM {s}.visitors WHERE false"], {}
        )

    def _ratings_of(self, key: bytes) -> VisitorRatings:
        return VisitorRatings.of(self._run(lambda connection: self._rows(connection, key)))

    def _run_batch(
        self, statements: Sequence[LiteralString], values: Mapping[str, object]
    ) -> Cursor[tuple[Any, ...]]:
        batch = [self._sql(statement) for statement in statements]
        return self._run(lambda connection: connection.run_batch(batch, values))

    def _sql(self, text: LiteralString) -> sql.Composed:
        return sql.SQL(text).format(s=sql.Identifier(self._schema))

    def _run(self, work: Callable[[Connection], T]) -> T:
        def prepared(connection: Connection) -> T:
            if not self._prepared:
                self._prepare(connection)
                self._prepared = True
            return work(connection)

        try:
            return self._pool.run(prepared)
        except StoreUnavailableError:
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
            if version == _VERSION:
                for table, column, statement in _ADDITIONS:
                    name = sql.Identifier(self._schema, table).as_string()
                    if _one(connection.execute(_HAS_COLUMN, (name, column))) == (0,):
                        self._add(connection, statement)
        if version != _VERSION:
            raise StoreUnavailableError(
                f"ratings in {self.place}: schema {self._schema} is of version {version}, and "
                f"this Matinee knows {_VERSION}; run the Matinee that made it"
            )

    def _add(self, connection: Connection, addition: LiteralString) -> None:
        statement = self._sql(addition)
        try:
            connection.execute(statement)
        except errors.InsufficientPrivilege as error:
            raise StoreUnavailableError(
                f"ratings in {self.place}: the tables are from an older Matinee, and the role may "
                f"not add to them; have their owner run: {statement.as_string()} (and grant the "
                "role what it may do with the others)"
            ) from error

    def _run_evenings(self, work: Callable[[Execute], T], *, write: bool) -> T:
        """Do what evenings ask for; see `evenings.Run`."""

        def run(connection: Connection) -> T:
            def execute(
                statement: LiteralString, values: Mapping[str, object]
            ) -> list[tuple[Any, ...]]:
                cursor = connection.execute(self._sql(statement), values)
                return cursor.fetchall() if cursor.description else []

            if not write:
                return work(execute)
            with connection.short_transaction():
                lock = self._lock_key("evenings")
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
                return work(execute)

        return self._run(run)

    def _rows(self, connection: Connection, key: bytes) -> list[Row]:
        query = self._sql(
            "SELECT o.movie, o.stars, CASE WHEN o.marked_at = o.given_at THEN o.mark END, "
            "o.given_at FROM {s}.opinions o "
            "JOIN {s}.visitors v ON v.number = o.visitor WHERE v.secret = %s"
        )
        rows = connection.execute(query, (key,)).fetchall()
        return [
            (json.loads(movie), (mark or "hidden") if stars is None else stars, at)
            for movie, stars, mark, at in rows
        ]

    def _change(self, connection: Connection, key: bytes, change: Change) -> None:
        # Only these need to see what is there, or to be taken back by an error.
        if change.waited or (change.erase and change.given):
            with connection.short_transaction():
                if change.waited:
                    connection.execute(self._sql(_LOCK), {"key": key})
                    change = change.after(self._rows(connection, key))
                self._write(connection, key, change)
        else:
            self._write(connection, key, change)

    def _write(self, connection: Connection, key: bytes, change: Change) -> None:
        """Write the change in one round trip; nothing of it if it is too much.

        Raises:
            ProfileError: the visitor would keep too many ratings, or there is no room for one more
                visitor.
        """
        limits, now = self._limits, int(time.time())
        if len(change.given) > limits.ratings:
            raise too_many(self.place, limits)
        statements = [*LEAVE, _ERASE] if change.erase else [_LOCK]
        if change.given:
            statements += _ADD_VISITOR
        if change.removed:
            statements.append(_REMOVE + (" AND " + _WITHIN_LIMIT if change.given else ""))
        if change.given:
            statements.append(_INSERT_WITHIN_LIMIT)
        values = {
            "key": key,
            "now": now,
            "expired": now - RETENTION_SECONDS,
            "idle": now - MIN_EVICTION_SECONDS,
            "max_visitors": limits.visitors,
            "max_ratings": limits.ratings,
            "lock": self._lock_key("newcomers"),
            "removed": [json.dumps(movie) for movie in change.removed],
            **_columns(change.given),
        }
        done = connection.run_batch(map(self._sql, statements), values)
        if not change.given:
            return
        fits, visitors = _one(done)
        if fits is False:
            raise too_many(self.place, limits)
        if visitors is not None and visitors >= limits.visitors:
            raise store_full(self.place, visitors)
        if visitors is not None:  # erased by another server just before the lock was taken
            self._write(connection, key, change)

    def _lock_key(self, what: str) -> int:
        """A number that all servers of this data set know this lock by."""
        name = f"matinee {self._schema} {what}".encode()
        return int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)


def _one(cursor: Cursor[tuple[Any, ...]]) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row


def _columns(given: Given) -> dict[str, list[Any]]:
    """Return the values of `_INSERT`, of one type in each list as an array asks for."""
    return {
        "movies": [json.dumps(movie) for movie in given],
        "stars": [None if isinstance(said, str) else float(said) for said, _ in given.values()],
        "marks": [said if isinstance(said, str) else None for said, _ in given.values()],
        "times": [at for _, at in given.values()],
    }
