"""Two people choose a movie: one opens an evening, the other joins by the link, and it ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.chromium import Page, expect
from tests.browser.conftest import PHONE
from tests.browser.drawn import heading
from tests.browser.serving import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
LIST = ".mt-cards h3"


def tap_three(page: Page, first: int) -> None:
    posters = page.locator(".mt-wall button")
    for number in range(first, first + 2):
        posters.nth(number).click()
        expect(posters.nth(number)).to_have_attribute("aria-pressed", "true")
    posters.nth(first + 2).click()
    expect(page.locator(".mt-wall")).to_have_count(0)


def test_two_people_open_join_choose_leave_and_end_an_evening(
    tiny_server: Server, visit: Visit
) -> None:
    ana = visit(f"{tiny_server.url}/my-ratings", viewport=PHONE)
    ana.get_by_role("link", name="Watch together").click()
    heading(ana, "Watch together")
    ana.get_by_role("textbox", name="Your name").fill("Ana")
    ana.get_by_role("button", name="Open an evening").click()
    link = ana.get_by_role("textbox", name="Link for one guest")
    ana.get_by_role("button", name="Copy").click()
    expect(ana.get_by_role("button", name="Copied")).to_be_visible()
    address = link.input_value()
    tap_three(ana, 0)

    ben = visit(address, viewport=PHONE, locale="ko-KR")
    ben.get_by_role("button", name="모임에 들어가기").click()
    expect(ben.locator(".mt-people li")).to_have_text(["Ana", "나"])
    expect(ben).to_have_url(f"{tiny_server.url}/together")
    tap_three(ben, 4)
    titles = ben.locator(LIST).all_inner_texts()
    assert len(titles) == 12
    # Ana's page has noticed by itself that he has come.
    expect(ana.locator(".mt-people li")).to_have_text(["You", "Guest 2"])
    ana.reload()
    expect(ana.locator(LIST)).to_have_text(titles)

    third = visit(address)
    expect(third.get_by_text("This link has been used")).to_be_visible()

    ben.get_by_role("button", name="모임 나가기").click()
    ben.locator(".st-key-together_leave button").click()
    expect(ben.get_by_text("이제 참여 중인 모임이 없어요")).to_be_visible()
    ana.reload()
    expect(ana.locator(".mt-people li")).to_have_text(["You"])
    ana.get_by_role("button", name="End the evening").click()
    ana.locator(".st-key-together_leave button").click()
    expect(ana.get_by_text("You are at no evening any more")).to_be_visible()
