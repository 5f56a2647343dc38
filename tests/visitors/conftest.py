"""The stores of visitors' ratings, for tests of what every one of them promises.

Each test runs with the file, with the database, and with the database behind a pooler that gives
every transaction another connection.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recommender.visitors import records
from recommender.visitors.postgres_store import PostgresStore
from recommender.visitors.records import Limits, ProfileStore
from recommender.visitors.sqlite_store import SqliteStore
from tests.support.pgbouncer import Bouncer
from tests.support.postgres import Place

START = 1_700_000_000
# What a store waits for the database, so that no test fails because the machine is busy.
PATIENT_SECONDS = 60.0
# Opens another store of the same ratings, as another server does.
Open = Callable[..., ProfileStore]


def opener(kind: str, where: tuple[str, str]) -> Open:
    """Return what the test's stores are opened with, here or in another process."""
    if kind == "sqlite":
        return lambda limits=None: SqliteStore(Path(where[0]), limits)

    def open_patient(limits: Limits | None = None) -> ProfileStore:
        store = PostgresStore(*where, limits)
        store._pool._timeout = PATIENT_SECONDS
        return store

    return open_patient


@pytest.fixture(params=["sqlite", "postgres", "pgbouncer"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, tuple[str, str]]:
    """The kind of store, and where it is."""
    if request.param == "sqlite":
        return "sqlite", (str(tmp_path / "new folder" / "profiles.sqlite"), "")
    place: Place = request.getfixturevalue("place")
    if request.param == "pgbouncer":
        bouncer: Bouncer = request.getfixturevalue("bouncer")
        return "postgres", (bouncer.url, place.schema)
    return "postgres", (place.url, place.schema)


@pytest.fixture
def stores(where: tuple[str, tuple[str, str]]) -> Iterator[Open]:
    opened = []

    def open_one(limits: Limits | None = None) -> ProfileStore:
        opened.append(opener(*where)(limits))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(stores: Open) -> ProfileStore:
    return stores()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time that the stores read; tests turn it forward."""
    now = [START]
    monkeypatch.setattr(records.time, "time", lambda: now[0])
    return now
