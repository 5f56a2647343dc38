"""The database of ratings, in what it does beside what every store does."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from recommender.core.errors import ProfileError
from recommender.visitors.connection_pool import ConnectionPool
from recommender.visitors.postgres_store import PostgresStore
from recommender.visitors.records import (
    Change,
    Limits,
    OwnMark,
    OwnRating,
    StoreUnavailableError,
    VisitorRatings,
    hashed,
)
from tests.support.postgres import PASSWORD, Place, until

ME, OTHER = "a" * 32, "b" * 32


class Proxy:
    """Passes bytes on to a PostgreSQL server, and counts the answers that end a round trip."""

    def __init__(self, port: int) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._to = ("127.0.0.1", port)
        self.port = self._server.getsockname()[1]
        self.round_trips = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            server = socket.create_connection(self._to)
            threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
            threading.Thread(target=self._count, args=(server, client), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), target:
            while data := source.recv(65536):
                target.sendall(data)

    def _count(self, source: socket.socket, target: socket.socket) -> None:
        """A message is its type, its length in four bytes, and the rest."""
        with suppress(OSError, EOFError), target, source.makefile("rb") as stream:
            while head := stream.read(5):
                message = head + stream.read(int.from_bytes(head[1:], "big") - 4)
                self.round_trips += head[:1] == b"Z"  # ReadyForQuery
                target.sendall(message)


def test_every_action_of_a_visitor_is_one_round_trip(place: Place) -> None:
    proxy = Proxy(place.server.port)
    url = f"{place.url}?sslmode=disable".replace(f":{place.server.port}/", f":{proxy.port}/")
    store = PostgresStore(url, place.schema, Limits(ratings=5))
    store.check()
    actions: list[tuple[Callable[[], object], bool]] = [
        (lambda: store.rate(ME, {1: 4.0}), True),  # somebody new
        (lambda: store.rate(ME, {1: 4.5}), True),
        (lambda: store.mark(ME, 2, "hidden"), True),
        (lambda: store.put(ME, [OwnRating(movie, 1.0, 5) for movie in (3, 4, 5)]), True),
        (lambda: store.change(ME, Change({6: (1.0, 5)}, frozenset([3]))), True),
        (lambda: store.rate(ME, {7: 4.0}), False),  # one too many
        (lambda: store.ratings_of(ME), True),
        (lambda: store.note_visit(ME), True),
        (lambda: store.remove(ME, 1), True),
        (lambda: store.take_over(hashed(OTHER), 0, {1: (4.0, 5), 2: ("hidden", 6)}), True),
        (lambda: store.delete(ME), True),
        (store.check, True),
    ]
    for act, allowed in actions:
        before = proxy.round_trips
        if allowed:
            act()
            assert proxy.round_trips - before == 1
        else:
            with pytest.raises(ProfileError, match="can keep 5 movies"):
                act()
    assert store.ratings_of(ME) == VisitorRatings()
    assert store.ratings_of(OTHER) == VisitorRatings(
        [OwnRating(1, 4.0, 5)], [OwnMark(2, "hidden", 6)]
    )
    store.close()
    proxy.close()


def test_what_a_server_took_before_it_froze_is_not_written_later(place: Place) -> None:
    store = PostgresStore(place.url, place.schema)
    store._pool = ConnectionPool(place.url, timeout=0.5)
    store.rate(ME, {1: 1.0})
    place.server.freeze(wholly=True)
    try:
        with pytest.raises(StoreUnavailableError, match="it does not answer"):
            store.rate(ME, {1: 2.0})
        time.sleep(0.2)
    finally:
        place.server.thaw()
    active = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'matinee' "
        f"AND query LIKE '%{place.schema}%'"  # a pooler keeps connections of earlier tests
    )
    until(lambda: place.execute(active) == [(0,)])  # nobody is left who could still write it
    assert store.ratings_of(ME).stars == {1: 1.0}
    store.rate(ME, {1: 3.0})
    assert store.ratings_of(ME).stars == {1: 3.0}
    store.close()


def test_a_clock_that_was_turned_forward_costs_a_new_connection_and_nothing_else(
    place: Place,
) -> None:
    store = PostgresStore(place.url, place.schema)
    store.rate(ME, {1: 1.0})
    (connection,) = store._pool._idle
    connection.clock_offset -= 3600
    store.rate(ME, {1: 2.0})
    assert store.ratings_of(ME).stars == {1: 2.0}
    assert connection.closed
    store.close()


def test_nothing_is_asked_before_it_is_needed() -> None:
    store = PostgresStore("postgresql://me:secret@127.0.0.1:1/films", "films")
    assert store.place == "127.0.0.1/films"
    store.close()


def test_it_holds_a_hash_of_the_secret_and_no_more(place: Place) -> None:
    store = PostgresStore(place.url, place.schema)
    store.rate(ME, {1: 4.0, "x": 2.0})
    kept = str(place.execute("SELECT * FROM {s}.visitors NATURAL FULL JOIN {s}.opinions"))
    assert '"x"' in kept
    assert ME not in kept
    store.close()


def test_each_schema_is_a_data_set_of_its_own(place: Place) -> None:
    first, second = (PostgresStore(place.url, place.schema + s) for s in ("", "_b"))
    first.rate(ME, {1: 1.0})
    second.rate(ME, {1: 5.0, 2: 5.0})
    assert first.ratings_of(ME).stars == {1: 1.0}
    second.delete(ME)
    assert first.ratings_of(ME).stars == {1: 1.0}
    place.execute("DROP SCHEMA {s}_b CASCADE")
    first.close()
    second.close()


def test_a_newer_version_is_left_alone(place: Place) -> None:
    store = PostgresStore(place.url, place.schema)
    store.check()
    place.execute("UPDATE {s}.about SET version = 2")
    newer = PostgresStore(place.url, place.schema)
    with pytest.raises(
        StoreUnavailableError, match="is of version 2, and this Matinee knows 1; run"
    ):
        newer.rate(ME, {1: 1.0})
    place.execute("UPDATE {s}.about SET version = 1")
    newer.rate(ME, {1: 1.0})
    store.close()
    newer.close()


# What a server from before the marks asks of the database.
OLD_TABLES = """
CREATE SCHEMA {s};
CREATE TABLE {s}.about (version integer NOT NULL);
INSERT INTO {s}.about VALUES (1);
CREATE TABLE {s}.visitors (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    secret bytea NOT NULL UNIQUE, used_at bigint NOT NULL);
CREATE TABLE {s}.opinions (
    visitor bigint NOT NULL REFERENCES {s}.visitors ON DELETE CASCADE,
    movie text COLLATE "C" NOT NULL, stars double precision, given_at bigint NOT NULL,
    PRIMARY KEY (visitor, movie));
"""
OLD_WRITE = """
INSERT INTO {{s}}.opinions AS o SELECT 1, g.* FROM
unnest('{{{movies}}}'::text[], '{{{stars}}}'::double precision[], '{{{times}}}'::bigint[]) AS g
ON CONFLICT (visitor, movie) DO UPDATE SET stars = excluded.stars, given_at = excluded.given_at
"""


def test_servers_from_before_the_marks_go_on_beside_newer_ones(place: Place) -> None:
    place.execute(OLD_TABLES)
    place.execute(
        f"INSERT INTO {{s}}.visitors (secret, used_at) VALUES ('\\x{hashed(ME).hex()}', 0)"
    )
    place.execute(OLD_WRITE.format(movies="1,2", stars="4,NULL", times="5,6"))
    store = PostgresStore(place.url, place.schema)
    assert store.ratings_of(ME).opinions == {1: 4.0, 2: "hidden"}
    store.put(ME, [], [OwnMark(movie, "saved", 10) for movie in (1, 3, 4)])
    # An older server rates one and hides another.
    place.execute(OLD_WRITE.format(movies="3,4,5", stars="2,NULL,NULL", times="11,11,11"))
    assert store.ratings_of(ME).opinions == {
        1: "saved",
        2: "hidden",
        3: 2.0,
        4: "hidden",
        5: "hidden",
    }
    assert place.execute("SELECT version FROM {s}.about") == [(1,)]  # or none of them could restart
    store.evenings.open(ME)
    assert store.evenings.of(ME) is not None
    store.mark(ME, 4, "seen")
    assert store.ratings_of(ME).opinions[4] == "seen"
    store.close()


def test_a_role_that_may_not_add_the_columns_says_so(place: Place) -> None:
    place.execute(OLD_TABLES)
    rights = "GRANT USAGE ON SCHEMA {s} TO {s}; GRANT ALL ON ALL TABLES IN SCHEMA {s} TO {s}"
    store = PostgresStore(make_role(place, rights), place.schema)
    with pytest.raises(StoreUnavailableError, match=r"ALTER TABLE .*ADD COLUMN"):
        store.rate(ME, {1: 1.0})
    owner = PostgresStore(place.url, place.schema)
    owner.check()
    store.rate(ME, {1: 1.0})
    assert store.ratings_of(ME).stars == {1: 1.0}
    store.close()
    owner.close()
    drop_role(place)


def test_tables_that_went_are_made_again(place: Place) -> None:
    store = PostgresStore(place.url, place.schema)
    store.rate(ME, {1: 1.0})
    place.execute("DROP SCHEMA {s} CASCADE")
    with pytest.raises(StoreUnavailableError, match="42P01"):
        store.ratings_of(ME)
    store.rate(ME, {2: 2.0})
    assert store.ratings_of(ME).stars == {2: 2.0}
    store.close()


def make_role(place: Place, rights: str) -> str:
    """The address for a role of the name of the schema, which may do only what is said."""
    place.execute(f"CREATE ROLE {{s}} LOGIN PASSWORD '{PASSWORD}'; {rights}")
    return place.url.replace("matinee:", f"{place.schema}:")


def drop_role(place: Place) -> None:
    place.execute("DROP OWNED BY {s} CASCADE")
    place.execute("DROP ROLE {s}")


def test_a_role_that_may_only_read_reads(place: Place) -> None:
    owner = PostgresStore(place.url, place.schema)
    owner.rate(ME, {1: 1.0})
    rights = "GRANT USAGE ON SCHEMA {s} TO {s}; GRANT SELECT ON ALL TABLES IN SCHEMA {s} TO {s}"
    store = PostgresStore(make_role(place, rights), place.schema)
    assert store.ratings_of(ME).stars == {1: 1.0}
    for act in (store.check, lambda: store.rate(ME, {2: 2.0}), lambda: store.note_visit(ME)):
        with pytest.raises(
            StoreUnavailableError, match="the role may not write there; grant it"
        ) as error:
            act()
        assert error.value.readable
    assert owner.ratings_of(ME).stars == {1: 1.0}
    place.execute("GRANT ALL ON ALL TABLES IN SCHEMA {s} TO {s}")
    store.check()
    store.rate(ME, {2: 2.0})
    assert owner.ratings_of(ME).stars == {1: 1.0, 2: 2.0}
    store.close()
    owner.close()
    drop_role(place)


def test_a_role_with_nothing_but_a_schema_of_its_own(place: Place) -> None:
    address = make_role(place, "CREATE SCHEMA {s} AUTHORIZATION {s}")
    store = PostgresStore(address, place.schema)
    store.rate(ME, {1: 1.0})
    assert store.ratings_of(ME).stars == {1: 1.0}
    store.close()
    drop_role(place)


def test_a_database_that_can_only_be_read(place: Place) -> None:
    owner = PostgresStore(place.url, place.schema)
    owner.rate(ME, {1: 1.0})
    address = f"{place.url}?options=-c%20default_transaction_read_only%3Don"
    store = PostgresStore(address, place.schema)
    assert store.ratings_of(ME).stars == {1: 1.0}
    with pytest.raises(StoreUnavailableError, match="it can only be read now") as error:
        store.rate(ME, {2: 2.0})
    assert error.value.readable
    store.close()
    owner.close()


def test_two_servers_that_meet_the_same_newcomer_make_one_of_them(place: Place) -> None:
    """The second waits for the first, which is held up halfway, and then sees its visitor."""
    first, second = (PostgresStore(place.url, place.schema, Limits(visitors=1)) for _ in range(2))
    first.check()
    second.check()
    place.execute(
        "CREATE FUNCTION {s}.slow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$;"
        "CREATE TRIGGER slow BEFORE INSERT ON {s}.visitors "
        "FOR EACH ROW EXECUTE FUNCTION {s}.slow()"
    )
    writing = threading.Thread(target=first.rate, args=(ME, {1: 1.0}))
    writing.start()
    time.sleep(0.1)
    second.rate(ME, {2: 2.0})
    writing.join()
    assert first.ratings_of(ME).stars == {1: 1.0, 2: 2.0}
    assert place.execute("SELECT count(*) FROM {s}.visitors") == [(1,)]
    first.close()
    second.close()


def test_two_that_write_the_same_movies_in_opposite_order_do_not_lock_up(place: Place) -> None:
    stores = [PostgresStore(place.url, place.schema) for _ in range(2)]
    movies = list(range(300))
    failed: list[Exception] = []

    def write(store: PostgresStore, order: list[int]) -> None:
        try:
            for n in range(10):
                store.rate(ME, dict.fromkeys(order, float(n)))
                store.delete(ME)
        except Exception as error:
            failed.append(error)

    threads = [
        threading.Thread(target=write, args=(stores[0], movies)),
        threading.Thread(target=write, args=(stores[1], movies[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    for store in stores:
        store.close()
