from collections.abc import Callable
from pathlib import Path

import pytest

from recommender.cli import main
from recommender.visitors.postgres_store import PostgresStore
from recommender.visitors.records import OwnRating
from recommender.visitors.sqlite_store import SqliteStore
from tests.support.postgres import PASSWORD, Place

ME, OTHER = "a" * 32, "b" * 32
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs the command for a file of ratings; returns its exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATINEE_RATINGS_URL", place.url)
    monkeypatch.setenv("MATINEE_RATINGS_SCHEMA", place.schema)
    monkeypatch.setenv("MATINEE_PROFILES", str(tmp_path / "p.sqlite"))

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main.main(["move-ratings", *arguments])
        out, err = capsys.readouterr()
        assert PASSWORD not in out + err
        return status, out, err

    return run


def test_all_comes_along_and_twice_is_once(run: Run, place: Place, tmp_path: Path) -> None:
    file = SqliteStore(tmp_path / "p.sqlite")
    file.put(ME, [OwnRating(1, 4.5, 100), OwnRating("1", 2.0, 50)])
    file.mark(ME, 3, "hidden")
    file.mark(ME, 4, "saved")
    for visitor in range(300):
        file.put(f"visitor {visitor}", [OwnRating(visitor, 1.0, 7)])
    expected = file.ratings_of(ME)
    where = f"127.0.0.1/postgres, schema {place.schema}"
    moved = f"{tmp_path}/p.sqlite: 304 ratings and marks of 301 visitors; "
    assert run() == (0, f"{moved}304 were new in {where}\n", "")
    database = PostgresStore(place.url, place.schema)
    assert database.ratings_of(ME) == expected
    assert database.ratings_of("visitor 299").ratings == [OwnRating(299, 1.0, 7)]
    assert run("--from", str(tmp_path / "p.sqlite")) == (0, f"{moved}0 were new in {where}\n", "")
    assert file.ratings_of(ME) == expected
    database.close()


def test_of_two_opinions_the_newer_one_stays(run: Run, place: Place, tmp_path: Path) -> None:
    file = SqliteStore(tmp_path / "p.sqlite")
    database = PostgresStore(place.url, place.schema)
    file.put(ME, [OwnRating(1, 1.0, 100), OwnRating(2, 1.0, 100)])
    database.put(ME, [OwnRating(1, 5.0, 99), OwnRating(2, 5.0, 101), OwnRating(3, 5.0, 1)])
    assert "; 1 were new in" in run()[1]
    assert database.ratings_of(ME).stars == {1: 1.0, 2: 5.0, 3: 5.0}
    database.close()


def test_what_is_missing_is_said_in_one_line(
    run: Run, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _, err = run("--from", "none.sqlite")
    line = "matinee: none.sqlite: there is no such file; --from names the one with the ratings\n"
    assert (status, err) == (1, line)
    assert not (tmp_path / "none.sqlite").exists()
    SqliteStore(tmp_path / "p.sqlite").rate(ME, {1: 1.0})
    place.server.stop()
    line = "matinee: ratings in 127.0.0.1/postgres: nobody listens there\n"
    assert run() == (1, "", line)
    monkeypatch.delenv("MATINEE_RATINGS_URL")
    line = "matinee: MATINEE_RATINGS_URL is not set: give the database for the ratings\n"
    assert run() == (2, "", line)
    monkeypatch.setenv("MATINEE_RATINGS_URL", f"mysql://me:{PASSWORD}@db/films")
    line = "matinee: MATINEE_RATINGS_URL=…: give postgresql://USER:PASSWORD@HOST/DATABASE\n"
    assert run() == (2, "", line)
