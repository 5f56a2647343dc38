"""Promises that every store of ratings keeps.

Each test runs with the file, with the database, and with the database behind a pooler that gives
every transaction another connection.
"""

import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recommender.core.errors import ProfileError, SettingsError
from recommender.settings.environment import Settings
from recommender.visitors.records import (
    DAY,
    MARKS,
    RETENTION_SECONDS,
    Change,
    Limits,
    Mark,
    OwnMark,
    OwnRating,
    ProfileStore,
    VisitorRatings,
)
from recommender.visitors.sqlite_store import SqliteStore
from recommender.visitors.stores import open_store
from recommender.visitors.write_behind import WriteBehindStore
from tests.support.postgres import Place
from tests.visitors.conftest import START, Open, opener

ME, OTHER = "a" * 32, "b" * 32


def test_ratings_are_kept_changed_and_removed(store: ProfileStore, clock: list[int]) -> None:
    store.rate(ME, {1: 4.0, "tt2": 0.5})
    clock[0] += 5
    store.rate(ME, {1: 3.5})
    assert store.ratings_of(ME).ratings == [
        OwnRating(1, 3.5, START + 5),
        OwnRating("tt2", 0.5, START),
    ]
    assert store.ratings_of(ME).stars == {1: 3.5, "tt2": 0.5}
    store.remove(ME, 1)
    store.remove(ME, "never rated")
    assert store.ratings_of(ME).stars == {"tt2": 0.5}
    assert store.trouble() is None


@pytest.mark.parametrize(
    "text", ["7", "", "기생충", "'; DROP TABLE visitors; --", "{s} %s", "a\0b"]
)
def test_a_number_and_any_text_are_movies(store: ProfileStore, text: str) -> None:
    store.rate(ME, {7: 1.0, text: 5.0})
    store.mark(ME, f"{text}!", "hidden")
    assert store.ratings_of(ME).stars == {7: 1.0, text: 5.0}
    assert store.ratings_of(ME).marked("hidden") == [f"{text}!"]


def test_of_the_same_second_the_order_is_that_of_the_ids(
    store: ProfileStore, clock: list[int]
) -> None:
    store.rate(ME, {"b": 1.0, 10: 1.0, "a": 1.0, 9: 1.0})
    clock[0] += 1
    store.rate(ME, {"z": 1.0})
    assert [rating.movie_id for rating in store.ratings_of(ME).ratings] == ["z", 9, 10, "a", "b"]


def test_a_movie_has_stars_or_one_mark_and_the_last_counts(
    store: ProfileStore, clock: list[int]
) -> None:
    store.rate(ME, {"rated": 4.0})
    acts: list[Mark] = ["saved", "seen", "hidden", "saved"]
    for movie, mark in enumerate(acts):
        clock[0] += 1
        store.mark(ME, movie, mark)
    assert store.ratings_of(ME).marks == [
        OwnMark(movie, acts[movie], START + 1 + movie) for movie in (3, 2, 1, 0)
    ]
    assert store.ratings_of(ME).marked("saved") == [3, 0]
    store.rate(ME, {0: 5.0})  # a saved movie that was watched
    store.mark(ME, 3, "seen")
    store.mark(ME, "rated", "hidden")
    assert store.ratings_of(ME).opinions == {
        0: 5.0,
        1: "seen",
        2: "hidden",
        3: "seen",
        "rated": "hidden",
    }
    store.remove(ME, 3)
    store.put(ME, [OwnRating(1, 2.0, 5)], [OwnMark(1, "saved", 6), OwnMark(2, "saved", 6)])
    assert store.ratings_of(ME).opinions == {0: 5.0, 1: 2.0, 2: "saved", "rated": "hidden"}
    store.delete(ME)
    assert store.ratings_of(ME) == VisitorRatings()


def test_hiding_and_rating_replace_each_other(store: ProfileStore, clock: list[int]) -> None:
    store.rate(ME, {1: 4.0})
    for movie in (1, 2):
        clock[0] += 1
        store.mark(ME, movie, "hidden")
    assert (store.ratings_of(ME).stars, store.ratings_of(ME).marked("hidden")) == ({}, [2, 1])
    store.rate(ME, {1: 2.0})
    store.remove(ME, 2)
    assert (store.ratings_of(ME).stars, store.ratings_of(ME).marked("hidden")) == ({1: 2.0}, [])


def test_of_several_ratings_for_a_movie_the_last_counts(store: ProfileStore) -> None:
    store.put(ME, [OwnRating(1, 1.0, 9), OwnRating(2, 2.0, 5), OwnRating(1, 3.0, 4)])
    assert store.ratings_of(ME).ratings == [OwnRating(2, 2.0, 5), OwnRating(1, 3.0, 4)]
    store.put(ME, [])
    store.put(OTHER, [])
    assert len(store.ratings_of(ME)) == 2


def test_visitors_do_not_see_each_other(store: ProfileStore) -> None:
    store.rate(ME, {1: 4.0})
    store.rate(OTHER, {1: 1.0, 2: 2.0})
    store.delete(OTHER)
    assert store.ratings_of(ME).stars == {1: 4.0}
    assert store.ratings_of(OTHER) == VisitorRatings()


def test_looking_writes_nothing(stores: Open) -> None:
    store = stores(Limits(visitors=1))
    store.note_visit(ME)
    assert store.ratings_of(ME).ratings == []
    store.remove(ME, 1)
    store.delete(ME)
    store.rate(OTHER, {1: 1.0})  # the one place is free


def test_a_restart_loses_nothing(stores: Open) -> None:
    store = stores()
    store.rate(ME, {1: 4.0})
    store.mark(ME, 2, "hidden")
    store.close()
    again = stores()
    assert (again.ratings_of(ME).stars, again.ratings_of(ME).marked("hidden")) == ({1: 4.0}, [2])


def write(store: ProfileStore, writer: int) -> None:
    """Twenty ratings of one shared visitor and of one of the writer's own."""
    for movie in range(20):
        store.rate(ME, {100 * writer + movie: 3.0, "shared": float(writer)})
        store.rate(f"own {writer}", {movie: 2.0})


def check_all_is_there(store: ProfileStore) -> None:
    stars = store.ratings_of(ME).stars
    assert stars.pop("shared") in range(20)
    assert stars == {100 * writer + movie: 3.0 for writer in range(20) for movie in range(20)}
    for writer in range(20):
        assert store.ratings_of(f"own {writer}").stars == dict.fromkeys(range(20), 2.0)


def test_twenty_threads_of_two_servers_lose_nothing(stores: Open) -> None:
    servers = stores(Limits(visitors=21)), stores(Limits(visitors=21))
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda writer: write(servers[writer % 2], writer), range(20)))
    check_all_is_there(servers[0])
    with pytest.raises(ProfileError, match="21 visitors"):  # no visitor is there twice
        servers[1].rate("one more", {1: 1.0})


def write_in_threads(where: tuple[str, tuple[str, str]], first: int) -> None:
    with ThreadPoolExecutor(5) as threads:
        list(threads.map(lambda n: write(opener(*where)(), n), range(first, first + 5)))


def test_four_processes_of_five_threads_lose_nothing(
    where: tuple[str, tuple[str, str]], store: ProfileStore
) -> None:
    # All of them find nothing there, and make the tables at once.
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=write_in_threads, args=(where, n)) for n in range(0, 20, 5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
    assert [process.exitcode for process in processes] == [0] * 4
    check_all_is_there(store)


def test_the_last_of_two_writers_wins(stores: Open) -> None:
    first, second = stores(), stores()
    first.rate(ME, {1: 1.0})
    second.rate(ME, {1: 2.0})
    assert first.ratings_of(ME).stars == second.ratings_of(ME).stars == {1: 2.0}
    second.delete(ME)
    assert first.ratings_of(ME) == VisitorRatings()


def test_what_waited_gives_way_to_what_was_said_after_it(store: ProfileStore) -> None:
    movies = ("earlier", "same", "later")
    store.put(ME, [OwnRating(movie, 1.0, START + n) for n, movie in enumerate(movies)])
    rated = Change(dict.fromkeys([*movies, "new"], (5.0, 7)))  # a file's, that is from 1970
    store.change(ME, rated.waiting(START + 1))
    assert store.ratings_of(ME).stars == {"later": 1.0, "earlier": 5.0, "same": 5.0, "new": 5.0}
    store.put(ME, [OwnRating(movie, 2.0, START + n) for n, movie in enumerate(movies)])
    store.change(ME, Change(removed=frozenset([*movies, "never rated"])).waiting(START + 1))
    assert store.ratings_of(ME).stars == {"later": 2.0, "new": 5.0}


def test_an_erasure_that_waited_leaves_what_was_said_after_it(stores: Open) -> None:
    store = stores(Limits(visitors=1))
    store.put(ME, [OwnRating(1, 1.0, START), OwnRating(2, 2.0, START + 9), OwnRating(3, 3.0, 5)])
    erased = Change(erase=True).waiting(START + 1)
    rated = Change({2: (5.0, START + 2), 3: (5.0, START + 2)}).waiting(START + 2)
    store.change(ME, erased.followed_by(rated))
    assert store.ratings_of(ME).stars == {2: 2.0, 3: 5.0}
    store.change(ME, Change(erase=True).waiting(START + 9))
    store.rate(OTHER, {1: 1.0})  # the one place is free


def test_a_change_is_made_at_once(store: ProfileStore) -> None:
    store.rate(ME, {1: 1.0, 2: 2.0, 3: 3.0})
    store.change(ME, Change({2: (4.0, 7), 4: ("hidden", 8)}, frozenset([3, 5])))
    assert (store.ratings_of(ME).stars, store.ratings_of(ME).marked("hidden")) == (
        {1: 1.0, 2: 4.0},
        [4],
    )
    store.change(ME, Change({9: (1.0, 9)}, erase=True))
    assert store.ratings_of(ME).ratings == [OwnRating(9, 1.0, 9)]


def test_one_visitor_can_keep_so_many(stores: Open) -> None:
    store = stores(Limits(ratings=3))
    store.rate(ME, {1: 1.0, 2: 2.0})
    with pytest.raises(ProfileError, match="can keep 3 movies; ") as error:
        store.rate(ME, {3: 3.0, 4: 4.0})
    assert (error.value.reason, error.value.values) == ("too_many", {"limit": 3})
    assert store.ratings_of(ME).stars == {1: 1.0, 2: 2.0}
    for mark in MARKS:
        store.mark(ME, 3, mark)
        with pytest.raises(ProfileError):
            store.mark(ME, 4, mark)
    store.rate(ME, {3: 3.0})
    assert store.ratings_of(ME).stars == {1: 1.0, 2: 2.0, 3: 3.0}


def test_who_has_more_than_may_be_kept_now_can_remove(stores: Open) -> None:
    stores().rate(ME, dict.fromkeys(range(5), 1.0))
    store = stores(Limits(ratings=3))
    store.remove(ME, 1)
    with pytest.raises(ProfileError):
        store.rate(ME, {2: 2.0})
    assert store.ratings_of(ME).stars == dict.fromkeys((0, 2, 3, 4), 1.0)


def test_there_is_room_for_so_many_visitors(stores: Open, clock: list[int]) -> None:
    store = stores(Limits(visitors=2))
    store.rate(ME, {1: 1.0})
    clock[0] += DAY
    store.rate(OTHER, {1: 1.0})
    clock[0] += 29 * DAY  # ME was here 30 days ago, no longer
    with pytest.raises(ProfileError, match="2 visitors; raise MATINEE_PROFILE_VISITORS") as error:
        store.rate("new", {1: 1.0})
    assert error.value.reason == "full"
    store.rate(ME, {2: 2.0})  # whoever has a place can go on
    clock[0] += 1
    store.rate("new", {1: 1.0})
    assert store.ratings_of(ME).ratings == []
    assert store.ratings_of(OTHER).stars == store.ratings_of("new").stars == {1: 1.0}


def test_being_here_keeps_the_place(stores: Open, clock: list[int]) -> None:
    store = stores(Limits(visitors=1))
    store.rate(ME, {1: 1.0})
    clock[0] += 40 * DAY
    store.note_visit(ME)
    with pytest.raises(ProfileError):
        store.rate("new", {1: 1.0})


def test_after_a_year_away_the_ratings_go(stores: Open, clock: list[int]) -> None:
    store = stores(Limits(visitors=2))
    store.rate(ME, {1: 1.0})
    clock[0] += RETENTION_SECONDS + 1
    for visitor in (OTHER, "new"):
        store.rate(visitor, {1: 1.0})
    assert store.ratings_of(ME).ratings == []


def test_the_settings_say_which_store_it_is(place: Place, tmp_path: Path) -> None:
    file = open_store(Settings(profiles=tmp_path / "p.sqlite", profile_ratings=1))
    assert isinstance(file, SqliteStore)
    with pytest.raises(ProfileError, match="can keep 1 movies"):
        file.rate(ME, {1: 1.0, 2: 2.0})
    given = Settings(ratings_url=place.url, ratings_schema=place.schema, profile_ratings=1)
    database = open_store(given)
    assert isinstance(database, WriteBehindStore)
    with pytest.raises(ProfileError, match="can keep 1 movies"):
        database.rate(ME, {1: 1.0, 2: 2.0})
    database.rate(ME, {1: 1.0})
    assert place.execute("SELECT count(*) FROM {s}.opinions") == [(1,)]
    database.close()


def test_without_psycopg_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for module in ("recommender.visitors.postgres_store", "recommender.visitors.connection_pool"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    line = r"^MATINEE_RATINGS_URL needs psycopg, which is not installed: pip install 'psycopg\S+'$"
    with pytest.raises(SettingsError, match=line):
        open_store(Settings(ratings_url="postgresql://u:secret@h/d"))
