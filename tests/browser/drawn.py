"""Finds things on a page as a visitor would."""

from __future__ import annotations

from tests.browser.chromium import Locator, Page, expect


def heading(page: Page, text: str) -> None:
    """Wait until the page with this title is there and its run is over."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)
    settled(page)


def settled(page: Page) -> None:
    """Wait until the server has nothing more to draw."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def choose(page: Page, name: str) -> None:
    """Choose a page, or a language, in the head of a wide screen."""
    link = page.locator(".st-key-head").get_by_role("link", name=name, exact=True)
    expect(page.locator(".mt-menu")).to_be_visible()
    if link.count() == 0:
        page.locator(".mt-menu summary").click()
    link.click()


def titles(page: Page) -> Locator:
    """The titles in the grid of cards."""
    return page.locator(".mt-cards article h3")


def pick_user(page: Page, user: str) -> None:
    """Type a user's id and confirm it."""
    field = page.get_by_role("combobox")
    field.click()
    field.fill(user)
    field.press("Enter")
