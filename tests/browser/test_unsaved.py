"""My list in a real browser while their database is ended and started again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.chromium import Page, expect
from tests.browser.conftest import PHONE, WIDE
from tests.browser.drawn import heading, titles
from tests.browser.serving import Server, serve
from tests.browser.test_layout import CUT_OFF
from tests.browser.test_my_ratings import HEAVY, open_part, rate, rows, star
from tests.support.postgres import PASSWORD, Place

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
Start = Callable[..., Server]
# The clicks and what is to be read, in English and in Korean.
WORDS = {
    "en-US": ("My list", "Not saved yet: 2.", "not saved yet", "Saved: 2", "Rated"),
    "ko-KR": ("내 목록", "아직 저장되지 않은 변경: 2개.", "저장 대기", "변경 2개를", "평가한 영화"),
}


def serve_on(start: Start, bundle: Path, place: Place) -> Server:
    return start(bundle, MATINEE_RATINGS_URL=place.url, MATINEE_RATINGS_SCHEMA=place.schema)


@pytest.mark.parametrize(("locale", "viewport"), [("en-US", WIDE), ("ko-KR", PHONE)])
def test_nothing_is_lost_and_the_page_says_how_things_stand(
    start: Start,
    visit: Visit,
    sample_bundle: Path,
    place: Place,
    locale: str,
    viewport: dict[str, int],
) -> None:
    title, unsaved, badge, saved, rated = WORDS[locale]
    server = serve_on(start, sample_bundle, place)
    page = visit(f"{server.url}/my-ratings", locale=locale, viewport=viewport)
    heading(page, title)
    rate(page, 0, 5)
    expect(page.get_by_role("radio", name=f"{rated} (1)")).to_be_visible()
    place.server.kill()
    rate(page, 1, 1)
    rate(page, 2, 4)
    expect(page.get_by_text(unsaved)).to_be_visible()
    expect(page.locator(".mt-waits")).to_have_text([re.compile(f"{badge}$")] * 2)
    expect(star(page, 0, 5)).to_be_checked()
    expect(titles(page)).to_have_count(12)
    assert page.evaluate(CUT_OFF) <= 0
    page.reload()
    heading(page, title)
    expect(page.get_by_text(unsaved)).to_be_visible()

    place.server.start()
    expect(page.get_by_text(saved)).to_be_visible()  # nobody clicks
    expect(page.locator(".mt-waits")).to_have_count(0)
    assert place.execute("SELECT count(*) FROM {s}.opinions") == [(3,)]
    open_part(page, rated)
    expect(rows(page)).to_have_count(3)
    log = server.log.read_text("utf-8")
    assert "ratings in 127.0.0.1/postgres: nobody listens there" in log
    assert "ratings in 127.0.0.1/postgres: back; changes saved: 2" in log
    assert PASSWORD not in log
    assert server.imported() & HEAVY == set()
    assert "psycopg" in server.imported()


def test_a_server_that_ends_says_what_is_lost(
    visit: Visit, sample_bundle: Path, place: Place, tmp_path: Path
) -> None:
    given = {"MATINEE_RATINGS_URL": place.url, "MATINEE_RATINGS_SCHEMA": place.schema}
    with serve(sample_bundle, tmp_path, **given) as server:
        page = visit(f"{server.url}/my-ratings")
        heading(page, "My list")
        place.server.kill()
        rate(page, 0, 5)
        expect(page.get_by_text("Not saved yet: 1.")).to_be_visible()
        page.goto("about:blank")
    log = server.log.read_text("utf-8")
    assert "ratings in 127.0.0.1/postgres: changes not saved: 1" in log


def test_the_driver_is_imported_for_a_database_alone(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/my-ratings")
    heading(page, "My list")
    rate(page, 0, 5)
    assert "psycopg" not in server.imported()
