"""Several workers behind one port, as processes in a control group of 256 MB."""

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memory_toolkit.measure.sizes import MB
from recommender.app.server.visitor_cookie import COOKIE
from recommender.app.server.worker import worker_of
from recommender.visitors.sqlite_store import SqliteStore
from tests.support.server import Server, comes_true, serve
from tests.support.tab import Tab

pytestmark = pytest.mark.slow
WORKERS = 2


@pytest.fixture(scope="module")
def started(
    tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Path]]:
    folder = tmp_path_factory.mktemp("workers")
    with serve("streamlit_app.py", tiny_bundle, 256 * MB, folder, workers=WORKERS) as server:
        assert comes_true(server.is_ready), server.log.read_text()[-2000:]
        yield server, folder


def run(main: object) -> object:
    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main).result()  # type: ignore[arg-type]


def number_of(tab: Tab) -> int:
    return worker_of(f"\nCookie: {COOKIE}={tab.cookie(COOKIE)}".encode(), "", WORKERS)


async def one_of_each(port: int) -> list[Tab]:
    """A tab of each worker, on the page with the ratings."""
    found: dict[int, Tab] = {}
    while len(found) < WORKERS:
        tab = Tab(port)
        await tab.open("my-ratings")
        if number_of(tab) in found:
            await tab.close()
        found.setdefault(number_of(tab), tab)
    return [found[number] for number in range(WORKERS)]


def sessions(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert len(re.findall(r"worker_bytes\{", text)) == WORKERS
    return float(re.search(r'sessions\{state="connected"\} (\S+)', text)[1])  # type: ignore[index]


def test_a_visitor_stays_with_a_worker(started: tuple[Server, Path]) -> None:
    """Test that files and sessions, which one process keeps, are found whoever took the
    connection, and that a connection that a proxy shares among visitors serves them all."""
    server, _ = started

    async def visit() -> None:
        tabs = await one_of_each(server.port)
        for tab in tabs:
            await tab.click("rate", tab.offered()[0], "4")
            (part,) = tab.widgets("button_group", "part")
            await tab.set(part, "button_group", [part.options[-1].content])
            (uploader,) = tab.all("file_uploader")
            (button,) = tab.all("download_button")
            for _ in range(8):  # each on a connection of its own, which any worker may take
                content = await tab.download(button)
            drawn = await tab.upload(uploader, "ratings.csv", content)
            assert drawn.problems == ()
        assert comes_true(lambda: sessions(server.port) == WORKERS)
        shared = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        for _ in range(4):
            for tab in tabs:
                (button,) = tab.all("download_button")
                shared.request("GET", button.url, headers={"Cookie": tab.cookie_header()})
                answer = shared.getresponse()
                assert (answer.status, len(answer.read()) > 0) == (200, True)
        shared.close()
        for tab in tabs:
            await tab.close()

    run(visit())


def test_ratings_of_both_are_kept_in_one_file(started: tuple[Server, Path]) -> None:
    server, folder = started

    async def rate(tab: Tab) -> int:
        for movie in (movies := tab.offered()[:6]):
            assert (await tab.click("rate", movie, "2")).problems == ()
        return len(movies)

    async def visit() -> dict[str, int]:
        tabs = await one_of_each(server.port)
        counts = await asyncio.gather(*map(rate, tabs))
        for tab in tabs:
            await tab.close()
        return {tab.cookie(COOKIE): count for tab, count in zip(tabs, counts, strict=True)}

    rated = run(visit())
    store = SqliteStore(folder / "profiles.sqlite")
    assert {secret: len(store.ratings_of(secret).stars) for secret in rated} == rated  # type: ignore[attr-defined]
    store.close()
    with sqlite3.connect(folder / "profiles.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_worker_that_dies_is_replaced_and_its_visitors_come_back(
    started: tuple[Server, Path],
) -> None:
    server, _ = started
    before = server.workers()

    async def visit() -> None:
        tabs = await one_of_each(server.port)
        rated = [tab.offered()[0] for tab in tabs]
        for tab, movie in zip(tabs, rated, strict=True):
            await tab.click("rate", movie, "3")
        for pid in before:  # one after the other, so that the second one is each of them once
            os.kill(pid, signal.SIGKILL)
            looking = {asyncio.create_task(tab.watch(30)): tab for tab in tabs}
            seen, others = await asyncio.wait(looking, return_when=asyncio.FIRST_COMPLETED)
            for task in others:
                task.cancel()
            (gone,) = seen
            assert gone.result()
            tab = looking[gone]
            assert (await tab.reconnect()).problems == ()
            assert rated[tabs.index(tab)] not in tab.offered()
        for tab in tabs:
            await tab.close()

    run(visit())
    assert comes_true(server.is_ready)
    assert len(server.workers()) == WORKERS
    assert not set(before) & set(server.workers())
    log = server.log.read_text()
    for pid in before:
        assert re.search(rf"worker \d \(process {pid}\) has ended: SIGKILL", log)
    assert server.box.oom_kills() == 0


def test_a_worker_that_is_missing_is_said(started: tuple[Server, Path]) -> None:
    server, _ = started
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz", timeout=20) as answer:
        assert json.load(answer)["status"] == "ready"
    stopped = server.workers()[1]
    os.kill(stopped, signal.SIGSTOP)
    try:
        assert comes_true(lambda: "does not answer" in any_health(server.port))
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert comes_true(server.is_ready)


def any_health(port: int) -> str:
    """The answer of a worker that answers; a cookie says which is asked."""
    for cookie in "abcdef":
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/healthz", headers={"Cookie": f"{COOKIE}={cookie}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=1) as answer:
                return str(answer.read().decode())
        except OSError:
            continue
    return ""


def test_all_end_with_a_signal(tiny_bundle: Path, tmp_path: Path) -> None:
    with serve("streamlit_app.py", tiny_bundle, 256 * MB, tmp_path, workers=WORKERS) as server:
        assert comes_true(lambda: len(server.workers()) == WORKERS)
        assert comes_true(server.is_ready)
        workers = server.workers()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) in (0, -signal.SIGTERM)
        for pid in workers:
            assert not os.path.exists(f"/proc/{pid}")
    with socket.socket() as port:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port.bind(("127.0.0.1", server.port))


def test_all_end_when_the_supervisor_is_killed(tiny_bundle: Path, tmp_path: Path) -> None:
    with serve("streamlit_app.py", tiny_bundle, 256 * MB, tmp_path, workers=WORKERS) as server:
        assert comes_true(lambda: len(server.workers()) == WORKERS)
        assert comes_true(server.is_ready)
        workers = server.workers()
        server.process.kill()
        assert comes_true(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))
