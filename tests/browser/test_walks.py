"""Whole journeys: by keyboard alone, with one's ratings from IMDb, and across a restart.

The newcomer with a phone and who comes back are in `test_tonight.py`, two people in
`test_together.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.chromium import Browser, Locator, Page, expect
from tests.browser.conftest import PHONE
from tests.browser.drawn import heading, settled, titles
from tests.browser.serving import Server, serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]

FOCUSED = "one => one === document.activeElement"
# As IMDb exports them, on its scale of 1 to 10; the last is in no catalogue, and one is a series.
IMDB = """\
Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,\
Genres,Num Votes,Release Date,Directors
tt0133093,10,2024-03-02,The Matrix,The Matrix,https://www.imdb.com/title/tt0133093/,Movie,8.7,136,\
1999,"Action, Sci-Fi",2100000,1999-03-31,"Lana Wachowski, Lilly Wachowski"
tt0114709,7,2024-02-11,Toy Story,Toy Story,https://www.imdb.com/title/tt0114709/,Movie,8.3,81,1995,\
"Animation, Adventure",1100000,1995-11-22,John Lasseter
tt0120338,2,2023-12-24,Titanic,Titanic,https://www.imdb.com/title/tt0120338/,Movie,7.9,194,1997,\
"Drama, Romance",1300000,1997-12-19,James Cameron
tt0903747,9,2023-11-05,Breaking Bad,Breaking Bad,https://www.imdb.com/title/tt0903747/,TV Series,\
9.5,45,2008,"Crime, Drama",2300000,2008-01-20,
tt99999999,6,2023-10-01,Nobody Has This,Nobody Has This,https://www.imdb.com/title/tt99999999/,\
Movie,6.0,90,2023,Drama,12,2023-09-01,Nobody
"""


def tab_to(page: Page, wanted: Locator, most: int, key: str = "Tab") -> None:
    """Go on with the tab key until `wanted` has the focus, which must be within `most` stops."""
    for _ in range(most):
        page.keyboard.press(key)
        if wanted.evaluate(FOCUSED):
            return
    raise AssertionError(f"{wanted} is not among the next {most} stops of {key}")


def test_by_keyboard_from_the_first_focus_to_a_movie_and_back(server: Server, visit: Visit) -> None:
    page = visit(server.url)
    heading(page, "What will you watch tonight?")
    field = page.get_by_role("searchbox", name="Search movies")
    tab_to(page, field, 12)
    page.keyboard.type("matrix 1999")
    expect(titles(page)).to_have_text(["The Matrix"])
    settled(page)
    expect(field).to_be_focused()
    tab_to(page, titles(page).get_by_role("link"), 4)
    page.keyboard.press("Enter")
    heading(page, "The Matrix")
    expect(page).to_have_title("The Matrix · Matinee")

    stars = page.get_by_role("radiogroup", name="Your stars: The Matrix").get_by_role("radio")
    tab_to(page, stars.first, 14)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(stars.nth(3)).to_be_checked()
    expect(stars.nth(3)).to_be_focused()
    page.keyboard.press("Enter")  # again, which takes it back
    expect(stars.nth(3)).not_to_be_checked()
    page.keyboard.press("Enter")
    expect(stars.nth(3)).to_be_checked()
    expect(stars.nth(3)).to_be_focused()
    settled(page)

    card = page.locator(".mt-cards article").first
    title = card.locator("h3").inner_text()
    save = card.get_by_role("button", name=f"Save for later: {title}")
    tab_to(page, save, 12)
    page.keyboard.press("Enter")
    expect(card.locator(".mt-done span")).to_have_text("Saved for later")
    expect(save).to_be_focused()
    undo = card.get_by_role("button", name=f"Undo: {title}")
    tab_to(page, undo, 4)
    page.keyboard.press("Enter")
    expect(save).to_have_attribute("aria-pressed", "false")
    expect(save).to_be_focused()
    page.keyboard.press("Enter")
    expect(save).to_have_attribute("aria-pressed", "true")

    page.go_back()  # what a browser with a window does on Alt and the left arrow
    heading(page, "Discover")
    expect(field).to_have_value("matrix 1999")
    expect(titles(page)).to_have_text(["The Matrix"])
    link = page.locator(".mt-bar").get_by_role("link", name="My list")
    tab_to(page, link, 24)
    page.keyboard.press("Enter")
    heading(page, "My list")
    saved = page.get_by_role("radio", name="Saved (1)")
    parts = page.get_by_role("radio", name="Rate", exact=True)
    tab_to(page, parts, 16)
    for _ in range(6):
        if saved.evaluate(FOCUSED):
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".mt-rows li")).to_have_count(1)
    expect(page.locator(".mt-rows li")).to_contain_text(title)


def test_ratings_of_imdb_on_a_phone(server: Server, visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text(IMDB, "utf-8")
    page = visit(f"{server.url}/me", viewport=PHONE)
    heading(page, "Me")
    page.get_by_role("link", name="IMDb").click()
    heading(page, "My list")
    popular = titles(page).all_inner_texts()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("Movies taken over: 3")).to_be_visible()
    expect(page.get_by_text("Ratings from 1 to 10")).to_be_visible()
    page.get_by_text(re.compile("^Not in this catalogue: 1")).click()
    expect(page.get_by_text("Nobody Has This")).to_be_visible()
    expect(page.get_by_text("Breaking Bad")).to_be_attached()
    expect(titles(page)).not_to_have_text(popular)
    recommended = titles(page).all_inner_texts()
    page.get_by_role("radio", name="Rated (3)").click()
    expect(page.locator(".mt-rows li")).to_have_count(3)
    for title, stars in (("The Matrix", 5), ("Titanic", 1)):
        group = page.get_by_role("radiogroup", name=f"Your stars: {title}", exact=True)
        expect(group.get_by_role("radio").nth(stars - 1)).to_be_checked()
    page.reload()
    heading(page, "My list")
    expect(titles(page)).to_have_text(recommended)


def test_a_restart_in_the_middle(sample_bundle: Path, tmp_path: Path, chromium: Browser) -> None:
    # A page of its own, since the browser notes in its console that nobody answers.
    context = chromium.new_context(locale="ko-KR", viewport=PHONE)
    page = context.new_page()
    posters, picks = page.locator(".mt-wall button"), page.locator(".mt-picks li a")
    with serve(sample_bundle, tmp_path) as server:
        page.goto(server.url)
        heading(page, "오늘 밤 뭐 볼까요?")
        for number in range(2):
            posters.nth(number).click()
            expect(posters.nth(number)).to_have_attribute("aria-pressed", "true")
        names = {posters.nth(number).get_attribute("aria-label") for number in range(2)}
    away = page.get_by_role("dialog", name="잠시만요")
    expect(away).to_be_visible()
    with serve(sample_bundle, tmp_path, server.port):
        expect(away).to_have_count(0)  # nobody clicks
        posters.nth(2).click()  # at once, before the new server knows the page
        expect(picks).to_have_count(12)
        liked = page.locator(".mt-wall [aria-pressed=true]")
        expect(liked).to_have_count(3)
        assert names < {one.get_attribute("aria-label") for one in liked.all()}
        title = picks.first.inner_text()
        picks.first.click(force=True)
        heading(page, title)
        page.close()
    context.close()
