"""The rate limit of new profiles, and what /healthz says when there is no place for another."""

from pathlib import Path

import pytest

from recommender.app.server import newcomer_limit, visitor
from recommender.app.server.health import Health
from recommender.app.server.newcomer_limit import NewcomerLimit, RateLimitedStore
from recommender.core.errors import ProfileError
from recommender.visitors.sqlite_store import MEMORY, SqliteStore


@pytest.fixture
def limit() -> NewcomerLimit:
    return NewcomerLimit(2)


def test_newcomers_of_an_address_are_limited_and_others_are_not(limit: NewcomerLimit) -> None:
    inside = SqliteStore(MEMORY)
    inside.rate("known", {1: 4.0})
    here, there = (RateLimitedStore(inside, limit, where) for where in ("192.0.2.1", "192.0.2.2"))
    for secret in ("first", "second", "first", "known"):
        here.rate(secret, {2: 3.0})
    for refused in (here.rate, here.rate):
        with pytest.raises(ProfileError) as error:
            refused("third", {2: 3.0})
        assert error.value.reason == "crowded"
    with pytest.raises(ProfileError):
        here.mark("third", 2, "hidden")
    here.remove("third", 2)  # nothing is kept for it
    here.rate("second", {3: 3.0})
    there.rate("third", {2: 3.0})
    RateLimitedStore(inside, limit, "").rate("fourth", {2: 3.0})
    assert inside.ratings_of("second").stars == {2: 3.0, 3: 3.0}
    assert here.ratings_of("fourth").stars == {2: 3.0}


def test_an_hour_later_others_may_come(
    limit: NewcomerLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit.admit("192.0.2.1", "first")
    limit.admit("192.0.2.1", "second")
    monkeypatch.setattr(newcomer_limit, "SECONDS", 0.0)
    limit.admit("192.0.2.1", "third")


def test_so_many_addresses_are_remembered(
    limit: NewcomerLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomer_limit, "MAX_ADDRESSES", 3)
    for number in range(10):
        limit.admit(f"192.0.2.{number}", "one")
    assert list(limit._came) == ["192.0.2.7", "192.0.2.8", "192.0.2.9"]


def test_a_full_table_is_a_complaint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_PROFILES", str(tmp_path / "profiles.sqlite"))
    monkeypatch.setenv("MATINEE_PROFILE_VISITORS", "1")
    health = Health()
    assert health.complaints() == []
    assert not (tmp_path / "profiles.sqlite").exists()  # nobody rated anything
    store = visitor._shared_store()
    store.rate("first", {1: 4.0})
    assert health.complaints() == []
    with pytest.raises(ProfileError):
        store.rate("second", {1: 4.0})
    (complaint,) = health.complaints()
    assert "MATINEE_PROFILE_VISITORS" in complaint
