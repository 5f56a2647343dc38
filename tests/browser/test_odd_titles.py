"""Titles that hold HTML and Markdown are shown as they are; `visit` sees that no dialog opens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.chromium import Page, expect
from tests.browser.drawn import settled, titles
from tests.browser.serving import Server
from tests.conftest import ODD_TITLES

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]


def joined(text: str) -> str:
    """Return `text` with the joiner that keeps Markdown from making a link of an address."""
    return text.replace("://", ":\u2060//")


@pytest.mark.parametrize("movie", sorted(ODD_TITLES))
def test_as_the_movie_and_as_a_pill(tiny_server: Server, visit: Visit, movie: int) -> None:
    title, year, _ = ODD_TITLES[movie]
    page = visit(f"{tiny_server.url}/similar?movie={movie}")
    expect(page.locator(".mt-single h2")).to_have_text(title)
    page.get_by_role("searchbox", name="Title").fill(title)
    pill = page.get_by_test_id("stButtonGroup").get_by_role("radio").filter(has_text=str(year))
    expect(pill).to_have_text(f"{joined(title)} ({year})")
    settled(page)
    expect(page.locator("img[src=x]")).to_have_count(0)
    expect(page.locator("a[href*='example.invalid']")).to_have_count(0)


def test_in_cards(tiny_server: Server, visit: Visit) -> None:
    shown: set[str] = set()
    for genre in ("Horror", "Sci-Fi", "Romance", "Thriller"):
        # User 50 has rated two movies only, so nearly all are left to recommend.
        page = visit(f"{tiny_server.url}/for-you?user=50&genres={genre}")
        expect(page.locator(".mt-strip li")).to_have_count(2)
        settled(page)
        shown.update(titles(page).all_inner_texts(), page.locator(".mt-strip b").all_inner_texts())
        expect(page.locator("img[src=x]")).to_have_count(0)
    assert shown >= {title for title, _, _ in ODD_TITLES.values()}


@pytest.mark.parametrize(
    # Words of no movie: what names one's genre or words finds it.
    "text",
    ["<b onclick=stop(2)>", "*q* [w](https://elsewhere.test)"],
)
def test_what_a_visitor_types_is_shown_as_it_is(
    tiny_server: Server, visit: Visit, text: str
) -> None:
    page = visit(f"{tiny_server.url}/similar")
    page.get_by_role("searchbox", name="Title").fill(f"{text} nowhere")
    expect(page.get_by_text(f"No title is like “{joined(text)} nowhere”.")).to_be_visible()
    expect(page.locator("b[onclick]")).to_have_count(0)
    expect(page.locator("a[href*='elsewhere.test']")).to_have_count(0)
