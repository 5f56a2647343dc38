"""Time from a click to its result in Chromium, and how a first visit loads.

    python -m benchmarks.clicks --bundle bundle

Serves the bundle, lets one visitor click, and prints a Markdown table: each kind of click, from the
event in the browser to the frame that shows the result (of a search, from the last letter, so with
the pause that the page waits for another one), and the first load of Tonight by a phone with
nothing in its cache, at 1.6 Mbit/s with 150 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.command_line import command_line
from memory_toolkit.measure.sizes import parse_size
from tests.browser.chromium import ARGUMENTS, EXECUTABLE
from tests.browser.drawn import settled
from tests.support.server import comes_true, serve

WORDS = ("matrix", "casablanca", "toy story", "star wars", "psycho")
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 2e5, "uploadThroughput": 2e5}
# Resolves with the milliseconds from the next click or letter to the frame in which what the
# selector finds is there and another than before.
RESULT = """selector => {
    const now = () => [...document.querySelectorAll(selector)]
        .map((one) => one.textContent + one.ariaPressed + one.ariaChecked).join();
    const before = now();
    window.result = new Promise((resolve) => {
        let began = 0;
        for (const kind of ["click", "input", "popstate"]) {
            addEventListener(kind, (event) => { began ||= event.timeStamp; }, true);
        }
        const seen = new MutationObserver(() => {
            if (!began || !now() || now() === before) return;
            seen.disconnect();
            requestAnimationFrame(() => resolve(performance.now() - began));
        });
        seen.observe(document.body, { subtree: true, childList: true, attributes: true,
            characterData: true });
    });
}"""


def took(page: Page, act: Callable[[], object], result: str) -> float:
    """Return the milliseconds from `act` until what the selector `result` finds has changed."""
    settled(page)
    page.evaluate(RESULT, result)
    act()
    return float(page.evaluate("window.result"))


def clicks(page: Page, address: str, times: int) -> Iterator[tuple[str, float]]:
    """Click all that is measured, so many times; yield kinds and milliseconds."""
    page.goto(address)
    for number in range(3):
        tile = page.locator(".mt-wall button").nth(number)
        tile.click()
        expect(tile).to_have_attribute("aria-pressed", "true")
    shown = {"Discover": ".mt-cards", "My list": ".mt-cards", "Me": ".mt-taste"}
    for _ in range(times):
        for name, result in {**shown, "Tonight": ".mt-hero h2"}.items():
            link = page.locator(".mt-bar").get_by_role("link", name=name, exact=True)
            yield "a page of the head", took(page, link.click, result)
        mood = page.get_by_role("radio", checked=False).first
        yield "a mood", took(page, mood.click, ".mt-row")
    page.goto(f"{address}/similar?movie=1")
    for number in range(times):
        method = page.get_by_role("radio").nth(1 - number % 2)
        yield "a similarity method", took(page, method.click, ".mt-cards")
        title = page.locator(".mt-cards h3 a").first
        yield "a movie's page", took(page, title.click, ".mt-movie")
        yield "Back to the list", took(page, page.go_back, ".mt-single")
    page.goto(f"{address}/my-ratings")
    for number in range(times):
        star = page.locator(".mt-rows li").nth(number % 8).get_by_role("radio").nth(number % 5)
        yield "a star to its list", took(page, star.click, ".mt-cards")
    page.goto(f"{address}/discover")
    for number in range(times):
        type_word = partial(page.locator(".mt-search input").fill, WORDS[number % len(WORDS)])
        yield "a search on Discover", took(page, type_word, ".mt-cards")


def first_load(page: Page, address: str, _: int) -> Iterator[tuple[str, float]]:
    """Load Tonight where nothing of it is there yet; yield what comes, and milliseconds."""
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW)
    page.goto(address, wait_until="commit")
    page.locator(".mt-wall button").first.wait_for()
    page.locator(".st-key-clicks input").wait_for(state="attached")
    usable = page.evaluate("performance.now()")
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    yield "something seen, first load", page.evaluate(paint)
    yield "posters to tap, first load", usable


def main() -> None:
    """Measure, and print the table."""
    parser = command_line(__doc__, rows=False)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--limit", type=parse_size, default=parse_size("256M"))
    parser.add_argument("--times", type=int, default=15, help="how often each click is made")
    options = parser.parse_args()
    expect.set_options(timeout=30_000)
    found: dict[str, list[float]] = {}
    with (
        TemporaryDirectory() as folder,
        serve("streamlit_app.py", options.bundle, options.limit, Path(folder)) as server,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=EXECUTABLE, args=list(ARGUMENTS)) as browser,
    ):
        comes_true(server.is_ready)
        address = f"http://127.0.0.1:{server.port}"
        for measure, width, times in ((clicks, 1366, options.times), *[(first_load, 390, 1)] * 5):
            page = browser.new_page(viewport={"width": width, "height": 844}, locale="en-US")
            for name, value in measure(page, address, times):
                found.setdefault(name, []).append(value)
            page.close()
    print("| milliseconds to | median | slowest |\n|---|---|---|")
    for name, times in found.items():
        print(f"| {name} | {median(times):.0f} | {max(times):.0f} |")


if __name__ == "__main__":
    main()
