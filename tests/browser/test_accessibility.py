"""Every page, in either language and theme, wide and on a phone, has no violation that axe-core
finds, of whatever level."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests.browser.chromium import Page, expect
from tests.browser.conftest import PHONE, WIDE
from tests.browser.drawn import heading, settled
from tests.browser.serving import Server
from tests.browser.test_layout import TITLES

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]

# Follows a link as the app's own script does, so that nothing is loaded anew.
FOLLOW = """path => {
    history.pushState({}, "", path);
    dispatchEvent(new PopStateEvent("popstate"));
}"""
RUN = """rules => axe.run(
    { resultTypes: ["violations"], ...(rules && { runOnly: rules }) },
).then(({ violations }) => violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, html }) => `${id} (${help}): ${target}, ${html.slice(0, 150)}`)))"""
TOGETHER = ("Watch together", "함께 보기")
NOT_FOUND = ("There is no such page", "없는 페이지입니다")


@pytest.mark.parametrize(("locale", "language"), [("en-US", 0), ("ko-KR", 1)])
def test_no_page_has_a_violation(server: Server, visit: Visit, locale: str, language: int) -> None:
    page = visit(f"{server.url}/nowhere", locale=locale)
    page.evaluate(AXE_SCRIPT)
    found: list[str] = []
    heading(page, NOT_FOUND[language])
    _check(page, "not found", found)
    page.evaluate(FOLLOW, "/")
    heading(page, TITLES[""][language])
    _check(page, "wall", found)
    for number in range(3):
        poster = page.locator(".mt-wall button").nth(number)
        poster.click()
        expect(poster).to_have_attribute("aria-pressed", "true")
    settled(page)
    page.locator(".mt-menu summary").click()
    _check(page, "wall with picks, and the menu", found)
    for address, titled in {"together": TOGETHER, **TITLES}.items():
        page.evaluate(FOLLOW, f"/{address}")
        heading(page, titled[language])
        _check(page, address or "tonight", found)
    assert not found, "\n".join(found)


def _check(page: Page, name: str, found: list[str]) -> None:
    """Add what axe-core finds. The dark theme changes colours, and nothing else."""
    for theme, rules in (("light", None), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=theme)
        expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", theme)
        for viewport in (WIDE, PHONE):
            page.set_viewport_size(viewport)
            shown = page.evaluate(RUN, rules)
            where = f"{name}, {theme}, {viewport['width']} px"
            found.extend(f"{where}: {violation}" for violation in shown)
    page.set_viewport_size(WIDE)
