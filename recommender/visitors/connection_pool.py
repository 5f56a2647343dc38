"""A connection pool for one PostgreSQL database that may be away, slow or restarted at any moment.

Imports psycopg, which takes 6 MB, so it is imported only where MATINEE_RATINGS_URL is set.
docs/decisions.md says why it is not psycopg_pool.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import ClientCursor, Cursor, sql
from psycopg.conninfo import conninfo_attempts, conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from recommender.core.errors import ProfileError, SettingsError
from recommender.visitors.postgres_errors import NoHostError, is_readable, is_stale, reason
from recommender.visitors.records import StoreUnavailableError

if TYPE_CHECKING:
    from psycopg.abc import ConnDict, PQGen

T = TypeVar("T")
# Seconds that a visitor may wait for a database that does not answer.
TIMEOUT_SECONDS = 3.0
MAX_CONNECTIONS = 4
# A silent connection is probed after 30 seconds and given up after 15 more; what is sent and not
# acknowledged, after two. See "Parameter Key Words" in libpq's documentation.
_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": 3,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 2000,
    "application_name": "matinee",
}


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that breaks when `deadline` (as of `time.monotonic`) has passed.

    The server's own limits are of no use when it is the server that hangs. Values are written into
    the statements (`psycopg.ClientCursor`), so that several statements can be one message.

    Attributes:
        deadline: when to give up.
        timeout: seconds after which the server itself ends a transaction.
        clock_offset: what to add to `time.monotonic` for the server's time in seconds since 1970.
    """

    deadline = float("inf")
    clock_offset = 0.0
    timeout = TIMEOUT_SECONDS

    @contextmanager
    def short_transaction(self) -> Iterator[None]:
        """Begin a transaction that the server ends, and with it its locks, should this process
        freeze.

        The limits are the transaction's alone: behind a pooler like PgBouncer the session is
        everybody's, and what is set in it stays for whoever comes next.
        """
        with self.transaction():
            self.execute(self._limits())
            yield

    def run_batch(
        self, statements: Iterable[sql.Composed], values: Mapping[str, object]
    ) -> Cursor[tuple[Any, ...]]:
        """Run the statements as one short transaction in one round trip.

        They travel as one message, so no lock is held while this process does something else. Each
        sees what the ones before it did, and what others committed while it waited for a lock. A
        server that hung runs none of them after `deadline`: by then they may have been repeated,
        and what they write may be out of date.

        Args:
            values: of the named placeholders of all statements.

        Returns:
            A cursor at the result of the last statement.
        """
        cursor = ClientCursor(self)
        texts = (cursor.mogrify(statement, values).encode() for statement in statements)
        # Whoever sees the error of a division by zero has a wrong idea of the server's clock.
        latest = f"to_timestamp('{self.deadline + self.clock_offset:.3f}')"
        fence = f"SELECT 1 / (clock_timestamp() < {latest})::int".encode()
        try:
            cursor.execute(b"; ".join([fence, self._limits(), *texts]))
        except psycopg.errors.DivisionByZero:
            self.close()
            raise psycopg.OperationalError("the deadline has passed") from None
        while cursor.nextset():
            pass
        return cursor

    def _limits(self) -> bytes:
        return (
            f"SET LOCAL statement_timeout = {int(1000 * self.timeout)}; SET LOCAL "
            f"idle_in_transaction_session_timeout = {int(4000 * self.timeout)}".encode()
        )

    def wait(self, gen: PQGen[T], *given: Any, **named: Any) -> T:
        """Wait for the server's answer until the deadline; a connection that misses it is closed.

        Raises:
            psycopg.OperationalError: no answer came in time, or the connection broke.
        """
        try:
            return super().wait(self._until_deadline(gen), *given, **named)
        except psycopg.OperationalError:
            if time.monotonic() >= self.deadline:
                self.close()  # an answer that came later would be taken for another's
            raise

    def _until_deadline(self, gen: PQGen[T]) -> PQGen[T]:
        """Yield the steps of `gen`; psycopg makes one ten times a second, even when idle."""
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() >= self.deadline:
                    raise psycopg.OperationalError("the deadline has passed")
                wanted = gen.send(ready)
        except StopIteration as done:
            found: T = done.value
            return found


class ConnectionPool:
    """At most `MAX_CONNECTIONS` connections; every call ends within `timeout` seconds.

    Args:
        address: as libpq reads it. It is never shown: `place` is host and database.
        timeout: seconds, whatever happens at the other end.

    Raises:
        SettingsError: `address` cannot be read.
    """

    def __init__(self, address: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._timeout = timeout
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._idle: list[Connection] = []
        self._closed = False
        try:
            given = conninfo_to_dict(address)
        except psycopg.ProgrammingError:  # whose message quotes the address
            raise SettingsError(
                "MATINEE_RATINGS_URL=…: give postgresql://USER:PASSWORD@HOST/DATABASE; what "
                "stands for itself in a name or password is written as % and its code"
            ) from None
        host = str(given.get("host") or given.get("hostaddr") or "localhost")
        # Of several hosts all but one are standbys, and ratings are to be written.
        wanted = {"target_session_attrs": "read-write"} if "," in host else {}
        self._options: ConnDict = {**_DEFAULTS, **wanted, **given}
        self.place = f"{host}/{given.get('dbname') or given.get('user') or ''}"

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, with one retry on a new connection; so `work` is idempotent.

        The retry is for connections that broke while they lay idle, as all do when the server is
        restarted. What writes or waits for a lock belongs in ``connection.run_batch()`` or
        ``connection.short_transaction()``; other statements may be alone.

        Raises:
            StoreUnavailableError: the database cannot be reached, does not answer, or refuses the
                work.
            ProfileError: a value cannot be stored.
        """
        deadline = time.monotonic() + self._timeout
        if not self._free.acquire(timeout=self._timeout):
            raise self._unavailable("all connections are busy")
        try:
            try:
                return self._run_on(self._take_idle(), deadline, work)
            except psycopg.Error as error:
                if not is_stale(error):
                    raise
                self._close_idle()  # they lead where this one led
                if time.monotonic() >= deadline:
                    raise
            return self._run_on(None, deadline, work)
        except psycopg.DataError as error:  # nothing that waiting would mend
            raise ProfileError(f"ratings in {self.place}: {reason(error)}") from error
        except psycopg.Error as error:
            raise self._unavailable(reason(error), readable=is_readable(error)) from None
        finally:
            self._free.release()

    def close(self) -> None:
        """Close every connection; one that is in use as soon as it comes back."""
        self._closed = True
        self._close_idle()

    def _run_on(
        self, connection: Connection | None, deadline: float, work: Callable[[Connection], T]
    ) -> T:
        if connection is None:
            connection = self._connect(deadline)
        connection.deadline, connection.timeout = deadline, self._timeout
        try:
            return work(connection)
        finally:
            # Not idle is what was interrupted halfway.
            usable = not connection.closed and connection.info.transaction_status == _IDLE
            if usable and not self._closed:
                self._idle.append(connection)
            else:
                connection.close()

    def _take_idle(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _close_idle(self) -> None:
        while (connection := self._take_idle()) is not None:
            connection.close()

    def _connect(self, deadline: float) -> Connection:
        """Return a new connection to the first host that gives one; each has its share of the
        time."""
        hosts = _in_thread(self._hosts, deadline)
        failures: list[tuple[str, psycopg.Error]] = []
        for n, options in enumerate(hosts):
            now = time.monotonic()
            end = now + (deadline - now) / (len(hosts) - n)
            try:
                return _in_thread(partial(_open, options, end), end)
            except psycopg.Error as error:
                failures.append((str(options.get("host") or options.get("hostaddr")), error))
        raise failures[0][1] if len(failures) == 1 else NoHostError(failures)

    def _hosts(self) -> list[ConnDict]:
        """Return options for each address of each host, in the order in which they are tried."""
        try:
            return conninfo_attempts(self._options)
        except UnicodeError:  # no name can look like that
            raise psycopg.OperationalError("failed to resolve") from None

    def _unavailable(self, why: str, *, readable: bool = False) -> StoreUnavailableError:
        return StoreUnavailableError(f"ratings in {self.place}: {why}", readable=readable)


def _open(options: ConnDict, deadline: float) -> Connection:
    address = make_conninfo("", **options)
    connection = Connection.connect(
        address, autocommit=True, prepare_threshold=None, cursor_factory=ClientCursor
    )
    connection.deadline, asked = deadline, time.monotonic()
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    connection.clock_offset = (row[0] if row else 0.0) - asked
    return connection


def _in_thread(work: Callable[[], T], deadline: float) -> T:
    """Return or raise what `work` does, within `deadline`: looking up a host's name knows no time
    limit of its own."""
    done: SimpleQueue[T | Exception] = SimpleQueue()
    given_up = threading.Event()

    def run() -> None:
        try:
            found = work()
        except Exception as error:
            done.put(error)
            return
        done.put(found)
        if given_up.is_set():
            _close(found)

    threading.Thread(target=run, name="postgres", daemon=True).start()
    try:
        found = done.get(timeout=max(0.0, deadline - time.monotonic()))
    except Empty:
        given_up.set()
        if not done.empty():
            _close(done.get())
        raise psycopg.OperationalError("the deadline has passed") from None
    if isinstance(found, Exception):
        raise found
    return found


def _close(late: object) -> None:
    if isinstance(late, Connection):
        late.close()


_IDLE = TransactionStatus.IDLE
