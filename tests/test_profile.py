import multiprocessing
import resource
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recommender import profile
from recommender.errors import ProfileError
from recommender.profile import DAY, KEPT_SECONDS, MEMORY, Limits, OwnRating, ProfileStore

ME, OTHER = "a" * 32, "b" * 32
START = 1_700_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "profiles.sqlite"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time that the store reads; tests turn it forward."""
    now = [START]
    monkeypatch.setattr(profile.time, "time", lambda: now[0])
    return now


def visitors(path: Path) -> int:
    with sqlite3.connect(path) as file:
        return int(file.execute("SELECT count(*) FROM visitors").fetchone()[0])


def test_ratings_are_kept_changed_and_removed(path: Path, clock: list[int]) -> None:
    store = ProfileStore(path)
    store.rate(ME, {1: 4.0, "tt2": 0.5})
    clock[0] += 5
    store.rate(ME, {1: 3.5})
    assert store.opinions(ME).ratings == [
        OwnRating(1, 3.5, START + 5),
        OwnRating("tt2", 0.5, START),
    ]
    assert store.opinions(ME).stars == {1: 3.5, "tt2": 0.5}
    store.remove(ME, 1)
    store.remove(ME, "never rated")
    assert store.opinions(ME).stars == {"tt2": 0.5}


def test_a_number_and_its_text_are_two_movies(path: Path) -> None:
    store = ProfileStore(path)
    store.rate(ME, {7: 1.0, "7": 5.0})
    assert store.opinions(ME).stars == {7: 1.0, "7": 5.0}


def test_hiding_and_rating_replace_each_other(path: Path, clock: list[int]) -> None:
    store = ProfileStore(path)
    store.rate(ME, {1: 4.0})
    for movie in (1, 2):
        clock[0] += 1
        store.hide(ME, movie)
    assert (store.opinions(ME).stars, store.opinions(ME).hidden) == ({}, [2, 1])
    store.rate(ME, {1: 2.0})
    store.remove(ME, 2)
    assert (store.opinions(ME).stars, store.opinions(ME).hidden) == ({1: 2.0}, [])


def test_visitors_do_not_see_each_other(path: Path) -> None:
    store = ProfileStore(path)
    store.rate(ME, {1: 4.0})
    store.rate(OTHER, {1: 1.0, 2: 2.0})
    store.delete(OTHER)
    assert store.opinions(ME).stars == {1: 4.0}
    assert store.opinions(OTHER).stars == {}
    assert visitors(path) == 1


def test_looking_writes_nothing(path: Path) -> None:
    store = ProfileStore(path)
    store.seen(ME)
    assert store.opinions(ME).ratings == []
    store.remove(ME, 1)
    store.delete(ME)
    assert visitors(path) == 0


def test_a_restart_loses_nothing_and_the_file_gives_nobody_away(path: Path) -> None:
    store = ProfileStore(path)
    store.rate(ME, {1: 4.0})
    store.hide(ME, 2)
    store.close()
    again = ProfileStore(path)
    assert (again.opinions(ME).stars, again.opinions(ME).hidden) == ({1: 4.0}, [2])
    again.close()
    written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"visitors" in written
    assert ME.encode() not in written
    assert path.stat().st_mode & 0o077 == 0


def test_in_memory_there_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = ProfileStore(MEMORY)
    store.rate(ME, {1: 4.0})
    assert store.opinions(ME).stars == {1: 4.0}
    assert list(tmp_path.iterdir()) == []


def write(path: Path, writer: int, store: ProfileStore | None = None) -> None:
    """Twenty ratings of one shared visitor and of one of the writer's own."""
    store = store or ProfileStore(path)
    for movie in range(20):
        store.rate(ME, {100 * writer + movie: 3.0, "shared": float(writer)})
        store.rate(f"own {writer}", {movie: 2.0})


def check_all_is_there(path: Path) -> None:
    store = ProfileStore(path)
    stars = store.opinions(ME).stars
    assert stars.pop("shared") in range(20)
    assert stars == {100 * writer + movie: 3.0 for writer in range(20) for movie in range(20)}
    for writer in range(20):
        assert store.opinions(f"own {writer}").stars == dict.fromkeys(range(20), 2.0)


def test_twenty_threads_lose_nothing(path: Path) -> None:
    store = ProfileStore(path)
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda writer: write(path, writer, store), range(20)))
    check_all_is_there(path)


def write_in_threads(path: Path, first: int) -> None:
    with ThreadPoolExecutor(5) as threads:
        list(threads.map(lambda writer: write(path, writer), range(first, first + 5)))


def test_four_processes_of_five_threads_lose_nothing(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=write_in_threads, args=(path, n)) for n in range(0, 20, 5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    check_all_is_there(path)


def test_the_last_of_two_writers_wins(path: Path) -> None:
    first, second = ProfileStore(path), ProfileStore(path)
    first.rate(ME, {1: 1.0})
    second.rate(ME, {1: 2.0})
    assert first.opinions(ME).stars == second.opinions(ME).stars == {1: 2.0}


def test_one_visitor_can_keep_so_many(path: Path) -> None:
    store = ProfileStore(path, Limits(opinions=3))
    store.rate(ME, {1: 1.0, 2: 2.0})
    with pytest.raises(ProfileError, match="can keep 3 movies; ") as error:
        store.rate(ME, {3: 3.0, 4: 4.0})
    assert (error.value.reason, error.value.values) == ("too_many", {"limit": 3})
    assert store.opinions(ME).stars == {1: 1.0, 2: 2.0}
    store.hide(ME, 3)
    store.rate(ME, {3: 3.0})
    assert store.opinions(ME).stars == {1: 1.0, 2: 2.0, 3: 3.0}


def test_there_is_room_for_so_many_visitors(path: Path, clock: list[int]) -> None:
    store = ProfileStore(path, Limits(visitors=2))
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
    assert store.opinions(ME).ratings == []
    assert store.opinions(OTHER).stars == store.opinions("new").stars == {1: 1.0}


def test_being_here_keeps_the_place(path: Path, clock: list[int]) -> None:
    store = ProfileStore(path, Limits(visitors=1))
    store.rate(ME, {1: 1.0})
    clock[0] += 40 * DAY
    store.seen(ME)
    with pytest.raises(ProfileError):
        store.rate("new", {1: 1.0})


def test_after_a_year_away_the_ratings_go(path: Path, clock: list[int]) -> None:
    store = ProfileStore(path)
    store.rate(ME, {1: 1.0})
    clock[0] += KEPT_SECONDS + 1
    store.rate(OTHER, {1: 1.0})
    assert store.opinions(ME).ratings == []
    assert visitors(path) == 1


def test_the_file_can_take_so_much(path: Path) -> None:
    store = ProfileStore(path, Limits(size=128 * 1024))
    store.rate(ME, {"mine": 1.0})

    def fill() -> None:
        for visitor in range(1000):
            store.rate(f"filler {visitor}", dict.fromkeys(range(100), 1.0))

    with pytest.raises(ProfileError, match=r"no room .*MATINEE_PROFILE_MB \(0.125 now\)") as error:
        fill()
    assert error.value.reason == "full"
    assert path.stat().st_size <= 128 * 1024
    assert store.opinions(ME).stars == {"mine": 1.0}
    store.delete("filler 0")
    store.rate(ME, {"more": 2.0})


def write_without_room(path: Path) -> None:
    """What a full disk is like: the system takes no more bytes in the middle of a write."""
    store = ProfileStore(path)
    store.rate(ME, {1: 1.0})
    room = Path(f"{path}-wal").stat().st_size + 8192
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    with pytest.raises(ProfileError, match=f"^{path}: ") as error:
        store.rate(ME, dict.fromkeys(range(2000), 2.0))
    assert "\n" not in str(error.value)
    assert store.opinions(ME).stars == {1: 1.0}


def test_a_full_disk_is_said_and_loses_nothing_older(path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=write_without_room, args=(path,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert ProfileStore(path).opinions(ME).stars == {1: 1.0}


def test_a_file_that_is_locked_too_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "_BUSY_SECONDS", 0.05)
    store = ProfileStore(path)
    store.rate(ME, {1: 1.0})
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProfileError, match=f"^{path}: .*locked; another process") as error:
            store.rate(ME, {2: 2.0})
        assert store.opinions(ME).stars == {1: 1.0}
        other.execute("ROLLBACK")
    assert error.value.reason == "storage"
    store.rate(ME, {2: 2.0})


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes " * 100)
    with pytest.raises(ProfileError, match=f"^{path}: .*not a database; move it away"):
        ProfileStore(path)
    assert path.read_text().startswith("these are my notes")


def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProfileError, match="MATINEE_PROFILES") as error:
        ProfileStore(tmp_path / "file" / "profiles.sqlite")
    assert str(error.value).startswith(str(tmp_path / "file"))
    with pytest.raises(ProfileError, match="make the file and its folder writable"):
        ProfileStore(tmp_path)
