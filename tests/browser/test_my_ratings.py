"""A visitor's own ratings in a real browser: the cookie, restarts, files, other visitors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Locator, Page, expect
from tests.browser.conftest import PHONE, WIDE
from tests.browser.drawn import choose, heading, settled, titles
from tests.browser.serving import Server, serve

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]

HEAVY = {"pandas", "pyarrow", "scipy", "sklearn", "surprise", "duckdb", "PIL"}
TOO_WIDE = """() => [document.documentElement, document.querySelector("[data-testid=stMain]")]
    .map(element => element.scrollWidth - element.clientWidth)"""


@pytest.fixture(scope="module")
def own_server(
    sample_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Path]]:
    """The app on the sample data, and the file in which it keeps ratings."""
    folder = tmp_path_factory.mktemp("own")
    profiles = folder / "profiles" / "profiles.sqlite"
    with serve(sample_bundle, folder, MATINEE_PROFILES=str(profiles)) as server:
        yield server, profiles


def rows(page: Page) -> Locator:
    return page.get_by_role("radiogroup", name=re.compile("^(Your stars|내 별점): "))


def star(page: Page, row: int, number: int) -> Locator:
    return rows(page).nth(row).get_by_role("radio").nth(number - 1)


def rate(page: Page, row: int, number: int) -> None:
    star(page, row, number).click()
    expect(star(page, row, number)).to_be_checked()
    settled(page)


def open_part(page: Page, name: str) -> None:
    page.get_by_role("radio", name=re.compile(f"^{name}")).click()
    settled(page)


def test_ratings_stay_with_their_visitor_alone(
    own_server: tuple[Server, Path], visit: Visit
) -> None:
    server, profiles = own_server
    page = visit(f"{server.url}/my-ratings")
    heading(page, "My list")
    expect(page.get_by_text("Rate a movie, and this list becomes yours.")).to_be_visible()
    popular = titles(page).all_inner_texts()
    rate(page, 0, 5)
    rate(page, 1, 1)
    expect(page.get_by_text("From your ratings (2)")).to_be_visible()
    expect(titles(page)).not_to_have_text(popular)
    recommended = titles(page).all_inner_texts()

    page.reload()
    heading(page, "My list")
    expect(page.get_by_text("From your ratings (2)")).to_be_visible()
    expect(titles(page)).to_have_text(recommended)
    page.goto(f"{server.url}/my-ratings?part=rated")
    expect(rows(page)).to_have_count(2)

    stranger = visit(f"{server.url}/my-ratings")
    heading(stranger, "My list")
    expect(stranger.get_by_role("radio", name="Rated (0)")).to_be_visible()
    expect(titles(stranger)).to_have_text(popular)

    (cookie,) = [c for c in page.context.cookies() if c["name"] == "matinee_visitor"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["secure"] is False
    assert cookie["value"] not in page.content()
    assert cookie["value"] not in page.url
    assert cookie["value"] not in server.log.read_text("utf-8")
    kept = b"".join(file.read_bytes() for file in profiles.parent.iterdir())
    assert cookie["value"].encode() not in kept


def test_a_restart_of_the_server_loses_nothing(
    sample_bundle: Path, tmp_path: Path, visit: Visit
) -> None:
    profiles = tmp_path / "profiles.sqlite"
    with serve(sample_bundle, tmp_path, MATINEE_PROFILES=str(profiles)) as server:
        page = visit(f"{server.url}/my-ratings")
        heading(page, "My list")
        rate(page, 2, 4)
        page.goto("about:blank")
    with serve(sample_bundle, tmp_path, MATINEE_PROFILES=str(profiles)) as server:
        # A cookie is sent to the host, whatever the port.
        again = page.context.new_page()
        again.goto(f"{server.url}/my-ratings?part=rated")
        heading(again, "My list")
        expect(star(again, 0, 4)).to_be_checked()
        again.close()


def test_a_browser_without_a_cookie(own_server: tuple[Server, Path], visit: Visit) -> None:
    server, _ = own_server
    page = visit(server.url)
    heading(page, "What will you watch tonight?")
    page.context.clear_cookies(name="matinee_visitor")
    # Only who asks for a page gets a cookie, so this one asks for anything.
    page.route(
        "**/my-ratings",
        lambda route: route.continue_(headers={**route.request.headers, "accept": "*/*"}),
    )
    page.goto(f"{server.url}/my-ratings")
    heading(page, "My list")
    rate(page, 0, 5)
    expect(page.get_by_text("Your browser sent no cookie")).to_be_visible()
    expect(page.get_by_text("From your ratings (1)")).to_be_visible()
    page.reload()
    heading(page, "My list")
    expect(page.get_by_text("Rate a movie, and this list becomes yours.")).to_be_visible()


def test_not_interested(own_server: tuple[Server, Path], visit: Visit) -> None:
    server, _ = own_server
    page = visit(f"{server.url}/my-ratings")
    heading(page, "My list")
    first, second = titles(page).all_inner_texts()[:2]
    button = page.get_by_role("button", name="Not interested").first
    expect(button).to_have_accessible_name(f"Not interested: {first}")
    button.press("Enter")
    undo = page.get_by_role("button", name=f"Undo: {first}")
    expect(undo).to_be_focused()
    expect(titles(page).first).to_have_text(first)  # nothing moves under the hand
    page.reload()
    heading(page, "My list")
    expect(titles(page).first).to_have_text(second)
    open_part(page, "Not interested")
    page.get_by_role("button", name="Recommend again").click()
    expect(titles(page).first).to_have_text(first)


def test_a_card_by_keyboard(own_server: tuple[Server, Path], visit: Visit) -> None:
    server, _ = own_server
    page = visit(f"{server.url}/my-ratings", viewport=PHONE)
    heading(page, "My list")
    first = titles(page).first.inner_text()
    card = page.get_by_role("article").first
    sizes = [button.bounding_box() for button in card.get_by_role("button").all()]
    assert all(box and box["width"] >= 40 and box["height"] >= 40 for box in sizes)
    save = card.get_by_role("button", name=f"Save for later: {first}")
    save.press("Enter")
    expect(save).to_have_attribute("aria-pressed", "true")
    expect(save).to_be_focused()
    rate_it = card.get_by_role("button", name=f"Your stars: {first}")
    rate_it.press("Enter")
    stars = page.get_by_role("radiogroup", name=f"Your stars: {first}")
    expect(stars.get_by_role("radio").first).to_be_focused()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(rate_it).to_have_accessible_name(f"Your stars: {first}, 3.5 of 5 stars")
    expect(rate_it).to_be_focused()
    expect(save).to_have_attribute("aria-pressed", "false")  # rated is not saved any more
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("slider", name="Number of recommendations").press("ArrowLeft")
    expect(page.get_by_role("status").filter(has_text="New list: 11 movies")).to_be_attached()


def test_stars_by_keyboard(own_server: tuple[Server, Path], visit: Visit) -> None:
    server, _ = own_server
    page = visit(f"{server.url}/my-ratings")
    heading(page, "My list")
    page.get_by_role("searchbox", name="A movie you know").fill("matrix reloaded")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("searchbox", name="A movie you know").press("Tab")
    star(page, 0, 1).focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(star(page, 0, 3)).to_be_checked()
    expect(page.get_by_text("From your ratings (1)")).to_be_visible()
    expect(star(page, 0, 3)).to_be_focused()
    page.keyboard.press("Enter")  # a second click takes it back
    expect(star(page, 0, 3)).not_to_be_checked()
    expect(star(page, 0, 3)).to_be_focused()


def test_no_quick_click_is_lost(own_server: tuple[Server, Path], visit: Visit) -> None:
    server, _ = own_server
    page = visit(f"{server.url}/my-ratings")
    heading(page, "My list")
    # Without waiting for the page in between, which no hand can do faster.
    page.evaluate(
        """() => document.querySelectorAll(".mt-rows li")
            .forEach((row, i) => row.querySelectorAll("button")[i % 5].click())"""
    )
    for row in range(8):
        expect(star(page, row, row % 5 + 1)).to_be_checked()
    expect(page.get_by_text("From your ratings (8)")).to_be_visible()


def test_another_tab_shows_what_was_clicked_when_one_comes_back_to_it(
    own_server: tuple[Server, Path], visit: Visit
) -> None:
    server, _ = own_server
    first = visit(f"{server.url}/my-ratings")
    heading(first, "My list")
    second = first.context.new_page()
    second.goto(f"{server.url}/me")
    heading(second, "Me")
    rate(first, 0, 5)
    second.evaluate("dispatchEvent(new Event('focus'))")
    expect(second.locator(".mt-numbers dd").nth(1)).to_have_text("1")
    second.close()


def test_export_import_delete(
    own_server: tuple[Server, Path], visit: Visit, tmp_path: Path
) -> None:
    server, _ = own_server
    page = visit(f"{server.url}/my-ratings")
    heading(page, "My list")
    for row, number in enumerate((5, 2, 4)):
        rate(page, row, number)
    open_part(page, "Import and export")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all (3)").click()
    exported = tmp_path / download.value.suggested_filename
    download.value.save_as(exported)
    lines = exported.read_text("utf-8-sig").splitlines()
    assert lines[0] == "userId,movieId,rating,timestamp,title,mark"
    assert len(lines) == 4

    recommended = titles(page).all_inner_texts()
    page.get_by_role("button", name="Delete everything").click()
    page.get_by_role("button", name="Yes, delete everything").click()
    expect(page.get_by_role("radio", name="Rated (0)")).to_be_visible()
    expect(page.get_by_role("button", name="Download all (0)")).to_be_disabled()

    page.locator("input[type=file]").set_input_files(exported)
    expect(page.get_by_text("Movies taken over: 3")).to_be_visible()
    expect(titles(page)).to_have_text(recommended)

    wrong = tmp_path / "wrong.csv"
    wrong.write_text("movie name,opinion\nToy Story,good\n")
    page.locator("input[type=file]").set_input_files(wrong)
    expect(page.get_by_test_id("stToast")).to_contain_text("The file needs a column of ratings")
    expect(page.get_by_role("radio", name="Rated (3)")).to_be_visible()
    assert server.imported() & HEAVY == set()


def test_a_file_that_cannot_be_used_is_said_and_the_rest_goes_on(
    start: Callable[..., Server], sample_bundle: Path, tmp_path: Path, visit: Visit
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not a database " * 100)
    server = start(sample_bundle, MATINEE_PROFILES=str(notes))
    page = visit(f"{server.url}/my-ratings")
    expect(page.get_by_text("Your ratings cannot be read or kept right now.")).to_be_visible()
    expect(page.get_by_test_id("stMain")).not_to_contain_text("notes.txt")
    assert f"{notes}: file is not a database" in server.log.read_text("utf-8")
    choose(page, "Discover")
    expect(titles(page)).to_have_count(12)


@pytest.mark.parametrize(
    ("viewport", "locale", "title"),
    [
        (PHONE, "en-US", "My list"),
        pytest.param(PHONE, "ko-KR", "내 목록", marks=pytest.mark.slow),
        pytest.param(WIDE, "en-US", "My list", marks=pytest.mark.slow),
        pytest.param(WIDE, "ko-KR", "내 목록", marks=pytest.mark.slow),
    ],
    ids=["phone", "phone-ko", "wide", "wide-ko"],
)
def test_no_part_is_wider_than_the_screen(
    own_server: tuple[Server, Path],
    visit: Visit,
    viewport: dict[str, int],
    locale: str,
    title: str,
) -> None:
    server, _ = own_server
    page = visit(f"{server.url}/my-ratings", viewport=viewport, locale=locale)
    heading(page, title)
    rate(page, 0, 3)
    for part in ("rate", "rated", "file"):
        page.goto(f"{server.url}/my-ratings?part={part}")
        heading(page, title)
        expect(titles(page).nth(4)).to_be_attached()
        assert page.evaluate(TOO_WIDE) == [0, 0], part
    # Between phone and desktop the column is narrow: the stars go below, and titles keep room.
    page.set_viewport_size({"width": 820, "height": 900})
    page.goto(f"{server.url}/my-ratings?part=rate")
    heading(page, title)
    room = page.locator(".mt-rows > li > span:first-child").first.bounding_box()
    assert room
    assert room["width"] >= 176
