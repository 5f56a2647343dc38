"""Pages on a phone and on a wide screen."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.browser.chromium import Page, expect
from tests.browser.conftest import NARROW, PHONE, WIDE
from tests.browser.drawn import choose, heading, settled, titles
from tests.browser.serving import Server

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]

TITLES = {
    "": ("What will you watch tonight?", "오늘 밤 뭐 볼까요?"),
    "my-ratings": ("My list", "내 목록"),
    "me": ("Me", "나"),
    "for-you?user=42": ("For you", "맞춤 추천"),
    "similar?movie=1": ("Similar movies", "비슷한 영화"),
    "hybrid?user=42": ("Hybrid", "하이브리드"),
    "discover": ("Discover", "둘러보기"),
    "movie?id=1": ("Toy Story", "토이 스토리"),
    "together": ("Watch together", "함께 보기"),
    "about": ("About Matinee", "Matinee 소개"),
}
# By how many pixels the page, what scrolls within it, or a row of choices is cut off.
CUT_OFF = """() => Math.max(...[document.documentElement,
    ...document.querySelectorAll("[data-testid=stMain], [role=radiogroup]")]
    .map(element => element.scrollWidth - element.clientWidth))"""


@pytest.mark.parametrize(
    ("viewport", "locale", "language"),
    [
        (PHONE, "en-US", 0),
        pytest.param(PHONE, "ko-KR", 1, marks=pytest.mark.slow),
        pytest.param(WIDE, "en-US", 0, marks=pytest.mark.slow),
        pytest.param(WIDE, "ko-KR", 1, marks=pytest.mark.slow),
    ],
    ids=["phone", "phone-ko", "wide", "wide-ko"],
)
def test_no_page_is_wider_than_the_screen(
    server: Server, visit: Visit, viewport: dict[str, int], locale: str, language: int
) -> None:
    page = visit(server.url, locale=locale, viewport=viewport)
    for address, titled in TITLES.items():
        page.goto(f"{server.url}/{address}")
        heading(page, titled[language])
        if address not in ("", "me", "about", "together"):
            expect(titles(page).nth(4)).to_be_attached()
        page.set_viewport_size(viewport)
        assert page.evaluate(CUT_OFF) <= 0, address
        if viewport == PHONE:
            page.set_viewport_size(NARROW)
            assert page.evaluate(CUT_OFF) <= 0, f"{address}, narrow"


def test_odd_titles_do_not_break_the_cards(tiny_server: Server, visit: Visit) -> None:
    page = visit(f"{tiny_server.url}/similar?movie=4", viewport=PHONE)
    expect(page.locator(".mt-single h2")).to_contain_text("Amélie Poulain")
    settled(page)
    assert page.evaluate(CUT_OFF) <= 0


def test_the_menu_of_a_phone(server: Server, visit: Visit) -> None:
    page = visit(server.url, viewport=PHONE)
    heading(page, "What will you watch tonight?")
    page.locator(".mt-menu summary").click()
    page.get_by_role("navigation", name="Lab").get_by_role("link", name="Hybrid").click()
    heading(page, "Hybrid")
    page.get_by_role("combobox").click()  # which the menu does not cover any more
    expect(page.get_by_role("option").first).to_be_visible()


def test_the_bar_of_a_phone(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/hybrid", viewport=PHONE, locale="ko-KR")
    heading(page, "하이브리드")
    bar = page.get_by_role("navigation", name="페이지", exact=True)
    expect(bar.locator("[aria-current]")).to_have_count(0)
    page.evaluate("window.loaded_once = true")
    bar.get_by_role("link", name="내 목록").click()
    heading(page, "내 목록")
    expect(bar.locator("[aria-current]")).to_have_text(re.compile("내 목록"))
    assert page.evaluate("window.loaded_once")


def test_an_address_without_a_page_says_so(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/nonsense")
    heading(page, "There is no such page")
    expect(page.get_by_text("Nothing is at the address “nonsense”.")).to_be_visible()
    choose(page, "한국어")
    heading(page, "없는 페이지입니다")
    choose(page, "오늘 밤")
    heading(page, "오늘 밤 뭐 볼까요?")


def test_the_controls_of_a_phone_can_be_used(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/for-you?user=42", viewport=PHONE)
    expect(titles(page)).to_have_count(12)
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("slider", name="Number of recommendations").press("Home")
    expect(titles(page)).to_have_count(5)


def test_forced_colours_show_what_is_chosen(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/for-you?user=42")
    heading(page, "For you")
    page.emulate_media(forced_colors="active")
    chosen = page.get_by_role("radio", name="Best match")
    expect(chosen).to_have_css("outline-style", "solid")
    expect(page.get_by_role("radio", name="Predicted stars")).to_have_css("outline-style", "none")
