import re
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from recommender import Recommender
from recommender.app.server.visitor import COOKIE
from recommender.visitors.records import VisitorRatings
from recommender.visitors.sqlite_store import SqliteStore
from tests.app.conftest import OpenPage
from tests.app.drawn import html, links

SECRET = "0123456789abcdefghijklmnopqrstu-"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqliteStore:
    """The store of the server, opened beside it; the visitor's cookie is `SECRET`."""
    cookies = property(lambda _context: {COOKIE: SECRET})
    monkeypatch.setattr(type(st.context), "cookies", cookies)
    monkeypatch.setenv("MATINEE_PROFILES", str(tmp_path / "p.sqlite"))
    return SqliteStore(tmp_path / "p.sqlite")


def numbers(page: AppTest) -> list[str]:
    return re.findall(r"<dd>(.*?)</dd>", html(page))


def meters(page: AppTest) -> dict[str, str]:
    return dict(re.findall(r'mt-meter "><span>(.*?)</span><b>(.*?)</b>', html(page)))


def test_somebody_new(open_page: OpenPage) -> None:
    page = open_page("me")
    assert page.title[0].value == "Me"
    assert numbers(page) == ["0"] * 4
    assert [info.value for info in page.info] == [
        "Give a few movies stars, and this page shows what you like."
    ]
    assert all(button.disabled for button in page.get("download_button"))


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        (-1.0, "Harsh: you give 1.0 stars less than others give the same movies."),
        (0.0, "Neither: you rate the same movies as others do."),
        (0.5, "Kind: you give 0.5 stars more than others give the same movies."),
    ],
)
def test_taste_counts_and_how_one_rates(
    open_page: OpenPage, store: SqliteStore, tiny: Recommender, difference: float, sentence: str
) -> None:
    movies = [tiny.movie(n) for n in (10, 11, 12) if tiny.movie(n).mean_rating]
    given = {m.movie_id: min(5.0, max(0.5, (m.mean_rating or 0) + difference)) for m in movies}
    store.rate(SECRET, given)
    for movie, said in ((20, "saved"), (21, "saved"), (22, "seen"), (23, "hidden")):
        store.mark(SECRET, movie, said)
    page = open_page("me")
    assert numbers(page) == ["2", str(len(given)), "1", "1"]
    assert f"<p>{sentence}</p>" in html(page)
    first = movies[0].genres[0]
    own = [given[m.movie_id] for m in movies if first in m.genres]
    assert meters(page)[first] == f"★ {sum(own) / len(own):.1f} · {len(own)}"
    assert [link for link in links(page) if "part=" in link] == [
        "my-ratings?part=file",
        *(f"my-ratings?part={part}" for part in ("saved", "rated", "seen", "hidden")),
    ]


def test_deleting_everything_says_that_it_is_done(open_page: OpenPage, store: SqliteStore) -> None:
    store.mark(SECRET, 20, "saved")
    page = open_page("me")
    next(b for b in page.button if b.label == "Yes, delete everything").click().run()
    assert [box.value for box in page.success] == ["Done: everything of yours is deleted."]
    assert store.ratings_of(SECRET) == VisitorRatings()
    assert numbers(page) == ["0"] * 4
    assert not page.run().success


def test_in_korean(open_page: OpenPage, store: SqliteStore) -> None:
    store.rate(SECRET, {10: 5.0})
    page = open_page("me", locale="ko-KR")
    assert page.title[0].value == "나"
    assert "편</b>" in html(page)
