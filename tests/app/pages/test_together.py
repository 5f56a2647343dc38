from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from recommender import Recommender
from recommender.app.components import evening
from recommender.app.pages import together
from recommender.app.server import configuration, evenings, visitor
from recommender.app.server.token_limit import TokenLimit
from recommender.app.server.visitor import COOKIE
from recommender.visitors.evenings import Evening, Member
from recommender.visitors.records import ProfileStore
from recommender.visitors.sqlite_store import SqliteStore
from tests.app.conftest import OpenPage
from tests.app.drawn import click, html, mark, texts, titles
from tests.support.postgres import Place

ANA, BEN, CEM = (letter * 32 for letter in "abc")
TASTE = {1: 5.0, 3: 4.5, 5: 4.0}, {2: 5.0, 4: 4.5, 6: 4.0}
As = Callable[[str], None]


@pytest.fixture
def be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> As:
    """`be(secret)`: from now on a page is that visitor's."""
    cookies: dict[str, str] = {}
    monkeypatch.setenv("MATINEE_PROFILES", str(tmp_path / "profiles.sqlite"))
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _context: cookies))
    monkeypatch.setattr(evenings, "_tokens", TokenLimit())
    monkeypatch.setattr(visitor, "browser_address", lambda: "203.0.113.7")
    return lambda secret: cookies.update({COOKIE: secret})


@pytest.fixture
def store(be: As, tmp_path: Path) -> ProfileStore:
    """What the app keeps, as another server sees it."""
    return SqliteStore(tmp_path / "profiles.sqlite")


def press(page: AppTest, label: str) -> AppTest:
    (button,) = [one for one in page.button if one.label == label]
    return button.click().run()


def people(page: AppTest) -> list[str]:
    return texts(page, r"<li><b><bdi>(.*?)</bdi></b>")


def suited(page: AppTest) -> list[str]:
    return texts(page, r'mt-suits"><i[^>]*>group</i>(.*?)</p>')


def link(page: AppTest) -> str:
    (address,) = texts(page, r'<input readonly value="(.*?)"')
    (token,) = parse_qs(urlsplit(address).query)["evening"]
    return token


def test_two_open_join_choose_and_end_an_evening(
    open_page: OpenPage, be: As, store: ProfileStore, tiny: Recommender
) -> None:
    for secret, taste in zip((ANA, BEN), TASTE, strict=True):
        store.rate(secret, taste)
    store.mark(BEN, 10, "seen")
    store.mark(ANA, 12, "hidden")
    be(ANA)
    hers = open_page("together")
    hers.text_input(key="together_name").set_value("Ana <b>")
    press(hers, "Open an evening")
    assert people(hers) == ["You"]
    assert "Nobody has joined yet" in hers.info[0].value
    token = link(hers)

    be(BEN)
    his = open_page("together", evening=token)
    assert "You are invited" in his.info[0].value
    assert store.evenings.invitation(BEN, token) == "open"  # looking does not use it up
    press(his, "Join the evening")
    assert people(his) == ["Ana <b>", "You"]
    assert not his.query_params
    together = tiny.recommend_together(TASTE, 12, hidden=[[12], []], seen=[10])
    assert titles(his) == [item.movie.title for item in together]
    assert not {10, 12} & {item.movie.movie_id for item in together}
    assert len(suited(his)) == len(titles(his))
    assert set(suited(his)) <= {
        "For both",
        "You will like it more than Ana <b>",
        "Ana <b> will like it more than you",
    }
    assert not [one for one in his.button if one.label.startswith("Make")]  # for the host alone

    # A click on a card leaves the list as it is; another's list leaves out what he has seen.
    first = together[0].movie
    mark(his, "seen", first.movie_id)
    assert titles(his)[0] == first.title
    be(ANA)
    hers.run()
    assert people(hers) == ["You", "Guest 2"]
    assert not texts(hers, r'<input readonly value="(.*?)"')  # the link has been used
    assert first.title not in titles(hers)
    assert str(TASTE[1][2]) not in html(hers).split("mt-cards")[0]

    press(hers, "End the evening")
    assert "You are at no evening any more" in hers.success[0].value
    be(BEN)
    his.run()
    assert "You are at no evening any more" in his.success[0].value
    assert store.evenings.of(BEN) is None


def test_a_link_that_leads_nowhere_says_why(
    open_page: OpenPage, be: As, store: ProfileStore
) -> None:
    store.evenings.open(ANA)
    token, other = store.evenings.invite(ANA), store.evenings.invite(ANA)
    assert token is not None
    assert other is not None
    store.evenings.join(BEN, token)
    be(CEM)
    page = open_page("together", evening=token)
    assert page.warning[0].value.startswith("This link has been used")
    store.evenings.open(CEM)
    page = open_page("together", evening=other)
    assert page.warning[0].value.startswith("You are at another evening")
    press(page, "End the evening")
    press(page, "Join the evening")
    assert (people(page)[-1], len(people(page))) == ("You", 3)
    store.evenings.leave(ANA)
    page = open_page("together", evening=other)
    assert page.warning[0].value.startswith("This link leads to no evening")
    for _ in range(20):  # as a script would: the pause has grown to a minute
        evenings._tokens.note("203.0.113.7", right=False)
    page = open_page("together", evening="guessed")
    assert page.warning[0].value.startswith("Too many links")


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_whoever_has_rated_nothing_taps_three_movies_first(
    open_page: OpenPage, be: As, store: ProfileStore, locale: str
) -> None:
    store.rate(ANA, TASTE[0])
    store.evenings.open(ANA, "Ana")
    token = store.evenings.invite(ANA)
    assert token is not None
    store.evenings.join(BEN, token)
    be(BEN)
    page = open_page("together", locale=locale)
    wall = [int(movie) for movie in texts(page, r'data-movie="(\d+)" data-value="4" aria-pr')]
    assert len(wall) == together._ON_WALL
    assert titles(page) == []
    be(ANA)
    hers = open_page("together", locale=locale)
    assert len(titles(hers)) == 12
    assert len(texts(hers, r"</bdi></b><span>(.*?)</span>")) == 1
    be(BEN)
    click(page, "rate", *wall[:3], value="4")
    assert len(titles(page)) == 12
    assert not page.exception


def test_without_a_cookie_there_are_no_evenings(open_page: OpenPage) -> None:
    page = open_page("together")
    assert page.info[0].value.startswith("This needs a cookie")
    assert not [one for one in page.button if one.label == "Open an evening"]


def test_while_the_database_is_away_the_page_says_so(
    open_page: OpenPage, be: As, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_RATINGS_URL", place.url)
    monkeypatch.setenv("MATINEE_RATINGS_SCHEMA", place.schema)
    configuration.settings.cache_clear()
    be(ANA)
    page = press(open_page("together"), "Open an evening")
    assert people(page) == ["You"]
    place.server.kill()
    page.run()
    assert page.error[0].value.startswith("Evenings are in the database of the ratings")
    assert not page.exception


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        ((3, 9), "For both"),
        ((30, 80), "For both"),
        ((9, 30), "Host will like it more than you"),
        ((200, 20), "You will like it more than Host"),
        ((5, None), "By the taste of: Host"),
    ],
)
def test_it_says_whom_a_movie_suits(places: tuple[int | None, ...], sentence: str) -> None:
    two = Evening(0, 2, (Member(1, "", b"1"), Member(2, "Ben", b"2")))
    assert sentence in evening.suits(places, two)
