"""The tools of the memory panel in a real browser, and the flame graph as it opens elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.chromium import Browser, Locator, Page, expect
from tests.browser.drawn import choose, heading, titles
from tests.browser.serving import Server, serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
MB = 2**20


def tools(visit: Visit, server: Server) -> tuple[Page, Locator]:
    """A page with the tools open, and its sidebar."""
    page = visit(f"{server.url}/about")
    heading(page, "About Matinee")
    side = page.get_by_test_id("stSidebar")
    side.get_by_role("radio", name="Tools").click()
    expect(side.get_by_role("button", name="Clear caches")).to_be_visible()
    return page, side


def recommend(visit: Visit, server: Server, user: int) -> None:
    expect(titles(visit(f"{server.url}/for-you?user={user}"))).to_have_count(12)


def record(visit: Visit, server: Server, side: Locator, user: int) -> Locator:
    """Record what a visitor's recommendations take; the link to the flame graph."""
    side.get_by_role("button", name="Record the next one").click()
    expect(side.get_by_text("Waiting for: Whichever comes first")).to_be_visible()
    recommend(visit, server, user)
    link = side.get_by_role("link", name="Download: For you")
    expect(link).to_be_visible(timeout=60_000)
    return link


def test_a_flame_graph_is_recorded_downloaded_and_opens_offline(
    debug_server: Server, visit: Visit, chromium: Browser, tmp_path: Path
) -> None:
    pytest.importorskip("memray")
    page, side = tools(visit, debug_server)
    link = record(visit, debug_server, side, 11)
    page.wait_for_timeout(2500)  # the panel is drawn anew, and the link stays good
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "matinee-flame-graph.html"
    file = tmp_path / "flame-graph.html"
    download.value.save_as(file)
    side.get_by_role("button", name="Delete the flame graph").click()
    expect(link).to_have_count(0)

    context = chromium.new_context(offline=True)
    offline = context.new_page()
    asked, errors = [], []
    offline.on("request", lambda request: asked.append(request.url))
    offline.on("pageerror", lambda error: errors.append(str(error)))
    offline.goto(file.as_uri())
    expect(offline.locator("#chart rect").nth(20)).to_be_attached()
    # Whoever holds most at the peak is in it; on a busy machine that need not be the action.
    expect(offline.locator("#chart")).to_contain_text(re.compile("_bootstrap_inner|run_forever"))
    context.close()
    assert errors == []
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []


def test_recording_and_downloading_leave_the_server_as_small_as_it_was(
    debug_server: Server, visit: Visit
) -> None:
    pytest.importorskip("memray")
    page, side = tools(visit, debug_server)
    link = record(visit, debug_server, side, 12)  # memray itself is loaded for good
    before = debug_server.own_memory()
    for _ in range(5):
        with page.expect_download() as download:
            link.click()
        assert Path(download.value.path()).stat().st_size > 2 * MB
    assert debug_server.own_memory() - before < 2 * MB


def test_the_files_go_with_the_server(
    sample_bundle: Path, tmp_path: Path, chromium: Browser
) -> None:
    pytest.importorskip("memray")
    kept = tmp_path / "temporary"
    kept.mkdir()
    context = chromium.new_context(locale="en-US")

    def open_page(address: str) -> Page:
        page = context.new_page()
        page.goto(address)
        return page

    with serve(sample_bundle, tmp_path, DEBUG_MEMORY="true", TMPDIR=str(kept)) as server:
        _, side = tools(open_page, server)
        record(open_page, server, side, 13)
        assert [file.name for file in kept.rglob("*.html")] == ["flame-graph.html"]
        context.close()
    assert list(kept.iterdir()) == []


def test_the_caches_are_cleared_while_visitors_are_there(
    debug_server: Server, visit: Visit
) -> None:
    _, side = tools(visit, debug_server)
    visitor = visit(f"{debug_server.url}/for-you?user=14")
    expect(titles(visitor)).to_have_count(12)
    side.get_by_role("button", name="Clear caches").click()
    expect(side.get_by_role("status")).to_have_text(re.compile(r"^Given back: [−-]?[\d.]+ MB\. "))
    choose(visitor, "Similar movies")
    heading(visitor, "Similar movies")
    recommend(visit, debug_server, 15)


def test_growth_since_a_mark_by_type_and_by_line(debug_server: Server, visit: Visit) -> None:
    page, side = tools(visit, debug_server)
    for button in ("Follow lines of code", "Mark this moment"):
        side.get_by_role("button", name=button).click()
    expect(side.get_by_text(re.compile(r"Compared with \d\d:\d\d:\d\d"))).to_be_visible()
    recommend(visit, debug_server, 16)
    side.get_by_role("button", name="Show the lines").click()
    rows = side.locator(".memory-found tbody tr")
    expect(rows).to_have_count(12)
    expect(
        rows.filter(has_text=re.compile(r"^(streamlit|recommender)/.*\.py:\d+")).first
    ).to_be_visible()
    side.get_by_role("button", name="Stop following").click()
    expect(side.get_by_role("button", name="Follow lines of code")).to_be_visible()
    side.get_by_role("button", name="Count objects by type").click()
    expect(rows.first.locator("td").last).to_have_text(re.compile(r"^\+[\d,]+$"))
    page.wait_for_timeout(2500)
    expect(rows).to_have_count(12)


def test_where_it_goes_adds_up(debug_server: Server, visit: Visit) -> None:
    page = visit(f"{debug_server.url}/for-you?user=17")
    expect(titles(page)).to_have_count(12)
    side = page.get_by_test_id("stSidebar")
    side.get_by_role("radio", name="Parts").click()
    expect(side.get_by_text("Cached objects: _bundle")).to_be_visible()
    total = side.get_by_role("img", name=re.compile("of own memory")).get_attribute("aria-label")
    sizes = side.locator(".memory-keys > span:nth-child(even)").all_inner_texts()
    figures = [float(size.removesuffix(" MB").replace(",", "")) for size in sizes]
    assert str(total).endswith(" MB of own memory")
    assert sum(figures) == pytest.approx(float(str(total).split()[0]), abs=0.06 * len(figures))
    bundle = side.locator(".memory-facts span", has_text=re.compile("^Bundle, of")).first
    expect(bundle).to_have_text(re.compile(r"^Bundle, of [1-9][\d.]* MB mapped$"))
