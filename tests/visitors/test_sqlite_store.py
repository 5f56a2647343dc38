"""The file of ratings, in what it does beside what every store does."""

import multiprocessing
import re
import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from recommender.core.errors import ProfileError
from recommender.visitors import sqlite_store
from recommender.visitors.records import Limits, OwnRating, hashed
from recommender.visitors.sqlite_store import MEMORY, SqliteStore

ME, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "profiles.sqlite"


def test_the_file_gives_nobody_away(path: Path) -> None:
    store = SqliteStore(path)
    store.rate(ME, {1: 4.0})
    store.mark(ME, 2, "hidden")
    store.close()
    again = SqliteStore(path)
    assert (again.ratings_of(ME).stars, again.ratings_of(ME).marked("hidden")) == ({1: 4.0}, [2])
    again.close()
    written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"visitors" in written
    assert ME.encode() not in written
    assert path.stat().st_mode & 0o077 == 0


def test_nothing_of_an_evening_stays_in_the_file(path: Path) -> None:
    store = SqliteStore(path)
    store.evenings.open(ME, "Zerlina Quux")
    token = store.evenings.invite(ME)
    assert token is not None
    store.evenings.join(OTHER, token, "Yorick Plugh")
    store.close()
    hashes = [hashed(one) for one in (ME, OTHER, token)]
    assert all(one in path.read_bytes() for one in (b"Zerlina", b"Yorick", *hashes))
    again = SqliteStore(path)
    again.evenings.leave(ME)
    again.close()
    written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert not any(one in written for one in (b"Zerlina", b"Yorick", *hashes))


def test_an_older_server_goes_on_beside_a_newer_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_store, "_MIGRATIONS", sqlite_store._MIGRATIONS[:2])
        older = SqliteStore(path)
        older.rate(ME, {1: 4.0})
    newer = SqliteStore(path)
    newer.evenings.open(ME)
    older.rate(ME, {2: 3.0})
    assert newer.ratings_of(ME).stars == {1: 4.0, 2: 3.0}
    assert newer.evenings.of(ME) is not None
    older.close()
    newer.close()


def test_in_memory_there_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqliteStore(MEMORY)
    store.rate(ME, {1: 4.0})
    assert store.ratings_of(ME).stars == {1: 4.0}
    assert list(tmp_path.iterdir()) == []


def test_the_file_can_take_so_much(path: Path) -> None:
    store = SqliteStore(path, Limits(size=128 * 1024))
    store.rate(ME, {"mine": 1.0})

    def fill() -> None:
        for visitor in range(1000):
            store.rate(f"filler {visitor}", dict.fromkeys(range(100), 1.0))

    with pytest.raises(ProfileError, match=r"no room .*MATINEE_PROFILE_MB \(0.125 now\)") as error:
        fill()
    assert error.value.reason == "full"
    assert path.stat().st_size <= 128 * 1024
    assert store.ratings_of(ME).stars == {"mine": 1.0}
    store.delete("filler 0")
    store.rate(ME, {"more": 2.0})


def test_a_full_table_is_told_until_there_is_a_place_again(path: Path) -> None:
    store = SqliteStore(path, Limits(visitors=2))
    store.rate("first", {1: 1.0})
    store.rate("second", {1: 1.0})
    assert store.trouble() is None
    with pytest.raises(ProfileError, match="it holds the ratings of 2 visitors"):
        store.rate("third", {1: 1.0})
    assert "newcomers' ratings are not kept" in str(store.trouble())
    store.rate("first", {2: 1.0})
    assert store.trouble() is not None
    store.delete("second")
    store.rate("third", {1: 1.0})
    assert store.trouble() is None


def write_without_room(path: Path) -> None:
    """Act as a full disk: the system takes no more bytes in the middle of a write."""
    store = SqliteStore(path)
    store.rate(ME, {1: 1.0})
    room = Path(f"{path}-wal").stat().st_size + 8192
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    with pytest.raises(ProfileError, match=f"^{path}: ") as error:
        store.rate(ME, dict.fromkeys(range(2000), 2.0))
    assert "\n" not in str(error.value)
    assert store.ratings_of(ME).stars == {1: 1.0}


def test_a_full_disk_is_said_and_loses_nothing_older(path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=write_without_room, args=(path,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert SqliteStore(path).ratings_of(ME).stars == {1: 1.0}


def test_a_file_that_is_locked_too_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_store, "_BUSY_SECONDS", 0.05)
    store = SqliteStore(path)
    store.rate(ME, {1: 1.0})
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProfileError, match=f"^{path}: .*locked; another process") as error:
            store.rate(ME, {2: 2.0})
        assert store.ratings_of(ME).stars == {1: 1.0}
        other.execute("ROLLBACK")
    assert error.value.reason == "storage"
    store.rate(ME, {2: 2.0})


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes " * 100)
    with pytest.raises(ProfileError, match=f"^{path}: .*not a database; move it away"):
        SqliteStore(path)
    assert path.read_text().startswith("these are my notes")


def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProfileError, match="MATINEE_PROFILES") as error:
        SqliteStore(tmp_path / "file" / "profiles.sqlite")
    assert str(error.value).startswith(str(tmp_path / "file"))
    with pytest.raises(ProfileError, match="make the file and its folder writable"):
        SqliteStore(tmp_path)


def test_everybody_is_read_a_few_at_a_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_store, "_AT_ONCE", 2)
    store = SqliteStore(path)
    assert list(store.everybody()) == []
    for visitor in range(5):
        store.put(f"visitor {visitor}", [OwnRating(7, 1.0, visitor), OwnRating("7", 2.0, 0)])
    store.mark("visitor 4", 8, "hidden")
    store.remove("visitor 0", 7)
    store.remove("visitor 0", "7")
    found = {key: given for key, _, given in store.everybody()}
    assert len(found) == 5
    assert found[hashed("visitor 0")] == {}
    assert found[hashed("visitor 3")] == {7: (1.0, 3), "7": (2.0, 0)}
    assert found[hashed("visitor 4")][8][0] == "hidden"


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def make_unnumbered(path: Path) -> None:
    """Write a file as Matinee did before it numbered them, with ratings of two visitors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            PRAGMA journal_mode = WAL;
            CREATE TABLE IF NOT EXISTS visitors (number INTEGER PRIMARY KEY,
                secret BLOB NOT NULL UNIQUE, used_at INTEGER NOT NULL);
            CREATE INDEX IF NOT EXISTS visitors_by_use ON visitors (used_at);
            CREATE TABLE IF NOT EXISTS opinions (
                visitor INTEGER NOT NULL REFERENCES visitors ON DELETE CASCADE, movie NOT NULL,
                stars REAL, given_at INTEGER NOT NULL, PRIMARY KEY (visitor, movie)) WITHOUT ROWID;
            """
        )
        for number, secret in enumerate((ME, OTHER), start=1):
            visitor = (number, hashed(secret), 1_700_000_000)
            connection.execute("INSERT INTO visitors VALUES (?, ?, ?)", visitor)
        rows = [(1, 7, 4.5, 10), (1, "tt7", 2.0, 11), (1, 8, None, 12), (2, 7, 1.0, 13)]
        connection.executemany("INSERT INTO opinions VALUES (?, ?, ?, ?)", rows)
        connection.commit()


def check_unnumbered(store: SqliteStore) -> None:
    mine = store.ratings_of(ME)
    assert mine.ratings == [OwnRating("tt7", 2.0, 11), OwnRating(7, 4.5, 10)]
    assert mine.marked("hidden") == [8]
    assert store.ratings_of(OTHER).stars == {7: 1.0}


def test_a_new_file_has_the_newest_version(path: Path) -> None:
    SqliteStore(path).close()
    assert version_of(path) == 3


def test_a_file_from_before_the_marks_takes_them(path: Path) -> None:
    make_unnumbered(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
    store = SqliteStore(path)
    check_unnumbered(store)
    store.mark(ME, 7, "saved")
    store.mark(ME, 9, "seen")
    store.mark(OTHER, 1, "hidden")
    store.close()
    again = SqliteStore(path)
    assert again.ratings_of(ME).opinions == {"tt7": 2.0, 7: "saved", 8: "hidden", 9: "seen"}
    assert again.ratings_of(OTHER).opinions == {7: 1.0, 1: "hidden"}
    again.close()


def test_a_file_without_a_version_is_opened_and_goes_on(path: Path) -> None:
    make_unnumbered(path)
    store = SqliteStore(path)
    check_unnumbered(store)
    store.rate(ME, {9: 5.0})
    store.close()
    again = SqliteStore(path)
    assert again.ratings_of(ME).stars == {"tt7": 2.0, 7: 4.5, 9: 5.0}
    again.close()


ADDED = ("ALTER TABLE visitors ADD COLUMN name TEXT", "UPDATE visitors SET name = 'somebody'")


@pytest.mark.parametrize("numbered", [False, True])
def test_an_older_file_is_brought_to_the_newest_version(
    path: Path, monkeypatch: pytest.MonkeyPatch, numbered: bool
) -> None:
    make_unnumbered(path)
    if numbered:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 1")
    monkeypatch.setattr(sqlite_store, "_MIGRATIONS", (*sqlite_store._MIGRATIONS, ADDED))
    store = SqliteStore(path)
    check_unnumbered(store)
    store.close()
    assert version_of(path) == 4
    SqliteStore(path).close()  # and is not brought there twice


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_unnumbered(path)
    with monkeypatch.context() as patch:
        broken = (*ADDED, "UPDATE missing SET name = 1")
        patch.setattr(sqlite_store, "_MIGRATIONS", (*sqlite_store._MIGRATIONS, broken))
        with pytest.raises(ProfileError, match="no such table: missing"):
            SqliteStore(path)
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(visitors)")]
    assert columns == ["number", "secret", "used_at"]
    check_unnumbered(SqliteStore(path))


def test_a_newer_file_is_left_alone(path: Path) -> None:
    make_unnumbered(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 4")
    line = f"{path}: it is of version 4, and this Matinee knows 3; run the Matinee that made it"
    with pytest.raises(ProfileError, match=f"^{re.escape(line)}") as error:
        SqliteStore(path)
    assert "\n" not in str(error.value)
    assert version_of(path) == 4


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (address TEXT)")
    before = path.read_bytes()
    with pytest.raises(ProfileError, match="a database of another program; let MATINEE_PROFILES"):
        SqliteStore(path)
    assert path.read_bytes() == before
