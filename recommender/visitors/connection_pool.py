"""A few connections to one PostgreSQL database that may be away, slow or restarted at any moment.

Imports psycopg, which takes 6 MB; so only what was told to use a database imports this.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_attempts, conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from recommender.core.errors import ProfileError, SettingsError
from recommender.visitors.postgres_errors import NoHostError, is_readable, is_stale, reason
from recommender.visitors.records import StoreAwayError

if TYPE_CHECKING:
    from psycopg.abc import ConnDict, PQGen

T = TypeVar("T")
# How long a visitor may wait for a database that does not answer.
PATIENCE = 3.0
_MOST = 4
# What is silent is asked after 30 seconds, and given up after 15 more; what is sent and not
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

    The server's own limits are of no use when it is the server that hangs.
    """

    deadline = float("inf")
    patience = PATIENCE

    @contextmanager
    def short_transaction(self) -> Iterator[None]:
        """A transaction that the server ends, and with it its locks, should this process freeze.

        The limits are the transaction's alone: behind a pooler like PgBouncer the session is
        everybody's, and what is set in it stays for whoever comes next.
        """
        with self.transaction():
            self.execute(
                f"SET LOCAL statement_timeout = {int(1000 * self.patience)}; SET LOCAL "
                f"idle_in_transaction_session_timeout = {int(4000 * self.patience)}".encode()
            )
            yield

    def wait(self, gen: PQGen[T], *given: Any, **named: Any) -> T:
        try:
            return super().wait(self._until_deadline(gen), *given, **named)
        except psycopg.OperationalError:
            if time.monotonic() >= self.deadline:
                self.close()  # an answer that came later would be taken for another's
            raise

    def _until_deadline(self, gen: PQGen[T]) -> PQGen[T]:
        """The same steps; psycopg makes one ten times a second, even while nothing comes."""
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


class Database:
    """Runs work in a database; every call ends after `patience` seconds, whatever happens there.

    Args:
        address: as libpq reads it. It is never shown: `place` is host and database.

    Raises:
        SettingsError: `address` cannot be read.
    """

    def __init__(self, address: str, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._free = threading.BoundedSemaphore(_MOST)
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
        """What `work` returns; it may be begun again, so doing it twice must be doing it once.

        Connections that broke while they lay idle, as all do when the server is restarted, are
        replaced. What writes or waits for a lock belongs in ``connection.short_transaction()``;
        other statements may be alone.

        Raises:
            StoreAwayError: the database cannot be reached, does not answer, or refuses the work.
            ProfileError: a value cannot be stored.
        """
        deadline = time.monotonic() + self._patience
        if not self._free.acquire(timeout=self._patience):
            raise self._away("all connections are busy")
        try:
            try:
                return self._on(self._taken(), deadline, work)
            except psycopg.Error as error:
                if not is_stale(error):
                    raise
                self._close_idle()  # they lead where this one led
                if time.monotonic() >= deadline:
                    raise
            return self._on(None, deadline, work)
        except psycopg.DataError as error:  # nothing that waiting would mend
            raise ProfileError(f"ratings in {self.place}: {reason(error)}") from error
        except psycopg.Error as error:
            raise self._away(reason(error), readable=is_readable(error)) from None
        finally:
            self._free.release()

    def close(self) -> None:
        """Close every connection, one that is used as soon as it is not any more."""
        self._closed = True
        self._close_idle()

    def _on(
        self, connection: Connection | None, deadline: float, work: Callable[[Connection], T]
    ) -> T:
        if connection is None:
            connection = self._opened(deadline)
        connection.deadline, connection.patience = deadline, self._patience
        try:
            return work(connection)
        finally:
            # Not idle is what was interrupted halfway.
            usable = not connection.closed and connection.info.transaction_status == _IDLE
            if usable and not self._closed:
                self._idle.append(connection)
            else:
                connection.close()

    def _taken(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _close_idle(self) -> None:
        while (connection := self._taken()) is not None:
            connection.close()

    def _opened(self, deadline: float) -> Connection:
        """A new connection to the first host that gives one; each has its share of the time."""
        hosts = _in_thread(self._hosts, deadline)
        failures: list[tuple[str, psycopg.Error]] = []
        for n, options in enumerate(hosts):
            now = time.monotonic()
            share = (deadline - now) / (len(hosts) - n)
            try:
                return _in_thread(partial(_connected, options), now + share)
            except psycopg.Error as error:
                failures.append((str(options.get("host") or options.get("hostaddr")), error))
        raise failures[0][1] if len(failures) == 1 else NoHostError(failures)

    def _hosts(self) -> list[ConnDict]:
        """Options for each address of each host, in the order in which they are tried."""
        try:
            return conninfo_attempts(self._options)
        except UnicodeError:  # no name can look like that
            raise psycopg.OperationalError("failed to resolve") from None

    def _away(self, why: str, *, readable: bool = False) -> StoreAwayError:
        return StoreAwayError(f"ratings in {self.place}: {why}", readable=readable)


def _connected(options: ConnDict) -> Connection:
    address = make_conninfo("", **options)
    return Connection.connect(address, autocommit=True, prepare_threshold=None)


def _in_thread(work: Callable[[], T], deadline: float) -> T:
    """What `work` returns or raises; looking up a host's name knows no time limit of its own."""
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
