"""A few connections to one PostgreSQL database that may be away, slow or restarted at any moment.

Imports psycopg, which takes 6 MB; so only what was told to use a database imports this.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from recommender.errors import ProfileError, SettingsError
from recommender.profile_records import StoreAwayError

if TYPE_CHECKING:
    from psycopg.abc import PQGen

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
# In SQL and not in the connection's options, which poolers like PgBouncer refuse. The last ends a
# transaction whose client was frozen, for it would keep its locks.
_SESSION = (
    f"SET statement_timeout = {int(1000 * PATIENCE)}; "
    f"SET idle_in_transaction_session_timeout = {int(4000 * PATIENCE)}"
)


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that breaks when `deadline` (as of `time.monotonic`) has passed.

    The server's own limits are of no use when it is the server that hangs.
    """

    deadline = float("inf")

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
        added = {name: value for name, value in _DEFAULTS.items() if name not in given}
        self._address = make_conninfo(address, **added)
        host = given.get("host") or given.get("hostaddr") or "localhost"
        self.place = f"{host}/{given.get('dbname') or given.get('user') or ''}"

    def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns; it may be begun again, so doing it twice must be doing it once.

        Connections that broke while they lay idle, as all do when the server is restarted, are
        replaced. Single statements are kept at once; others belong in ``connection.transaction()``.

        Raises:
            StoreAwayError: the database cannot be reached, does not answer, or refuses the work.
            ProfileError: a value cannot be stored.
        """
        deadline = time.monotonic() + self._patience
        if not self._free.acquire(timeout=self._patience):
            raise self._away(None, "all connections are busy")
        try:
            try:
                return self._on(self._taken(), deadline, work)
            except psycopg.OperationalError as error:
                if time.monotonic() >= deadline or not _is_stale(error):
                    raise
                self._close_idle()
            return self._on(None, deadline, work)
        except psycopg.DataError as error:  # nothing that waiting would mend
            raise ProfileError(f"ratings in {self.place}: {_reason(error)}") from error
        except psycopg.Error as error:
            known = time.monotonic() < deadline
            raise self._away(error, _reason(error) if known else "it does not answer") from None
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
        connection.deadline = deadline
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
        """A new connection, made in a thread: looking up a host's name knows no time limit."""
        made: SimpleQueue[Connection | Exception] = SimpleQueue()
        given_up = threading.Event()

        def connect() -> None:
            try:
                connection = Connection.connect(
                    self._address, autocommit=True, prepare_threshold=None
                )
                connection.execute(_SESSION)
            except Exception as error:
                made.put(error)
                return
            made.put(connection)
            if given_up.is_set():
                connection.close()

        threading.Thread(target=connect, name="postgres", daemon=True).start()
        try:
            found = made.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            given_up.set()
            if not made.empty() and isinstance(late := made.get(), Connection):
                late.close()
            raise psycopg.OperationalError("the deadline has passed") from None
        if isinstance(found, Exception):
            raise found
        return found

    def _away(self, error: psycopg.Error | None, reason: str) -> StoreAwayError:
        state = error.sqlstate if error is not None else None
        return StoreAwayError(f"ratings in {self.place}: {reason}", readable=state in _READABLE)


_IDLE = TransactionStatus.IDLE
# Nothing can be written, but read: wrong privileges, a standby, a full disk.
_READABLE = {"42501", "25006", "53100"}
# By state, see "PostgreSQL Error Codes" in its documentation.
_REASONS = {
    "42501": "the role may not write there; grant it, or give another in MATINEE_RATINGS_URL",
    "25006": "it can only be read now",
    "53100": "its disk is full",
    "53300": "it takes no more connections",
    "57014": "it took too long",
    "55P03": "it took too long",
    "57P01": "it was shut down",
    "57P02": "it crashed",
    "57P03": "it is starting or shutting down",
}
# A connection that was refused or not made has a message only. It is not shown, since it may name
# the user; these are its beginnings or parts in English.
_REFUSALS = {
    "password": "it refused the user or the password",
    "no password": "it refused the user or the password",
    "role": "it refused the user or the password",
    "no pg_hba.conf entry": "it lets nobody in from here",
    "database": "there is no such database",
    "sorry, too many": "it takes no more connections",
    "remaining connection": "it takes no more connections",
    "too many": "it takes no more connections",
    "the database system": "it is starting or shutting down",
}
_FAILURES = {
    "Connection refused": "nobody listens there",
    "failed to resolve": "no such host is known",
    "timeout expired": "it does not answer",
    "SSL": "no encrypted connection could be made",
    "no password supplied": "it asks for a password",
    "invalid": "an option of its address has a value that libpq does not know",
}


def _is_stale(error: psycopg.OperationalError) -> bool:
    """Whether it may work on another connection, or at another moment (class 40)."""
    state = error.sqlstate
    return state is None or state.startswith(("08", "40", "57P"))


def _reason(error: psycopg.Error) -> str:
    if error.sqlstate is not None:
        return _REASONS.get(error.sqlstate, f"it answered with error {error.sqlstate}")
    text, _, refusal = str(error).partition("FATAL:")
    if refusal:
        refusal = refusal.strip()
        found = [said for sign, said in _REFUSALS.items() if refusal.startswith(sign)]
        return found[0] if found else "it refused the connection"
    return next((said for sign, said in _FAILURES.items() if sign in text), "it cannot be reached")
