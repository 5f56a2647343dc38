"""The memory panel in a real browser, and what the serving process itself holds."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests.browser.chromium import Locator, Page, expect
from tests.browser.conftest import PHONE, WIDE
from tests.browser.drawn import choose, heading, pick_user, settled, titles
from tests.browser.serving import Server
from tests.browser.test_accessibility import RUN
from tests.browser.test_layout import CUT_OFF

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]

HEAVY = {"pandas", "pyarrow", "scipy", "sklearn", "surprise", "duckdb", "PIL", "altair"}
MAX_OWN_MEMORY = 110 * 2**20
# What is there only for the panel.
PANEL = {
    "memory_toolkit.panel.panel",
    "memory_toolkit.panel.page",
    "recommender.app.memory",
    "recommender.app.memory.panel",
    "memory_toolkit.record.actions",
    "memory_toolkit.record.summaries",
    "memory_toolkit.record.timeline",
}


def side(page: Page) -> Locator:
    return page.get_by_test_id("stSidebar")


def show(page: Page, view: str) -> None:
    choice = side(page).get_by_role("radio", name=view, exact=True)
    choice.click()
    expect(choice).to_be_checked()


def names(page: Page) -> list[str]:
    """The names in the table of actions, from above."""
    return side(page).locator("tbody th").all_inner_texts()


def act(visit: Visit, server: Server, user: int) -> None:
    """Another visitor asks for recommendations."""
    expect(titles(visit(f"{server.url}/for-you?user={user}"))).to_have_count(12)


def test_the_gauge_follows_without_a_click(debug_server: Server, visit: Visit) -> None:
    page = visit(f"{debug_server.url}/about")
    heading(page, "About Matinee")
    expect(side(page).get_by_role("meter", name="Own memory")).to_be_visible()
    expect(side(page)).to_contain_text("of 512.0 MB")
    expect(side(page)).to_contain_text("Limit set by MATINEE_MEMORY_LIMIT")
    guard = side(page).get_by_text("Guard: running")
    expect(guard).to_be_visible()
    before = guard.inner_text()
    act(visit, debug_server, 1)
    expect(guard).not_to_have_text(before)


def test_the_picture_of_the_last_minutes_comes_through(debug_server: Server, visit: Visit) -> None:
    act(visit, debug_server, 2)
    page = visit(f"{debug_server.url}/about")
    picture = side(page).get_by_role("img", name=re.compile(r"^Last \d+ min, highest [\d.]+ MB$"))
    expect(picture).to_be_visible()
    area = picture.locator(".memory-area")
    assert area.evaluate("area => getComputedStyle(area).clipPath").startswith("polygon(")
    # It is drawn anew each five seconds.
    mark = picture.get_by_title(re.compile(r"^\d\d:\d\d:\d\d For you: .* MB, peak .* MB, .*s$"))
    expect(mark.last).to_be_visible()


def test_the_table_follows_and_speaks_the_visitor_s_language(
    debug_server: Server, visit: Visit
) -> None:
    page = visit(f"{debug_server.url}/about")
    show(page, "Actions")
    other = visit(f"{debug_server.url}/hybrid", locale="ko-KR")
    heading(other, "하이브리드")
    pick_user(other, "77")
    expect(titles(other)).to_have_count(12)
    first = side(page).locator("tbody").first
    expect(first).to_contain_text("Hybrid")
    expect(first).to_contain_text(re.compile(r"[0-9a-f]{4} · \d\d:\d\d:\d\d"))
    show(other, "작업")
    expect(side(other).locator("tbody").first).to_contain_text("하이브리드")


def test_the_table_can_be_sorted_and_filtered_while_it_follows(
    debug_server: Server, visit: Visit
) -> None:
    act(visit, debug_server, 3)
    page = visit(debug_server.url)
    heading(page, "What will you watch tonight?")
    show(page, "Actions")
    expect(side(page).locator("tbody th").first).to_have_text("Tonight")
    # The list stays open and the field keeps what is typed, though the panel is drawn each second.
    order = side(page).get_by_role("combobox", name="Order")
    order.click()
    page.wait_for_timeout(2500)
    page.get_by_role("option", name="Longest first").click()
    expect(order).to_have_value("Longest first")
    figures = side(page).locator("tbody tr:nth-child(2) td:last-child")
    expect(figures.first).to_be_visible()
    page.wait_for_timeout(1500)
    spent = [
        float(number) * (1 if unit == "ms" else 1000)
        for number, unit in (text.split() for text in figures.all_inner_texts())
    ]
    assert spent == sorted(spent, reverse=True)
    field = side(page).get_by_role("textbox", name="Name contains")
    field.press_sequentially("for", delay=50)
    page.wait_for_timeout(2500)
    expect(field).to_be_focused()
    expect(field).to_have_value("for")
    field.press("Enter")
    expect(side(page).get_by_text("Tonight", exact=True)).to_have_count(0)
    assert set(names(page)) == {"For you"}


def test_the_actions_can_be_downloaded_and_cleared(
    debug_server: Server, visit: Visit, tmp_path: Path
) -> None:
    act(visit, debug_server, 4)
    page = visit(f"{debug_server.url}/about")
    show(page, "Actions")
    for kind in ("CSV", "JSON"):
        with page.expect_download() as download:
            side(page).get_by_role("button", name=kind).click()
        assert download.value.suggested_filename == f"matinee-actions.{kind.lower()}"
        download.value.save_as(tmp_path / kind)
    with open(tmp_path / "CSV", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    records = json.loads((tmp_path / "JSON").read_text("utf-8"))
    assert rows[0]["name"] == records[0]["name"] == "For you"
    assert rows[0]["action"] == records[0]["action"] == "action.for_you"
    assert len(rows) == len(records)
    for row, record in zip(rows, records, strict=True):
        assert int(row["peak"]) == record["peak"] >= record["after"]
    side(page).get_by_role("button", name="Clear").click()
    expect(side(page)).to_contain_text("Nothing measured")
    expect(side(page).locator("tbody")).to_have_count(0)


def test_by_name_it_says_what_they_took_together(debug_server: Server, visit: Visit) -> None:
    act(visit, debug_server, 5)
    page = visit(f"{debug_server.url}/about")
    show(page, "Actions")
    show(page, "By name")
    expect(side(page).locator("tbody th").first).to_be_visible()
    expect(side(page)).to_contain_text("on average")
    assert len(set(names(page))) == len(names(page))


def test_the_button_says_what_it_gave_back(debug_server: Server, visit: Visit) -> None:
    page = visit(debug_server.url)
    heading(page, "What will you watch tonight?")
    expect(side(page).get_by_role("status")).to_have_count(0)
    side(page).get_by_role("button", name="Collect and return memory").click()
    given = re.compile(r"^Given back: [−-]?[\d,.]+ MB$")
    expect(side(page).get_by_role("status")).to_have_text(given)
    show(page, "Actions")
    expect(side(page)).to_contain_text("Collect and return memory")


def test_the_views_are_within_reach_of_the_keyboard(debug_server: Server, visit: Visit) -> None:
    page = visit(f"{debug_server.url}/about")
    heading(page, "About Matinee")
    now = side(page).get_by_role("radio", name="Now")
    now.focus()
    page.wait_for_timeout(1500)
    page.keyboard.press("ArrowRight")
    actions = side(page).get_by_role("radio", name="Actions")
    expect(actions).to_be_focused()
    page.keyboard.press("Space")
    expect(actions).to_be_checked()
    expect(side(page).get_by_role("button", name="CSV")).to_be_visible()


def test_another_page_keeps_the_view(debug_server: Server, visit: Visit) -> None:
    page = visit(f"{debug_server.url}/about")
    show(page, "Actions")
    choose(page, "Hybrid")
    heading(page, "Hybrid")
    expect(side(page).get_by_role("radio", name="Actions")).to_be_checked()
    expect(side(page).get_by_role("button", name="CSV")).to_be_visible()


def test_on_a_phone_it_is_beside_the_menu(debug_server: Server, visit: Visit) -> None:
    page = visit(debug_server.url, viewport=PHONE)
    heading(page, "What will you watch tonight?")
    page.get_by_test_id("stExpandSidebarButton").click()
    for view in ("Actions", "Parts", "Tools", "Now"):
        show(page, view)
        width = side(page).evaluate(
            "side => Math.max(...[side, ...side.querySelectorAll('*')]"
            ".map(element => element.getBoundingClientRect().right))"
        )
        assert width <= PHONE["width"]
    expect(side(page).get_by_role("meter", name="Own memory")).to_be_in_viewport()


def test_it_opens_for_the_token_only(
    sample_bundle: Path, start: Callable[..., Server], visit: Visit
) -> None:
    server = start(sample_bundle, DEBUG_MEMORY="true", DEBUG_MEMORY_TOKEN="open-sesame")
    page = visit(f"{server.url}/about")
    heading(page, "About Matinee")
    expect(side(page).get_by_role("meter")).to_have_count(0)
    field = side(page).get_by_label("Token (DEBUG_MEMORY_TOKEN)")
    expect(field).to_have_attribute("type", "password")
    for token in ("guess", "open-sesame"):  # the second comes too early
        field.fill(token)
        side(page).get_by_role("button", name="Show the memory panel").click()
        expect(side(page).get_by_role("alert")).to_contain_text(re.compile(r"\d s\.$"))
        expect(side(page).get_by_role("meter")).to_have_count(0)
    page.wait_for_timeout(1500)
    field.fill("open-sesame")
    field.press("Enter")
    expect(side(page).get_by_role("meter", name="Own memory")).to_be_visible()
    choose(page, "Hybrid")
    heading(page, "Hybrid")
    expect(side(page).get_by_role("meter", name="Own memory")).to_be_visible()
    assert "open-sesame" not in page.content()


@pytest.mark.parametrize("debug", [False, True])
def test_nothing_heavy_enters_the_process(
    request: pytest.FixtureRequest, visit: Visit, debug: bool
) -> None:
    server: Server = request.getfixturevalue("debug_server" if debug else "server")
    page = visit(server.url)
    use_everything(page, server)
    if debug:
        for view in ("작업", "이름별", "구성", "도구", "현재"):
            show(page, view)
            page.wait_for_timeout(1500)  # it is drawn again meanwhile
            expect(side(page).get_by_role("alert")).to_have_count(0)
    imported = server.imported()
    assert {"streamlit", "numpy", "recommender.app.pages.similar"} <= imported
    assert imported & HEAVY == set()
    assert imported & PANEL == (PANEL if debug else set())
    assert server.own_memory() <= MAX_OWN_MEMORY


def use_everything(page: Page, server: Server) -> None:
    """Every page, and every control on it."""
    heading(page, "What will you watch tonight?")
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
    page.get_by_role("searchbox", name="Title").fill("godfather")
    page.get_by_role("radio", name="The Godfather (1972)").click()
    expect(titles(page)).to_have_count(12)
    page.get_by_role("radio", name="Collaborative").click()
    expect(page.get_by_text("By collaboration")).to_be_visible()
    page.goto(f"{server.url}/hybrid?user=42")
    page.get_by_role("slider", name="Weight").press("Home")
    expect(page.locator(".mt-sum .collaborative").first).to_have_text("0")
    page.goto(f"{server.url}/about")
    heading(page, "About Matinee")
    choose(page, "한국어")
    heading(page, "Matinee 소개")
    settled(page)


@pytest.mark.parametrize(
    ("locale", "viewport", "title", "region"),
    [("en-US", WIDE, "Memory", "Actions"), ("ko-KR", PHONE, "메모리", "작업")],
)
def test_the_page_has_room_for_a_line_an_action(
    debug_server: Server,
    visit: Visit,
    locale: str,
    viewport: dict[str, int],
    title: str,
    region: str,
) -> None:
    page = visit(f"{debug_server.url}/for-you?user=42", locale=locale, viewport=viewport)
    expect(page.locator(".mt-cards article").first).to_be_visible()
    page.locator(".mt-menu summary").click()
    page.locator(".mt-menu").get_by_role("link", name=title).click()
    expect(page).to_have_url(f"{debug_server.url}/memory")
    expect(page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
    lines = page.get_by_role("region", name=region).get_by_role("row")
    expect(lines.nth(1)).to_be_visible()
    expect(page.locator(".memory-chart.memory-large")).to_be_visible()
    page.evaluate(AXE_SCRIPT)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", theme)
        assert page.evaluate(RUN, None) == []
    assert page.evaluate(CUT_OFF) <= 0


def test_without_the_panel_there_is_no_page(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/memory")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
