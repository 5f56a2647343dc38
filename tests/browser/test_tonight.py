"""Tonight, on a phone and by keyboard: who is new, and who comes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.chromium import Page, Route, expect
from tests.browser.conftest import PHONE
from tests.browser.drawn import heading, settled
from tests.browser.serving import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
LARGE = ".mt-hero h2"


def test_a_newcomer_with_a_phone_has_three_picks_after_three_taps(
    server: Server, visit: Visit
) -> None:
    page = visit(server.url, viewport=PHONE, locale="ko-KR")
    heading(page, "오늘 밤 뭐 볼까요?")
    posters, picks = page.locator(".mt-wall button"), page.locator(".mt-picks li a")
    place = posters.first.bounding_box()
    for number in range(3):
        posters.nth(number).click()
        expect(posters.nth(number)).to_have_attribute("aria-pressed", "true")
    for number in range(3):
        expect(picks.nth(number)).to_be_in_viewport()
    settled(page)
    assert posters.first.bounding_box() == place  # nothing moves under the finger
    assert "사용자" not in page.get_by_test_id("stMain").inner_text()
    title = picks.first.inner_text()
    picks.first.click(force=True)
    heading(page, title)


def test_who_comes_back_has_one_pick_and_is_surprised(server: Server, visit: Visit) -> None:
    page = visit(server.url)
    heading(page, "What will you watch tonight?")
    posters = page.locator(".mt-wall button")
    for number in range(3):
        posters.nth(number).press("Enter")
        expect(posters.nth(number)).to_have_attribute("aria-pressed", "true")
        expect(posters.nth(number)).to_be_focused()
    page.get_by_role("link", name="All for tonight").click()
    large = page.locator(LARGE)
    expect(large).to_be_visible()
    expect(page.locator(".mt-shelf h2").first).to_have_text("Your picks")
    settled(page)
    title = large.inner_text()
    page.get_by_role("button", name="Surprise me").click()
    expect(large).not_to_have_text(title)
    page.get_by_role("radio", name="Scary").click()
    expect(page).to_have_url(f"{server.url}/?mood=scary")
    expect(large).to_be_visible()
    page.reload()
    heading(page, "What will you watch tonight?")
    expect(page.get_by_role("radio", name="Scary")).to_be_checked()
    expect(page.locator(".mt-wall")).to_have_count(0)
    large.get_by_role("link").click()
    expect(page.locator(".mt-movie")).to_be_visible()
    settled(page)
    page.go_back()
    heading(page, "What will you watch tonight?")
    expect(page.get_by_role("radio", name="Scary")).to_be_checked()


def test_a_tap_counts_before_what_takes_it_up_is_loaded(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/healthz")
    held: list[Route] = []
    page.route(
        "**/static/js/TextInput.*.js", lambda route: held.append(route)
    )  # draws the field of the clicks
    page.goto(server.url)
    first = page.locator(".mt-wall button").first
    first.click()
    expect(page.locator(".st-key-clicks input")).to_have_count(0)
    for route in held:
        route.continue_()
    expect(first).to_have_attribute("aria-pressed", "true")


def test_a_click_on_a_row_is_undone_where_it_was_made(server: Server, visit: Visit) -> None:
    page = visit(server.url)
    posters = page.locator(".mt-wall button")
    for number in range(3):
        posters.nth(number).click()
        expect(posters.nth(number)).to_have_attribute("aria-pressed", "true")
    page.reload()
    row = page.locator(".mt-row").first
    card = row.get_by_role("article").nth(1)
    title = card.locator("h3").inner_text()
    settled(page)
    titles = row.locator("h3").all_inner_texts()
    seen = card.get_by_role("button", name=f"Seen: {title}")
    seen.focus()
    place = seen.bounding_box()
    page.keyboard.press("Enter")
    expect(card.locator(".mt-done span")).to_have_text("Marked as seen")
    expect(page.get_by_role("status").filter(has_text=f"Undo: {title}")).to_be_attached()
    expect(seen).to_be_focused()
    assert seen.bounding_box() == place
    undo = card.get_by_role("button", name=f"Undo: {title}")
    box = undo.bounding_box()
    assert box
    assert place
    assert box["y"] + box["height"] <= place["y"] + 1
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(seen).to_have_attribute("aria-pressed", "false")
    expect(seen).to_be_focused()
    assert row.locator("h3").all_inner_texts() == titles
