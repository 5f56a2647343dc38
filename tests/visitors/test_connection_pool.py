"""The connections: what happens when the database at their other end does not behave."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psycopg
import pytest

from recommender.core.errors import ProfileError, SettingsError
from recommender.visitors.connection_pool import Connection, ConnectionPool
from recommender.visitors.records import StoreUnavailableError
from tests.support.postgres import PASSWORD, Place


@contextmanager
def stalled() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://me:{PASSWORD}@127.0.0.1:{server.getsockname()[1]}/films"


def one(connection: Connection) -> object:
    row = connection.execute("SELECT 1").fetchone()
    assert row is not None
    return row[0]


def backend(connection: Connection) -> object:
    return connection.execute("SELECT pg_backend_pid()").fetchone()


def test_connections_are_used_again(place: Place) -> None:
    database = ConnectionPool(place.url)
    assert len({database.run(backend) for _ in range(5)}) == 1
    assert database.place == "127.0.0.1/postgres"
    database.close()


def test_a_unix_socket_serves_too(place: Place) -> None:
    address = f"postgresql:///postgres?host={place.server.folder}&port={place.server.port}"
    database = ConnectionPool(f"{address}&user=matinee&password={PASSWORD}")
    assert database.run(one) == 1
    assert database.place == f"{place.server.folder}/postgres"
    database.close()


def test_so_does_ipv6(place: Place) -> None:
    with suppress(OSError), socket.create_connection(("::1", place.server.port)):
        database = ConnectionPool(place.url.replace("127.0.0.1", "[::1]"))
        assert database.run(one) == 1
        assert database.place == "::1/postgres"
        database.close()
        return
    pytest.skip("this machine has no IPv6")


def test_so_many_connections_and_no_more(place: Place) -> None:
    database = ConnectionPool(place.url)

    def hold(connection: Connection) -> int:
        connection.execute("SELECT pg_sleep(0.05)")
        return connection.info.backend_pid

    with ThreadPoolExecutor(20) as threads:
        found = set(threads.map(lambda _: database.run(hold), range(40)))
    assert 1 < len(found) <= 4
    database.close()


def test_whoever_waits_for_a_connection_waits_no_longer_either(place: Place) -> None:
    database = ConnectionPool(place.url, timeout=0.5)
    end = threading.Event()
    with ThreadPoolExecutor(4) as threads:
        for _ in range(4):
            threads.submit(database.run, lambda connection: (one(connection), end.wait(20)))
        time.sleep(0.3)
        with pytest.raises(StoreUnavailableError, match="all connections are busy"):
            database.run(one)
        end.set()
    assert database.run(one) == 1
    database.close()


def test_stale_connections_are_replaced_after_a_restart(place: Place) -> None:
    database = ConnectionPool(place.url)
    for end in (place.server.stop, place.server.kill):
        before = database.run(backend)
        end()
        place.server.start()
        assert database.run(backend) != before
    database.close()


def test_a_server_that_is_not_there(place: Place) -> None:
    database = ConnectionPool(place.url)
    place.server.kill()
    for _ in range(2):
        with pytest.raises(
            StoreUnavailableError, match=r"^ratings in 127.0.0.1/postgres: nobody listens"
        ):
            database.run(one)
    place.server.start()
    assert database.run(one) == 1
    database.close()


@pytest.mark.parametrize("connected", [False, True])
def test_a_server_that_never_answers(place: Place, connected: bool) -> None:
    database = ConnectionPool(place.url, timeout=0.5)
    if connected:
        database.run(one)
    place.server.freeze()
    try:
        with pytest.raises(StoreUnavailableError, match="/postgres: it does not answer") as error:
            # A connection's own process is not frozen with the server; so nobody gets a new one.
            database.run(lambda connection: connection.execute("SELECT pg_sleep(20)"))
    finally:
        place.server.thaw()
    assert not error.value.readable
    assert database.run(one) == 1
    database.close()


def test_something_else_that_listens_and_never_answers() -> None:
    expected = pytest.raises(StoreUnavailableError, match=r"127\.0\.0\.1/films: it does not answer")
    with stalled() as address, expected:
        ConnectionPool(address, timeout=0.3).run(one)


def test_an_answer_that_comes_too_late_is_nobody_elses(place: Place) -> None:
    database = ConnectionPool(place.url, timeout=0.4)
    with pytest.raises(StoreUnavailableError, match="it does not answer"):
        database.run(lambda connection: connection.execute("SELECT 99 FROM pg_sleep(0.6)"))
    time.sleep(0.5)
    assert database.run(one) == 1
    database.close()


def test_the_server_ends_what_takes_too_long_by_itself(place: Place) -> None:
    database = ConnectionPool(place.url, timeout=0.3)

    def sleep(connection: Connection) -> None:
        connection.deadline = float("inf")
        with connection.short_transaction():
            connection.execute("SELECT pg_sleep(20)")

    with pytest.raises(StoreUnavailableError, match="it took too long"):
        database.run(sleep)
    assert database.run(one) == 1
    database.close()


@pytest.mark.parametrize("through", ["place", "bouncer"])
def test_the_locks_of_a_process_that_froze_are_given_back(
    through: str, request: pytest.FixtureRequest, place: Place
) -> None:
    database = ConnectionPool(request.getfixturevalue(through).url, timeout=0.3)
    locked, thawed = threading.Event(), threading.Event()

    def freeze(connection: Connection) -> None:
        with connection.short_transaction():
            connection.execute("SELECT pg_advisory_xact_lock(7)")
            locked.set()
            thawed.wait(20)
            connection.execute("SELECT 1")

    with ThreadPoolExecutor(1) as threads:
        frozen = threads.submit(database.run, freeze)
        assert locked.wait(20)
        try:
            place.execute("SET statement_timeout = 10000; SELECT pg_advisory_lock(7)")
        finally:
            thawed.set()
        with pytest.raises(StoreUnavailableError):
            frozen.result()
    assert database.run(one) == 1
    database.close()


def test_work_that_is_interrupted_leaves_no_transaction_behind(place: Place) -> None:
    database = ConnectionPool(place.url)

    def work(connection: Connection) -> None:
        connection.execute("BEGIN")
        connection.execute("CREATE SCHEMA " + place.schema)
        raise MemoryError

    with pytest.raises(MemoryError):
        database.run(work)
    assert database.run(one) == 1
    assert place.execute("SELECT to_regnamespace('{s}')") == [(None,)]
    database.close()


def test_a_value_that_cannot_be_stored_is_no_reason_to_wait(place: Place) -> None:
    database = ConnectionPool(place.url)
    with pytest.raises(ProfileError, match="answered with error 22012") as error:
        database.run(lambda connection: connection.execute("SELECT 1 / 0"))
    assert error.value.reason == "storage"
    database.close()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (PASSWORD, "wrong-one", "it refused the user or the password"),
        (f":{PASSWORD}", "", "it asks for a password"),
        ("matinee:", "stranger:", "it refused the user or the password"),
        ("/postgres", "/no-such", "there is no such database"),
        ("127.0.0.1", "no-such.invalid", "no such host is known"),
        ("127.0.0.1", "no..such", "no such host is known"),
        ("127.0.0.1", "%2Fno-such", "nobody listens there"),
        (
            "/postgres",
            "/postgres?sslmode=require",
            "it offers no encryption, which sslmode asks for",
        ),
        ("/postgres", "/postgres?sslmode=bogus", "an option of its address has a value that"),
    ],
)
def test_why_it_cannot_be_used_is_said_and_nothing_secret(
    place: Place, old: str, new: str, reason: str
) -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        ConnectionPool(place.url.replace(old, new)).run(one)
    assert reason in str(caught.value)
    for secret in (PASSWORD, "wrong-one", "matinee", "stranger"):
        assert secret not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("address", ["postgresql://u:s3cret%zz@h/d", "postgresql://h/d?s3cret=1"])
def test_an_address_that_cannot_be_read_is_not_shown(address: str) -> None:
    with pytest.raises(SettingsError, match=r"^MATINEE_RATINGS_URL=…: give postgres") as caught:
        ConnectionPool(address)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_the_address_says_comes_before_our_own_limits(place: Place) -> None:
    database = ConnectionPool(f"{place.url}?application_name=other")
    name = database.run(lambda connection: connection.info.get_parameters()["application_name"])
    assert name == "other"
    database.close()


def test_a_lock_that_another_holds_is_waited_for_in_vain(place: Place) -> None:
    place.execute("CREATE SCHEMA {s}")
    place.execute("CREATE TABLE {s}.films (id integer)")
    database = ConnectionPool(place.url, timeout=0.5)
    query = f"SELECT count(*) FROM {place.schema}.films".encode()
    with psycopg.connect(place.url) as other:
        other.execute(f"LOCK TABLE {place.schema}.films".encode())
        with pytest.raises(StoreUnavailableError):
            database.run(lambda connection: connection.execute(query))
    assert database.run(lambda connection: connection.execute(query).fetchone()) == (0,)
    database.close()
