"""Nothing on a page moves while a browser loads it that has none, or all, of its files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.chromium import Page
from tests.browser.conftest import PHONE, WIDE
from tests.browser.drawn import heading
from tests.browser.serving import Server
from tests.browser.test_layout import TITLES

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]

# Cumulative layout shift: a tenth is good. Source: web.dev, "Web Vitals".
MAX_SHIFT = 0.1
OBSERVE = """new PerformanceObserver(list => {
    for (const { value, hadRecentInput } of list.getEntries())
        if (!hadRecentInput) window.shifted = (window.shifted ?? 0) + value;
}).observe({ type: "layout-shift", buffered: true })"""


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("cold", [True, False], ids=["cold", "warm"])
def test_nothing_moves(
    server: Server, visit: Visit, viewport: dict[str, int], *, cold: bool
) -> None:
    page = visit(f"{server.url}/{'healthz' if cold else 'discover'}", viewport=viewport)
    page.wait_for_load_state("networkidle")
    page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": cold})
    page.add_init_script(OBSERVE)
    shifted = {}
    for address, (title, _) in TITLES.items():
        page.goto(f"{server.url}/{address}")
        heading(page, title)
        page.wait_for_load_state("networkidle")
        shifted[address] = page.evaluate("window.shifted ?? 0")
    assert {where: shift for where, shift in shifted.items() if shift > MAX_SHIFT} == {}
