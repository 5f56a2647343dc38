"""Rate limit of wrong tokens, and whom it counts them for."""

import pytest
from starlette.requests import Request

from recommender.app.server import metrics, token_limit
from recommender.app.server.configuration import settings
from recommender.app.server.metrics import refusal
from recommender.app.server.token_limit import MAX_FREE, MAX_PAUSE, TokenLimit

TOKEN = "s3cret"


class Clock:
    """A clock that stands still until it is told the time."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(token_limit, "time", found)
    monkeypatch.setattr(metrics, "_wrong", TokenLimit())
    monkeypatch.setenv("DEBUG_MEMORY_TOKEN", TOKEN)
    settings.cache_clear()
    return found


def status(host: str, token: str | None, forwarded_for: str = "") -> int:
    headers = [(b"x-forwarded-for", forwarded_for.encode())] if forwarded_for else []
    if token is not None:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    scope = {"type": "http", "headers": headers, "client": (host, 1), "query_string": b""}
    answer = refusal(Request(scope))
    return 200 if answer is None else answer.status_code


def test_who_guesses_waits_longer_each_time_and_nobody_else_does(clock: Clock) -> None:
    assert {status("192.0.2.7", "wrong") for _ in range(MAX_FREE)} == {401}
    pause = 1.0
    while pause < MAX_PAUSE:
        assert status("192.0.2.7", "wrong") == 401
        pause = min(2 * pause, MAX_PAUSE)
        clock.now += pause - 0.5
        assert status("192.0.2.7", TOKEN) == 429
        assert status("192.0.2.8", TOKEN) == 200
        assert status("127.0.0.1", None) == 200
        clock.now += 0.5
    assert status("192.0.2.7", TOKEN) == 200
    assert status("192.0.2.7", "wrong") == 401
    assert status("192.0.2.7", TOKEN) == 200


def test_who_names_no_token_guesses_nothing(clock: Clock) -> None:
    assert {status("192.0.2.7", None) for _ in range(3 * MAX_FREE)} == {401}
    assert status("192.0.2.7", TOKEN) == 200


def test_an_address_is_believed_from_a_proxy_alone(clock: Clock) -> None:
    for number in range(MAX_FREE + 1):
        assert status("8.8.8.8", "wrong", f"192.0.2.{number}") == 401
        assert status("10.0.0.1", "wrong", "192.0.2.200") == 401
    assert status("8.8.8.8", "wrong", "192.0.2.99") == 429
    assert status("10.0.0.1", "wrong", "192.0.2.200") == 429
    assert status("10.0.0.1", TOKEN, "192.0.2.201") == 200


def test_addresses_are_forgotten(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_limit, "MAX_ADDRESSES", 10)
    for number in range(50):
        status(f"8.8.8.{number}", "wrong")
    assert len(metrics._wrong._wrong) == 10
