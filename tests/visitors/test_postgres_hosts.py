"""The connections, when the address names several hosts."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from recommender.visitors.connection_pool import Connection, ConnectionPool
from recommender.visitors.postgres_store import PostgresStore
from recommender.visitors.records import StoreUnavailableError
from recommender.visitors.write_behind import WriteBehindStore
from tests.support.postgres import PASSWORD, Place, Server, execute, free_port, running, until

ME = "a" * 32


@pytest.fixture
def standby(place: Place) -> Iterator[Server]:
    """One that follows the server of `place`."""
    with running(of=place.server) as server:
        yield server


def address(*ports: int, more: str = "") -> str:
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"postgresql://matinee:{PASSWORD}@{hosts}/postgres{more}"


def port_of(connection: Connection) -> int:
    with connection.short_transaction():
        return connection.info.port


def test_the_first_is_dead(place: Place) -> None:
    database = ConnectionPool(address(free_port(), place.server.port))
    assert database.run(port_of) == place.server.port
    assert database.place == "127.0.0.1,127.0.0.1/postgres"
    database.close()


def test_the_first_never_answer_and_the_last_has_its_turn(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        database = ConnectionPool(
            address(port, port, place.server.port, more="?connect_timeout=60")
        )
        assert database.run(port_of) == place.server.port
    database.close()


def test_of_none_that_can_be_used_the_reasons_are_said() -> None:
    with socket.create_server(("127.0.0.2", 0)) as silent:
        hosts = address(silent.getsockname()[1], free_port())
        with pytest.raises(StoreUnavailableError) as caught:
            ConnectionPool(hosts.replace("127.0.0.1", "127.0.0.2", 1), timeout=0.5).run(port_of)
    assert str(caught.value) == (
        "ratings in 127.0.0.2,127.0.0.1/postgres: "
        "127.0.0.2: it does not answer; 127.0.0.1: nobody listens there"
    )
    with pytest.raises(StoreUnavailableError, match=r"/postgres: nobody listens there$"):
        ConnectionPool(address(free_port(), free_port())).run(port_of)


def test_there_are_as_many_ports_as_hosts() -> None:
    database = ConnectionPool(f"postgresql://me:{PASSWORD}@a,b/films?port=1,2,3")
    with pytest.raises(
        StoreUnavailableError, match="a,b/films: an option of its address has a value"
    ):
        database.run(port_of)


def test_a_standby_is_passed_over_and_serves_when_it_is_asked_for(
    place: Place, standby: Server
) -> None:
    database = ConnectionPool(address(standby.port, place.server.port))
    assert database.run(port_of) == place.server.port
    database.close()
    with pytest.raises(
        StoreUnavailableError, match=r"1: it can only be read now; 127\.0\.0\.1: nobody"
    ):
        ConnectionPool(address(standby.port, free_port())).run(port_of)

    any_of_them = "?target_session_attrs=any"
    database = ConnectionPool(
        address(place.server.port, standby.port, more=any_of_them), timeout=1.0
    )
    together = threading.Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: database.run(lambda _: together.wait(20)), range(4)))
    place.server.freeze(wholly=True)
    try:
        with pytest.raises(StoreUnavailableError, match="it does not answer"):
            database.run(port_of)
        # Not one of the other three, which hang as well.
        assert database.run(port_of) == standby.port
    finally:
        place.server.thaw()
    database.close()


@pytest.mark.slow
def test_ratings_go_where_they_can_be_written(place: Place, standby: Server) -> None:
    hosts = address(place.server.port, standby.port)
    store = WriteBehindStore(PostgresStore(hosts, place.schema), retry_seconds=0.05)

    def is_kept(server: Server, movie: int) -> bool:
        query = f"SELECT count(*) FROM {place.schema}.opinions WHERE movie = '{movie}'"
        return execute(server.url, query) == [(1,)]

    store.rate(ME, {1: 1.0})
    ((written,),) = place.execute("SELECT pg_current_wal_lsn()")
    replayed = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
    until(lambda: execute(standby.url, replayed) == [(True,)])
    place.server.freeze(wholly=True)
    try:
        store.rate(ME, {2: 2.0})
        assert store.ratings_of(ME).unsaved == {2}
        execute(standby.url, "SELECT pg_promote()")
        until(lambda: not store.ratings_of(ME).unsaved)
    finally:
        place.server.thaw()
    assert store.ratings_of(ME).stars == {1: 1.0, 2: 2.0}
    assert is_kept(standby, 2)
    assert not is_kept(place.server, 2)

    # Connections outlive that a server is told to take nothing any more.
    execute(standby.url, "ALTER SYSTEM SET default_transaction_read_only = on")
    execute(standby.url, "SELECT pg_reload_conf()")
    until(lambda: execute(standby.url, "SHOW transaction_read_only") == [("on",)])
    store.rate(ME, {3: 3.0})
    until(lambda: is_kept(place.server, 3))
    store.close()
