"""Pages that a visitor sees where the server cannot answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.chromium import Browser, Page, expect
from tests.browser.drawn import heading
from tests.browser.serving import Server, serve

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
Start = Callable[..., Server]


def test_no_bundle_until_there_is_one(
    start: Start, visit: Visit, tiny_bundle: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "a bundle"
    server = start(bundle)
    english, korean = visit(f"{server.url}/for-you"), visit(server.url, locale="ko-KR")
    for page, title, problem in (
        (english, "For you", "The recommendations cannot be shown"),
        (korean, "오늘 밤 뭐 볼까요?", "추천을 표시할 수 없습니다"),
    ):
        heading(page, title)
        expect(page.get_by_role("heading", name=problem)).to_be_visible()
        expect(page.get_by_text(f"{bundle}: there is no bundle here")).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
    shutil.copytree(tiny_bundle, bundle)
    korean.reload()
    expect(korean.locator(".mt-wall button")).to_have_count(24)


@pytest.mark.slow
def test_a_server_that_is_away_is_told_in_the_visitors_language(
    sample_bundle: Path, tmp_path: Path, chromium: Browser
) -> None:
    # A page of its own, since the browser notes in its console that nobody answers.
    context = chromium.new_context(locale="ko-KR")
    page = context.new_page()
    with serve(sample_bundle, tmp_path) as server:
        page.goto(server.url)
        expect(page.locator("h1").first).to_be_visible()
    away = page.get_by_role("dialog", name="잠시만요")
    expect(away).to_contain_text("잃은 것은 없습니다", timeout=60_000)
    expect(away.get_by_role("button", name="닫기")).to_be_visible()
    expect(page.get_by_text("Streamlit")).to_have_count(0)
    context.close()
