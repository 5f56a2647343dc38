"""My list on a real database that is ended and started again under the visitor's hands."""

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from recommender import Recommender
from recommender.app.server import configuration, startup
from recommender.app.server.health import Health
from recommender.app.server.visitor import COOKIE
from recommender.visitors.postgres_store import PostgresStore
from recommender.visitors.records import VisitorRatings
from tests.app.conftest import OpenPage
from tests.app.drawn import PAGES, cards, hidden, html, mark, offered, rate, stars, titles
from tests.app.pages.test_my_ratings import part
from tests.support.postgres import PASSWORD, Place

SECRET = "0123456789abcdefghijklmnopqrstu-"


@pytest.fixture
def shared(
    open_page: OpenPage, place: Place, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PostgresStore]:
    """Return what the database holds, beside an app whose visitors send a cookie."""
    monkeypatch.setenv("MATINEE_RATINGS_URL", place.url)
    monkeypatch.setenv("MATINEE_RATINGS_SCHEMA", place.schema)
    cookies = property(lambda _context: {COOKIE: SECRET})
    monkeypatch.setattr(type(st.context), "cookies", cookies)
    configuration.settings.cache_clear()
    store = PostgresStore(place.url, place.schema)
    store.check()
    yield store
    store.close()


def until(page: AppTest, done: Callable[[], bool]) -> None:
    """Draw the page again, as it does by itself in a browser, until it comes to that."""
    for _ in range(200):
        if done():
            return
        time.sleep(0.05)
        page.run()
    pytest.fail("it never came to that")


def warnings(page: AppTest) -> list[str]:
    return [warning.value for warning in page.warning]


def badges(page: AppTest) -> int:
    return html(page).count("mt-waits")


def health() -> dict[str, str | None]:
    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asyncio.run, Health().answer(None)).result()  # type: ignore[arg-type]
    body: dict[str, str | None] = json.loads(answer.body)
    return body


def test_every_session_and_server_sees_the_same(shared: PostgresStore, open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    movie = offered(page)[0]
    rate(page, movie, 4)
    assert shared.ratings_of(SECRET).stars == {movie: 4.0}
    shared.rate(SECRET, {movie: 2.0})
    another = open_page("my-ratings", part="rated")
    assert stars(another, movie) == 2
    assert another.caption[1].value == "From your ratings (1)"
    assert (warnings(page), badges(page), len(page.info)) == ([], 0, 0)


def test_killed_in_the_middle(
    shared: PostgresStore, place: Place, open_page: OpenPage, tiny: Recommender
) -> None:
    page = open_page("my-ratings")
    first, second = offered(page)[:2]
    rate(page, first, 5)
    place.server.kill()
    rate(page, second, 1)
    assert not page.exception
    assert len(warnings(page)) == 1
    assert warnings(page)[0].startswith("Not saved yet: 1. Ratings cannot be stored right now.")
    assert badges(page) == 1
    # All else goes on: what was said, and the recommendations that follow from it.
    assert [stars(page, movie) for movie in (first, second)] == [5, 1]
    found = tiny.recommend({first: 5.0, second: 1.0}, 12)
    assert titles(page) == [item.movie.title for item in found]
    # A reload, or another tab, is another session.
    again = open_page("my-ratings", part="rated")
    assert sorted(offered(again)) == sorted([first, second])
    assert warnings(again) == warnings(page)
    for address in PAGES:
        assert not open_page(address).exception

    place.server.start()
    until(page, lambda: not warnings(page))
    assert [success.value for success in page.success] == ["Saved: 1"]
    assert badges(page) == 0
    assert shared.ratings_of(SECRET).stars == {first: 5.0, second: 1.0}
    page.run()
    assert len(page.success) == 0
    assert [success.value for success in again.run().success] == ["Saved: 1"]


def test_dead_from_the_start_in_korean(
    shared: PostgresStore, place: Place, open_page: OpenPage
) -> None:
    shared.rate(SECRET, {33: 4.0})
    place.server.stop()
    page = open_page("my-ratings", locale="ko-KR")
    assert [w[:20] for w in warnings(page)] == ["이전에 남긴 평점을 지금은 불러올 수"]
    movie = offered(page)[0]
    rate(page, movie, 3)
    assert warnings(page)[1].startswith("아직 저장되지 않은 변경: 1개.")
    assert badges(page) == 1
    place.server.start()
    until(page, lambda: not warnings(page))
    assert [success.value for success in page.success] == ["변경 1개를 저장했습니다."]
    assert shared.ratings_of(SECRET).stars == {33: 4.0, movie: 3.0}
    assert stars(part(page, "rated"), 33) == 4


def test_hiding_taking_back_and_deleting_while_it_is_away(
    shared: PostgresStore, place: Place, open_page: OpenPage
) -> None:
    shared.rate(SECRET, {33: 4.0, 34: 4.0})
    page = open_page("my-ratings")
    place.server.kill()
    page.run()
    assert [w[:33] for w in warnings(page)] == ["Ratings cannot be stored right no"]
    movie = cards(page)[0]
    mark(page, "hidden", movie)
    assert hidden(page) == [movie]
    part(page, "hidden")
    assert badges(page) == 1
    part(page, "rated")
    rate(page, 33, None)
    assert offered(page) == [34]
    assert warnings(page)[0].startswith("Not saved yet: 2.")
    part(page, "file")
    next(b for b in page.button if b.label == "Yes, delete everything").click().run()
    assert warnings(page)[0].startswith("Not saved yet: 1.")
    assert page.caption[0].value == "Rate a movie, and this list becomes yours."
    place.server.start()
    until(page, lambda: not warnings(page))
    assert shared.ratings_of(SECRET) == VisitorRatings()


def test_what_the_server_will_not_take_in_the_end(
    shared: PostgresStore, place: Place, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_PROFILE_VISITORS", "1")
    shared.rate("somebody else", {1: 1.0})
    page = open_page("my-ratings")
    place.server.kill()
    rate(page, offered(page)[0], 5)
    assert len(page.toast) == 0
    place.server.start()
    until(page, lambda: not warnings(page))
    assert [toast.value for toast in page.toast] == [
        "Changes that could not be saved in the end, because a limit of this server is reached: 1. "
        "What you see now is what is saved."
    ]
    assert len(page.success) == 0
    assert page.caption[0].value == "Rate a movie, and this list becomes yours."


@pytest.mark.slow
def test_a_database_that_never_answers_holds_nobody_up(
    shared: PostgresStore, place: Place, open_page: OpenPage
) -> None:
    place.server.freeze()
    try:
        page = open_page("my-ratings")
        movie = offered(page)[0]
        rate(page, movie, 5)
        assert warnings(page)[-1].startswith("Not saved yet: 1.")
        assert len(titles(page)) == 12
    finally:
        place.server.thaw()
    until(page, lambda: not warnings(page))
    assert shared.ratings_of(SECRET).stars == {movie: 5.0}


def test_health_says_so_and_nothing_secret(
    shared: PostgresStore, place: Place, open_page: OpenPage
) -> None:
    page = open_page("my-ratings")
    assert health() == {"status": "ready", "reason": None}
    place.server.kill()
    rate(page, offered(page)[0], 5)
    found = health()
    assert found["status"] == "degraded"
    assert found["reason"] == (
        "ratings in 127.0.0.1/postgres: nobody listens there; changes that wait for it: 1"
    )
    place.server.start()
    until(page, lambda: health()["status"] == "ready")


@pytest.mark.parametrize(
    ("url", "line"),
    [
        (f"mysql://me:{PASSWORD}@db/d", "=…: give postgresql://USER:PASSWORD@HOST/DATABASE"),
        (f"postgresql://me:{PASSWORD}%@db/d", "=…: give postgresql://USER:PASSWORD@HOST/DATABASE;"),
        (f"postgresql://me:{PASSWORD}@db/d", " needs psycopg, which is not installed: pip install"),
    ],
)
def test_the_server_does_not_start_with_what_cannot_work(
    url: str,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MATINEE_RATINGS_URL", url)
    if "psycopg" in line:
        monkeypatch.setitem(sys.modules, "psycopg", None)
        for module in (
            "recommender.visitors.postgres_store",
            "recommender.visitors.connection_pool",
        ):
            monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(SystemExit) as stopped:
        startup.prepare(0)
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert re.match(f"^matinee: MATINEE_RATINGS_URL{re.escape(line)}", said)
    assert PASSWORD not in said
