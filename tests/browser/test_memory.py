"""The memory panel in a real browser, and what the serving process itself holds."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from browser.chromium import Page, expect
from browser.drawn import heading, pick_user, settled, titles
from browser.serving import Server

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]

HEAVY = {"pandas", "pyarrow", "scipy", "sklearn", "surprise", "duckdb", "PIL"}
MOST_OWN_MEMORY = 110 * 2**20


def test_the_panel_follows_without_a_click(debug_server: Server, visit: Visit) -> None:
    page = visit(f"{debug_server.url}/about")
    heading(page, "About Matinee")
    side = page.get_by_test_id("stSidebar")
    expect(side.get_by_role("meter", name="Own memory")).to_be_visible()
    expect(side).to_contain_text("of 512.0 MB")
    expect(side).to_contain_text("Limit set by MATINEE_MEMORY_LIMIT")
    rows = side.locator("tbody")
    before = rows.count()

    other = visit(f"{debug_server.url}/hybrid", locale="ko-KR")
    heading(other, "하이브리드")
    pick_user(other, "77")
    expect(titles(other)).to_have_count(12)
    expect(rows).not_to_have_count(before)
    expect(rows.first).to_contain_text("Hybrid")
    expect(other.get_by_test_id("stSidebar").locator("tbody").first).to_contain_text("하이브리드")


def test_the_figures_change_by_themselves(debug_server: Server, visit: Visit) -> None:
    page = visit(f"{debug_server.url}/about")
    heading(page, "About Matinee")
    facts = page.get_by_test_id("stSidebar").locator(".memory").first
    expect(facts).to_contain_text("RSS")
    before = facts.inner_text()
    for user in range(1, 6):  # what other visitors do takes memory
        visit(f"{debug_server.url}/for-you?user={user}")
    expect(facts).not_to_have_text(before)


def test_the_button_says_what_it_gave_back(debug_server: Server, visit: Visit) -> None:
    page = visit(debug_server.url)
    heading(page, "What to watch next")
    side = page.get_by_test_id("stSidebar")
    expect(side.get_by_role("status")).to_have_count(0)
    side.get_by_role("button", name="Collect and return memory").click()
    expect(side.get_by_role("status")).to_have_text(re.compile(r"^Given back: [−-]?[\d,.]+ MB$"))
    expect(side.locator("tbody").first).to_contain_text("Collect and return memory")


@pytest.mark.parametrize("debug", [False, True])
def test_nothing_heavy_enters_the_process(
    request: pytest.FixtureRequest, visit: Visit, debug: bool
) -> None:
    server: Server = request.getfixturevalue("debug_server" if debug else "server")
    use_everything(visit(server.url), server)
    imported = server.imported()
    assert {"streamlit", "numpy", "recommender.ui.hybrid"} <= imported
    assert imported & HEAVY == set()
    assert imported & {"debug_memory", "recommender.ui.memory.panel"} == (
        {"debug_memory", "recommender.ui.memory.panel"} if debug else set()
    )
    assert server.own_memory() <= MOST_OWN_MEMORY


def use_everything(page: Page, server: Server) -> None:
    """Every page, and every control on it."""
    heading(page, "What to watch next")
    page.goto(f"{server.url}/for-you")
    pick_user(page, "42")
    expect(titles(page)).to_have_count(12)
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("slider", name="Number of recommendations").press("End")
    expect(titles(page)).to_have_count(20)
    page.get_by_role("slider", name="Years").first.press("ArrowRight")
    page.get_by_role("combobox", name="Genres").fill("War")
    page.get_by_role("option", name="War").click()
    expect(page.get_by_role("dialog", name="Filters (2)")).to_be_visible()
    page.goto(f"{server.url}/similar")
    page.get_by_role("searchbox").fill("godfather")
    page.get_by_role("radio", name="The Godfather (1972)").click()
    expect(titles(page)).to_have_count(12)
    page.get_by_role("radio", name="Collaborative").click()
    expect(page.get_by_text("By collaboration")).to_be_visible()
    page.goto(f"{server.url}/hybrid?user=42")
    page.get_by_role("slider", name="Weight").press("Home")
    expect(page.locator(".mt-sum .collaborative").first).to_have_text("0")
    page.goto(f"{server.url}/about")
    heading(page, "About Matinee")
    page.get_by_role("radio", name="한국어").click()
    heading(page, "Matinee 소개")
    settled(page)
