"""Servers and a browser. Every page is watched: it must load nothing from elsewhere, write no error
to the console and open no dialog."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.serving import Server, serve

if TYPE_CHECKING:
    from tests.browser.chromium import Browser, BrowserContext, Page

WIDE = {"width": 1366, "height": 900}
PHONE = {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 640}
# Under a page's path Streamlit first asks beside the page, and then where the server is.
PROBE = re.compile(r"http://[^/]+/[\w-]+/_stcore/(health|host-config)")

# Until it is told another favicon, Streamlit takes the page's icon, from a host of Google's. The
# server's policy keeps the browser from asking there, which it says.
ICON = re.compile(r"https://fonts\.gstatic\.com/.*\.svg")
BLOCKED_ICON = re.compile(rf"Loading the image '{ICON.pattern}' violates .*")


@pytest.fixture(scope="session")
def server(sample_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app on the sample data."""
    with serve(sample_bundle, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def debug_server(sample_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app on the sample data with the memory panel."""
    folder = tmp_path_factory.mktemp("debug_server")
    with serve(sample_bundle, folder, DEBUG_MEMORY="true", MATINEE_MEMORY_LIMIT="512M") as server:
        yield server


@pytest.fixture(scope="session")
def tiny_server(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app on the tiny data with the odd titles."""
    with serve(tiny_bundle, tmp_path_factory.mktemp("tiny_server")) as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    from tests.browser.chromium import ARGUMENTS, EXECUTABLE, expect, sync_playwright

    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """`start(bundle, VARIABLE=…)` serves a bundle for one test."""
    with ExitStack() as running:
        yield lambda bundle, **environment: running.enter_context(
            serve(bundle, tmp_path, **environment)
        )


@pytest.fixture(scope="session")
def contexts(chromium: Browser) -> dict[str, list[BrowserContext]]:
    """The contexts that no visitor uses, by locale; they have the app's scripts in their cache."""
    return defaultdict(list)


@pytest.fixture
def visit(
    chromium: Browser,
    contexts: dict[str, list[BrowserContext]],
    start: Callable[..., Server],
) -> Iterator[Callable[..., Page]]:
    """`visit(address, locale=…, viewport=…)` opens an address as a new visitor.

    It asks for `start` so that no server ends before the pages that it serves.
    """
    from tests.browser.chromium import Error

    used, found = [], []

    def visit(
        address: str, *, locale: str = "en-US", viewport: dict[str, Any] | None = None
    ) -> Page:
        free = contexts[locale]
        context = free.pop() if free else chromium.new_context(locale=locale)
        used.append((locale, context))
        page = context.new_page()
        page.set_viewport_size(viewport or WIDE)
        host = "/".join(address.split("/")[:3])

        def check_request(url: str) -> None:
            ours = (f"{host}/", host.replace("http", "ws") + "/", "data:", "blob:")
            if not url.startswith(ours) and not ICON.fullmatch(url):
                found.append(f"loaded from elsewhere: {url}")

        def check_icon(request: Any) -> None:
            if ICON.fullmatch(request.url) and request.failure not in (
                "csp",
                "net::ERR_BLOCKED_BY_CSP",
            ):
                found.append(f"loaded from elsewhere: {request.url} {request.failure}")

        def check_console(message: Any) -> None:
            expected = PROBE.fullmatch(message.location["url"]) or BLOCKED_ICON.match(message.text)
            if message.type == "error" and not expected:
                found.append(f"console: {message.text} {message.location}")

        page.on("request", lambda request: check_request(request.url))
        page.on("requestfailed", check_icon)
        page.on("requestfinished", check_icon)
        page.on("websocket", lambda socket: check_request(socket.url))
        page.on("console", check_console)
        page.on("pageerror", lambda error: found.append(f"uncaught: {error}"))
        page.on("dialog", lambda dialog: (found.append(dialog.message), dialog.dismiss()))
        page.goto(address)
        return page

    yield visit
    for locale, context in used:
        for page in context.pages:
            with suppress(Error):  # a page whose server has gone has no storage
                page.evaluate("localStorage.clear(); sessionStorage.clear()")
            page.close()
        context.clear_cookies()
        contexts[locale].append(context)
    assert found == []
