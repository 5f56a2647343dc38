"""Ratings while their database is away."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from recommender.core.errors import ProfileError
from recommender.visitors import records, write_behind
from recommender.visitors.postgres_store import PostgresStore
from recommender.visitors.records import Limits, VisitorRatings
from recommender.visitors.write_behind import WriteBehindStore
from tests.support.pgbouncer import Bouncer
from tests.support.postgres import PASSWORD, Place, until

ME, OTHER = "a" * 32, "b" * 32
Open = Callable[..., WriteBehindStore]


@pytest.fixture
def stores(place: Place) -> Iterator[Open]:
    """Opens a store that asks often; `url` and limits may be other ones."""
    opened = []

    def open_one(url: str = place.url, max_pending: int = 100, **limits: int) -> WriteBehindStore:
        database = PostgresStore(url, place.schema, Limits(**limits))
        opened.append(WriteBehindStore(database, retry_seconds=0.05, max_pending=max_pending))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


def all_saved(store: WriteBehindStore, secret: str = ME) -> bool:
    said = store.ratings_of(secret)
    return said.read == "now" and not said.unsaved and not said.erasing


def test_while_all_is_well_it_is_the_database(stores: Open) -> None:
    first, second = stores(), stores()
    first.rate(ME, {1: 4.0})
    first.mark(ME, 2, "hidden")
    assert second.ratings_of(ME).stars == {1: 4.0}
    second.remove(ME, 1)
    assert first.ratings_of(ME) == VisitorRatings(marks=second.ratings_of(ME).marks)
    assert first.trouble() is None
    first.delete(ME)
    assert second.ratings_of(ME) == VisitorRatings()


def test_killed_in_the_middle_nothing_is_lost(
    stores: Open, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    store = stores()
    store.rate(ME, {1: 1.0, 2: 2.0})
    store.mark(ME, 3, "hidden")
    store.ratings_of(ME)
    place.server.kill()
    store.rate(ME, {4: 4.0})
    store.remove(ME, 1)
    store.mark(OTHER, 9, "hidden")
    store.note_visit(ME)
    said = store.ratings_of(ME)
    assert (said.stars, said.marked("hidden"), said.read) == ({2: 2.0, 4: 4.0}, [3], "before")
    assert said.unsaved == {1, 4}
    other = store.ratings_of(OTHER)
    assert (other.marked("hidden"), other.unsaved, other.read) == ([9], {9}, "never")
    assert store.trouble() == (
        "ratings in 127.0.0.1/postgres: nobody listens there; changes that wait for it: 3"
    )
    place.server.start()
    until(lambda: all_saved(store) and all_saved(store, OTHER))
    assert store.trouble() is None
    assert stores().ratings_of(ME).stars == {2: 2.0, 4: 4.0}
    assert stores().ratings_of(OTHER).marked("hidden") == [9]
    assert [record.getMessage() for record in caplog.records] == [
        "ratings in 127.0.0.1/postgres: nobody listens there",
        "ratings in 127.0.0.1/postgres: back; changes saved: 3",
    ]


def test_killed_behind_a_pooler_nothing_is_lost_either(
    stores: Open, place: Place, bouncer: Bouncer
) -> None:
    store = stores(bouncer.url)
    store.rate(ME, {1: 1.0})
    place.server.kill()
    store.rate(ME, {2: 2.0})
    why = "its pooler cannot connect to it; changes that wait for it: 1"
    until(lambda: store.trouble() == f"ratings in 127.0.0.1/postgres: {why}")
    place.server.start()
    until(lambda: all_saved(store))
    assert stores().ratings_of(ME).stars == {1: 1.0, 2: 2.0}


def test_what_was_saved_a_moment_before_is_remembered(stores: Open, place: Place) -> None:
    store = stores()
    store.ratings_of(ME)
    store.rate(ME, {1: 1.0})
    place.server.kill()
    assert store.ratings_of(ME).stars == {1: 1.0}


def test_dead_from_the_start(stores: Open, place: Place) -> None:
    place.server.kill()
    store = stores()
    until(lambda: store.trouble() is not None)
    store.rate(ME, {1: 1.0})
    assert store.ratings_of(ME).stars == {1: 1.0}
    place.server.start()
    until(lambda: all_saved(store))
    assert stores().ratings_of(ME).stars == {1: 1.0}


def test_after_one_failure_nobody_waits(stores: Open, place: Place) -> None:
    store = stores()
    store.rate(ME, {1: 1.0})
    place.server.freeze()
    try:
        # A connection's own process still answers; so this needs another, which nobody gives.
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda n: store.rate(ME, {n: 1.0}), range(40)))
        store.rate(ME, {1: 5.0})
    finally:
        place.server.thaw()
    until(lambda: all_saved(store))
    assert store.ratings_of(ME).stars == {1: 5.0} | dict.fromkeys([0, *range(2, 40)], 1.0)


def test_while_it_is_known_to_be_away_it_is_not_asked(
    stores: Open, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stores()
    place.server.kill()
    until(lambda: store.ratings_of(ME).read != "now")

    def asked(*_given: object) -> None:
        raise AssertionError

    for method in ("ratings_of", "change", "note_visit"):
        monkeypatch.setattr(PostgresStore, method, asked)
    store.note_visit(ME)
    store.rate(ME, {1: 1.0})
    assert store.ratings_of(ME).stars == {1: 1.0}


def test_wrong_password_until_it_is_right(stores: Open, place: Place) -> None:
    address = place.url.replace("matinee:", f"{place.schema}:")
    place.execute(f"CREATE ROLE {{s}} SUPERUSER LOGIN PASSWORD 'not {PASSWORD}'")
    store = stores(address)
    store.rate(ME, {1: 1.0})
    assert "it refused the user or the password" in str(store.trouble())
    assert PASSWORD not in str(store.trouble())
    place.execute(f"ALTER ROLE {{s}} PASSWORD '{PASSWORD}'")
    until(lambda: all_saved(store))
    assert stores().ratings_of(ME).stars == {1: 1.0}
    store.close()
    place.execute("DROP SCHEMA {s} CASCADE; DROP ROLE {s}")


def test_what_may_only_be_read_is_read(stores: Open, place: Place) -> None:
    owner = stores()
    owner.rate(ME, {1: 1.0})
    store = stores(f"{place.url}?options=-c%20default_transaction_read_only%3Don")
    store.rate(ME, {2: 2.0})
    said = store.ratings_of(ME)
    assert (said.stars, said.unsaved, said.read) == ({1: 1.0, 2: 2.0}, {2}, "now")
    owner.rate(ME, {3: 3.0})
    assert store.ratings_of(ME).stars == {1: 1.0, 2: 2.0, 3: 3.0}
    assert "it can only be read now" in str(store.trouble())
    assert owner.ratings_of(ME).stars == {1: 1.0, 3: 3.0}


def test_deleting_everything_waits_too(stores: Open, place: Place) -> None:
    store = stores()
    store.rate(ME, {1: 1.0, 2: 2.0})
    store.ratings_of(ME)
    place.server.kill()
    store.delete(ME)
    said = store.ratings_of(ME)
    assert (said.ratings, said.erasing) == ([], True)
    store.rate(ME, {3: 3.0})
    assert store.ratings_of(ME).stars == {3: 3.0}
    place.server.start()
    until(lambda: all_saved(store))
    assert stores().ratings_of(ME).stars == {3: 3.0}


def test_of_what_waited_on_two_servers_the_later_word_counts(
    stores: Open, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_700_000_000]
    monkeypatch.setattr(records.time, "time", lambda: now[0])
    first, second = stores(), stores()
    first.rate(ME, {"removed": 1.0, "rated again": 1.0})
    place.server.kill()
    first._retry_seconds = 60.0
    for store, stars in ((first, 2.0), (second, 4.0)):
        now[0] += 5
        store.rate(ME, dict.fromkeys(["both", "both, at last", f"{stars} alone"], stars))
        store.remove(ME, "removed")
    now[0] += 5
    first.rate(ME, {"both, at last": 1.0})
    first.remove(ME, "rated again")
    now[0] += 5
    second.rate(ME, {"rated again": 3.0})
    place.server.start()
    until(lambda: all_saved(second))
    first.close()
    assert second.ratings_of(ME).stars == {
        "both": 4.0,
        "both, at last": 1.0,
        "2.0 alone": 2.0,
        "4.0 alone": 4.0,
        "rated again": 3.0,
    }


def test_a_clock_that_goes_back_takes_nothing_along(
    stores: Open, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_700_000_000]
    monkeypatch.setattr(records.time, "time", lambda: now[0])
    store = stores()
    store.rate(ME, {1: 1.0, 2: 2.0})
    store.ratings_of(ME)
    place.server.kill()
    now[0] -= 3600
    store.rate(ME, {1: 5.0})
    store.remove(ME, 2)
    place.server.start()
    until(lambda: all_saved(store))
    assert store.ratings_of(ME).stars == {1: 5.0}


def test_only_so_much_waits(stores: Open, place: Place) -> None:
    store = stores(max_pending=3, ratings=2)
    store.rate(ME, {1: 1.0})
    store.ratings_of(ME)
    place.server.kill()
    store.rate(ME, {2: 2.0})
    with pytest.raises(ProfileError) as error:  # known already
        store.rate(ME, {3: 3.0})
    assert error.value.reason == "too_many"
    store.rate(OTHER, {1: 1.0, 2: 1.0})
    with pytest.raises(ProfileError, match="nobody listens there; no more can wait") as error:
        store.mark("new", 1, "hidden")
    assert error.value.reason == "away"
    store.rate(ME, {2: 5.0})  # takes no more room
    place.server.start()
    until(lambda: all_saved(store) and all_saved(store, OTHER))
    assert store.ratings_of(ME).stars == {1: 1.0, 2: 5.0}
    assert store.ratings_of("new") == VisitorRatings()


def test_what_is_refused_in_the_end_is_said_once(stores: Open, place: Place) -> None:
    full = stores(visitors=1)
    full.rate(ME, {1: 1.0})
    place.server.kill()
    full.rate(OTHER, {1: 1.0, 2: 2.0})
    full.rate(ME, {2: 2.0})
    place.server.start()
    until(lambda: all_saved(full) and all_saved(full, OTHER))
    with pytest.raises(ProfileError, match=r"1 visitors; .*; changes given up: 2") as error:
        full.raise_rejected(OTHER)
    assert (error.value.reason, error.value.values) == ("given_up", {"count": 2})
    full.raise_rejected(OTHER)
    full.raise_rejected(ME)
    assert full.ratings_of(OTHER) == VisitorRatings()
    assert full.ratings_of(ME).stars == {1: 1.0, 2: 2.0}


def test_many_visitors_write_while_it_goes_and_comes(stores: Open, place: Place) -> None:
    first, second = stores(max_pending=10_000), stores(max_pending=10_000)

    def visit(visitor: int) -> None:
        store = (first, second)[visitor % 2]
        store.ratings_of(f"visitor {visitor}")  # as every page begins
        for movie in range(15):
            store.rate(f"visitor {visitor}", {movie: 3.0, "last": float(movie)})
            assert store.ratings_of(f"visitor {visitor}").stars["last"] == movie
            time.sleep(0.01)

    with ThreadPoolExecutor(21) as threads:
        visits = [threads.submit(visit, visitor) for visitor in range(20)]
        for _ in range(2):
            time.sleep(0.1)
            place.server.kill()
            place.server.start()
        for one in visits:
            one.result()
    until(lambda: first.trouble() is None and second.trouble() is None)
    expected = dict.fromkeys(range(15), 3.0) | {"last": 14.0}
    for visitor in range(20):
        until(lambda v=visitor: all_saved((first, second)[v % 2], f"visitor {v}"))  # type: ignore[misc]
        assert stores().ratings_of(f"visitor {visitor}").stars == expected
    assert place.execute("SELECT count(*), sum(1) FROM {s}.visitors") == [(20, 20)]


def test_what_is_remembered_is_bounded(
    stores: Open, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_behind, "_MAX_CACHED", 8)
    store = stores()
    for visitor in "abcd":
        store.rate(visitor, {1: 1.0, 2: 2.0})
        store.ratings_of(visitor)
    place.server.kill()
    found = {visitor: store.ratings_of(visitor).read for visitor in "abcd"}
    assert found == {"a": "never", "b": "never", "c": "before", "d": "before"}


def test_an_idle_server_finds_out_when_it_is_asked(
    stores: Open, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stores()
    until(lambda: store._healer is None)  # it has asked once, at the start
    place.server.kill()
    assert store.trouble() is None
    monkeypatch.setattr(write_behind, "_ASK_SECONDS", 0.0)
    until(lambda: store.trouble() is not None)


def test_what_waits_at_the_end_is_tried_once_more_and_counted(
    stores: Open, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.server.kill()
    store, other = stores(), stores()
    store.rate(ME, {1: 1.0, 2: 2.0})
    store.close()
    assert caplog.records[-1].getMessage() == (
        "ratings in 127.0.0.1/postgres: changes not saved: 2"
    )
    other.rate(OTHER, {1: 1.0})
    other._retry_seconds = 60.0
    place.server.start()
    other.close()
    assert stores().ratings_of(OTHER).stars == {1: 1.0}
