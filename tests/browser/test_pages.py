"""The main paths through the app on the sample data."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.browser.chromium import Page, expect
from tests.browser.conftest import PHONE, WIDE
from tests.browser.drawn import choose, heading, pick_user, settled, titles
from tests.browser.serving import Server

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
# How far the page is scrolled, in pixels.
SCROLLED = 'document.querySelector("[data-testid=stMain]").scrollTop'


def test_discover(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/discover")
    heading(page, "Discover")
    labels = ["movies", "ratings", "users", "average rating"]
    expect(page.locator(".mt-numbers dt")).to_have_text(labels)
    expect(page.locator(".mt-numbers dd")).to_have_text(["9,066", "100,004", "671", "3.54 ★"])
    expect(titles(page)).to_have_count(12)
    expect(titles(page).first).to_have_text("Forrest Gump")


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_search_from_any_page(server: Server, visit: Visit, viewport: dict[str, int]) -> None:
    page = visit(f"{server.url}/about?lang=en", viewport=viewport)
    heading(page, "About Matinee")
    field = page.get_by_role("searchbox", name="Search movies")
    field.press_sequentially("mat")
    expect(page).to_have_url(f"{server.url}/discover?q=mat")
    heading(page, "Discover")
    expect(field).to_be_focused()
    field.press_sequentially("rix 1999")
    field.press("Enter")
    expect(titles(page)).to_have_text(["The Matrix"])
    expect(page).to_have_url(f"{server.url}/discover?q=matrix+1999")
    settled(page)
    page.reload()
    expect(field).to_have_value("matrix 1999")
    expect(titles(page)).to_have_text(["The Matrix"])
    page.go_back()  # past all that was typed
    heading(page, "About Matinee")
    expect(field).to_have_value("")
    page.go_forward()
    expect(field).to_have_value("matrix 1999")
    field.fill("")
    expect(titles(page).first).to_have_text("Forrest Gump")
    expect(page).to_have_url(f"{server.url}/discover")


@pytest.mark.parametrize(
    ("locale", "menu", "subheader", "predicted"),
    [
        ("en-US", "For you", "Recommended", "predicted"),
        pytest.param("ko-KR", "맞춤 추천", "추천 영화", "예상 별점", marks=pytest.mark.slow),
    ],
)
def test_for_you(
    server: Server, visit: Visit, locale: str, menu: str, subheader: str, predicted: str
) -> None:
    page = visit(server.url, locale=locale)
    choose(page, menu)
    heading(page, menu)
    page.get_by_role("combobox").click()
    page.get_by_role("option", name="4", exact=True).click()
    expect(titles(page)).to_have_count(12)
    expect(page).to_have_url(f"{server.url}/for-you?user=4")
    expect(page.get_by_role("heading", name=subheader)).to_be_visible()
    expect(page.locator(".mt-stars", has_text=predicted).first).to_be_attached()
    expect(page.locator(".mt-strip li")).to_have_count(12)


def test_a_user_can_be_typed(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/for-you")
    heading(page, "For you")
    pick_user(page, "671")
    expect(titles(page)).to_have_count(12)
    expect(page).to_have_url(f"{server.url}/for-you?user=671")
    pick_user(page, "nobody")
    expect(page.get_by_test_id("stAlert")).to_have_text(re.compile("no user nobody"))
    expect(titles(page)).to_have_count(0)


@pytest.mark.parametrize(
    ("locale", "title", "field", "collaborative", "matrix"),
    [
        ("en-US", "Similar movies", "Title", "Collaborative", "The Matrix"),
        pytest.param("ko-KR", "비슷한 영화", "제목", "협업", "매트릭스", marks=pytest.mark.slow),
    ],
)
def test_similar(
    server: Server,
    visit: Visit,
    locale: str,
    title: str,
    field: str,
    collaborative: str,
    matrix: str,
) -> None:
    page = visit(f"{server.url}/similar", locale=locale)
    heading(page, title)
    page.get_by_role("searchbox", name=field).press_sequentially("MATRI")
    expect(page.get_by_role("radio", name="The Animatrix (2003)")).to_be_visible()
    page.get_by_role("radio", name=f"{matrix} (1999)").click()
    expect(page.locator(".mt-single h2")).to_have_text(matrix)
    expect(titles(page)).to_have_count(12)
    expect(page).to_have_url(f"{server.url}/similar?movie=2571")
    content = titles(page).all_inner_texts()
    page.get_by_role("radio", name=collaborative).click()
    expect(page).to_have_url(f"{server.url}/similar?movie=2571&method=collaborative")
    expect(titles(page)).not_to_have_text(content)

    again = visit(page.url, locale=locale)
    expect(again.locator(".mt-single h2")).to_have_text(matrix)
    expect(again.get_by_role("radio", name=collaborative)).to_be_checked()
    settled(page)
    expect(titles(again)).to_have_text(titles(page).all_inner_texts())


def test_an_address_means_the_same_in_the_other_language(server: Server, visit: Visit) -> None:
    address = f"{server.url}/similar?movie=1&method=collaborative&genres=Comedy&n=5"
    english, korean = visit(address), visit(address, locale="ko-KR")
    heading(english, "Similar movies")
    heading(korean, "비슷한 영화")
    expect(korean.get_by_role("radio", name="협업")).to_be_checked()
    expect(titles(english)).to_have_count(5)
    expect(titles(korean)).to_have_count(5)
    # The titles may be in the page's language, too.
    shown = 'all => all.map(link => link.getAttribute("href"))'
    links = [one.locator(".mt-cards h3 a").evaluate_all(shown) for one in (english, korean)]
    assert links[0] == links[1]


def test_a_card_leads_to_the_movies_similar_to_it(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/discover")
    heading(page, "Discover")
    page.evaluate("window.loaded_once = true")
    page.locator(".mt-cards").get_by_role("link", name="Similar movies: Pulp Fiction").click()
    expect(page).to_have_url(f"{server.url}/similar?movie=296")
    expect(page.locator(".mt-single h2")).to_have_text("Pulp Fiction")
    expect(titles(page)).to_have_count(12)
    assert page.evaluate("window.loaded_once")
    page.go_back()
    heading(page, "Discover")


def test_a_movie_s_page_and_back_to_where_one_was(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/for-you?user=42")
    expect(titles(page)).to_have_count(12)
    settled(page)
    card = page.locator(".mt-cards > li").last
    title = card.locator("h3").inner_text()
    card.scroll_into_view_if_needed()
    before = page.evaluate(SCROLLED)
    assert before > 0
    card.locator("img").click(force=True)  # the title's link lies on it
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    expect(page).to_have_title(f"{title} · Matinee")
    expect(titles(page)).to_have_count(12)
    settled(page)
    page.go_back()
    heading(page, "For you")
    expect(card.locator("h3")).to_have_text(title)
    page.wait_for_function(f"Math.abs({SCROLLED} - {before}) < 2")
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def test_from_similar_to_similar_and_back(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/similar?movie=1")
    for _ in range(2):
        expect(titles(page)).to_have_count(12)
        settled(page)
        before, wanted = page.url, titles(page).nth(9).inner_text()
        page.locator(".mt-cards footer").get_by_role("link").nth(9).click()
        expect(page.locator(".mt-single h2")).to_have_text(wanted)
        expect(page.locator(".mt-single h2")).to_be_in_viewport()
        settled(page)
        assert page.url != before
    again = visit(page.url)
    expect(again.locator(".mt-single h2")).to_have_text(wanted)
    page.go_back()
    expect(page).to_have_url(before)
    page.go_back()
    expect(page.locator(".mt-single h2")).to_have_text("Toy Story")


def test_what_was_set_is_there_on_other_pages_and_on_the_way_back(
    server: Server, visit: Visit
) -> None:
    address = f"{server.url}/for-you?user=42&genres=Comedy&n=7&fewest=20"
    page = visit(address)
    expect(titles(page)).to_have_count(7)
    page.locator(".mt-cards footer").get_by_role("link").first.click()
    heading(page, "Similar movies")
    expect(page.get_by_role("button", name="Filters (2)")).to_be_visible()
    expect(titles(page)).to_have_count(7)
    page.go_back()
    heading(page, "For you")
    expect(page.get_by_role("combobox", name="User")).to_have_value("42")
    expect(page).to_have_url(address)
    choose(page, "Hybrid")
    heading(page, "Hybrid")
    expect(titles(page)).to_have_count(7)
    expect(page.get_by_role("button", name="Filters (2)")).to_be_visible()
    expect(page).to_have_url(re.compile("n=7.*fewest=20"))
    settled(page)
    slider = page.get_by_role("slider", name="Weight of collaborative")
    slider.press("Home")
    expect(page).to_have_url(re.compile("weight=0"))
    slider.press("End")
    expect(page).to_have_url(re.compile("weight=1"))
    settled(page)
    page.go_back()
    expect(slider).to_have_value("0")
    expect(titles(page)).to_have_count(7)


def test_a_link_s_settings_are_there_on_the_next_page(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/for-you?user=42&n=5&variety=0.5")
    expect(titles(page)).to_have_count(5)
    choose(page, "Hybrid")
    heading(page, "Hybrid")
    expect(titles(page)).to_have_count(5)
    page.get_by_role("button", name="Filters (1)").click()
    expect(page.get_by_role("slider", name="More variety")).to_have_value("0.5")


def test_each_page_has_a_title_of_its_own(server: Server, visit: Visit) -> None:
    page = visit(server.url)
    expect(page).to_have_title("Matinee")
    choose(page, "For you")
    expect(page).to_have_title("For you · Matinee")
    expect(visit(f"{server.url}/about", locale="ko-KR")).to_have_title("소개 · Matinee")


@pytest.mark.parametrize(
    ("locale", "title", "label"),
    [
        ("en-US", "Hybrid", "Weight of collaborative"),
        pytest.param("ko-KR", "하이브리드", "협업 가중치", marks=pytest.mark.slow),
    ],
)
def test_hybrid(server: Server, visit: Visit, locale: str, title: str, label: str) -> None:
    page = visit(f"{server.url}/hybrid", locale=locale)
    heading(page, title)
    pick_user(page, "42")
    expect(titles(page)).to_have_count(12)
    parts = page.locator(".mt-parts").first
    before = parts.get_attribute("aria-label")
    slider = page.get_by_role("slider", name=label)
    slider.focus()
    for _ in range(18):  # from 0.9 in steps of 0.05
        slider.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"/hybrid\?user=42&weight=0(\.0)?$"))
    expect(page.locator(".mt-sum .collaborative").first).to_have_text("0")
    expect(parts).not_to_have_attribute("aria-label", str(before))


def test_filters(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/for-you?user=42")
    expect(titles(page)).to_have_count(12)
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="Genres").fill("Film")
    page.get_by_role("option", name="Film noir").click()
    expect(page).to_have_url(re.compile(r"genres=Film-Noir"))
    others = page.locator(".mt-cards article").filter(has_not_text="Film noir")
    expect(others).to_have_count(0)
    expect(titles(page)).to_have_count(12)
    first = page.get_by_role("slider", name="Years").first
    first.press("End")
    expect(page.get_by_text("No movie passes these filters")).to_be_visible()
    expect(titles(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Filters (2)")).to_be_visible()


def test_about_credits_the_data(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/about")
    heading(page, "About Matinee")
    expect(page.get_by_text(re.compile("GroupLens.*F. Maxwell Harper"))).to_be_visible()


def test_the_language_stays_when_pages_change(server: Server, visit: Visit) -> None:
    page = visit(server.url)
    heading(page, "What will you watch tonight?")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    choose(page, "한국어")
    heading(page, "오늘 밤 뭐 볼까요?")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    for menu in ("맞춤 추천", "비슷한 영화", "하이브리드"):
        choose(page, menu)
        heading(page, menu)
        expect(page).to_have_url(re.compile("lang=ko"))
    page.reload()
    heading(page, "하이브리드")
    choose(page, "English")
    heading(page, "Hybrid")
    expect(page).not_to_have_url(re.compile("lang="))
    settled(page)
    page.go_back()
    heading(page, "하이브리드")


def test_the_back_button(server: Server, visit: Visit) -> None:
    page = visit(server.url)
    heading(page, "What will you watch tonight?")
    choose(page, "Similar movies")
    heading(page, "Similar movies")
    for title in ("Pulp Fiction", "Jurassic Park"):
        page.get_by_label("Title").fill(title.split()[0])
        page.get_by_role("radio", name=re.compile(rf"^{title} \(")).click()
        expect(page.locator(".mt-single h2")).to_have_text(title)
        settled(page)
    page.go_back()
    expect(page.locator(".mt-single h2")).to_have_text("Pulp Fiction")
    page.go_back()
    expect(page.locator(".mt-single h2")).to_have_count(0)
    page.go_back()
    heading(page, "What will you watch tonight?")
    page.go_forward()
    heading(page, "Similar movies")


@pytest.mark.parametrize(
    ("locale", "because", "stars", "variety", "filters"),
    [
        ("en-US", "Because of", "Predicted stars", "More variety", "Filters"),
        pytest.param(
            "ko-KR", "추천 이유:", "예상 별점", "더 다양하게", "필터", marks=pytest.mark.slow
        ),
    ],
)
def test_reasons_and_choice(
    server: Server, visit: Visit, locale: str, because: str, stars: str, variety: str, filters: str
) -> None:
    page = visit(f"{server.url}/for-you?user=42", locale=locale)
    expect(page.locator(".mt-why").first).to_contain_text(because)
    expect(titles(page)).to_have_count(12)
    settled(page)
    best = titles(page).all_inner_texts()
    page.get_by_role("button", name=filters).click()
    page.get_by_role("slider", name=variety).press("End")
    expect(page).to_have_url(re.compile(r"variety=1"))
    expect(titles(page).nth(1)).not_to_have_text(best[1])
    expect(titles(page).first).to_have_text(best[0])
    page.keyboard.press("Escape")
    page.get_by_role("radio", name=stars).click()
    expect(page).to_have_url(re.compile(r"order=stars"))
    expect(page.locator(".mt-why")).to_have_count(0)


@pytest.mark.parametrize("method", ["collaborative", "hybrid", "predicted"])
def test_every_similarity(server: Server, visit: Visit, method: str) -> None:
    page = visit(f"{server.url}/similar?movie=1&method={method}")
    expect(titles(page)).to_have_count(12)
    expect(page.locator(".mt-meter b").first).to_have_text(re.compile(r"^\d+\.\d%$"))
