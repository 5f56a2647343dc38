"""Two replicas behind HAProxy and one PostgreSQL, of which one or the other is killed.

The proxy reads deploy/haproxy.cfg, and the replicas start as those of deploy/compose.replicas.yaml
do. Each test leaves both of them serving.
"""

from __future__ import annotations

import re
import signal
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.chromium import Browser, Page, WebSocket, expect
from tests.browser.drawn import choose, heading, settled, titles
from tests.browser.test_my_ratings import rate, star
from tests.support.postgres import Server as Database
from tests.support.replicas import NAMES, Proxy, Replica, proxy, replicas
from tests.support.services import need

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PATIENCE = 60.0  # seconds
KNOCKERS = ("", *(f"matinee_replica={name}" for name in NAMES))  # by their cookies
CUT = "cut"


@dataclass
class Cluster:
    """Everything that runs.

    Attributes:
        replicas: by the proxy's name for them.
        schema: of the database.
    """

    proxy: Proxy
    replicas: dict[str, Replica]
    database: Database
    schema: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.proxy.port}"


@dataclass
class Person:
    """A visitor's page, and what it did behind their back.

    Attributes:
        runs: for each of its connections, how often the server has drawn the page.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("websocket", self._follow)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", lambda request: self.errors.append(request.url))

    def _follow(self, connection: WebSocket) -> None:
        number = len(self.runs)
        self.runs.append(0)

        def count(frame: bytes | str) -> None:
            message = ForwardMsg()
            message.ParseFromString(frame if isinstance(frame, bytes) else frame.encode())
            self.runs[number] += message.WhichOneof("type") == "script_finished"

        connection.on("framereceived", count)

    @property
    def replica(self) -> str:
        """Return where the cookie sends them."""
        cookies = {cookie["name"]: cookie for cookie in self.page.context.cookies()}
        cookie = cookies["matinee_replica"]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        return str(cookie["value"])

    def has_rated(self, number: int) -> None:
        """Wait until the page says so."""
        expect(self.page.get_by_role("radio", name=f"Rated ({number})")).to_be_visible()

    def reconnects(self, times: int = 1) -> None:
        """Wait until the page has lost its server so often and been drawn by another."""
        end = time.monotonic() + PATIENCE
        while len(self.runs) <= times or not self.runs[times]:
            assert time.monotonic() < end, self.runs
            self.page.wait_for_timeout(20)
        settled(self.page)


Visit = Callable[[], Person]


@pytest.fixture(scope="module")
def cluster(
    tiny_bundle: Path, postgres_server: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    program = need("haproxy", "haproxy", Path("/usr/sbin"))
    folder = tmp_path_factory.mktemp("replicas")
    schema = f"replicas_{uuid.uuid4().hex[:12]}"
    variables = {
        "MATINEE_BUNDLE": str(tiny_bundle),
        "MATINEE_RATINGS_URL": postgres_server.url,
        "MATINEE_RATINGS_SCHEMA": schema,
    }
    with replicas(folder, variables) as running, proxy(program, running, folder) as front:
        yield Cluster(front, {one.name: one for one in running}, postgres_server, schema)


@pytest.fixture
def visit(chromium: Browser, cluster: Cluster) -> Iterator[Visit]:
    """`visit()` is a new visitor of the page with their ratings."""
    cluster.proxy.wait(**dict.fromkeys(NAMES, "UP"))
    contexts = []

    def visit() -> Person:
        context = chromium.new_context(locale="en-US")
        contexts.append(context)
        person = Person(context.new_page())
        person.page.goto(f"{cluster.url}/my-ratings")
        heading(person.page, "My list")
        return person

    yield visit
    for context in contexts:
        context.close()


def one_on_each(visit: Visit) -> dict[str, Person]:
    """Two visitors, by the replica they came to."""
    found = {person.replica: person for person in (visit(), visit())}
    assert set(found) == set(NAMES)
    return found


@contextmanager
def restarted(cluster: Cluster, name: str, how: signal.Signals) -> Iterator[None]:
    """Within the block a replica is away; behind it, back and in use."""
    replica = cluster.replicas[name]
    replica.send(how)
    try:
        yield
    finally:
        replica.start()
        replica.wait()
        cluster.proxy.wait(**{name: "UP"})


def test_visitors_of_a_killed_replica_go_on_at_the_other(
    cluster: Cluster, visit: Visit, tmp_path: Path
) -> None:
    people = one_on_each(visit)
    moved, stays = people["one"], people["two"]
    for person in people.values():
        rate(person.page, 0, 5)
        rate(person.page, 1, 2)
        person.has_rated(2)
    with restarted(cluster, "one", signal.SIGKILL):
        moved.reconnects()
        assert moved.replica == "two"
        # The first click counts, and so do all that came before.
        star(moved.page, 2, 4).click()
        moved.has_rated(3)
        assert moved.page.get_by_text("Connection error").count() == 0
        # Uploads carry a token, which the other replica takes as it is; it was not told any secret.
        moved.page.get_by_role("radio", name="Import and export").click()
        with moved.page.expect_download() as download:
            moved.page.get_by_role("button", name="Download all (3)").click()
        exported = tmp_path / "ratings.csv"
        download.value.save_as(exported)
        assert len(exported.read_text("utf-8-sig").splitlines()) == 4
        moved.page.locator("input[type=file]").set_input_files(exported)
        expect(moved.page.get_by_text("Movies taken over: 3")).to_be_visible()
        newcomer = visit()
        assert newcomer.replica == "two"

        rate(stays.page, 2, 3)
        stays.has_rated(3)
    assert (stays.errors, len(stays.runs), stays.replica) == ([], 1, "two")
    # Nobody is sent back, and the replica that has returned gets the next.
    assert (len(moved.runs), moved.replica) == (2, "two")
    assert visit().replica == "one"


def test_a_download_that_was_drawn_before_is_there_after(cluster: Cluster, visit: Visit) -> None:
    people = one_on_each(visit)
    moved = people["two"]
    rate(moved.page, 0, 4)
    moved.page.get_by_role("radio", name="Import and export").click()
    button = moved.page.get_by_role("button", name="Download all (1)")
    expect(button).to_be_enabled()
    with restarted(cluster, "two", signal.SIGKILL):
        moved.reconnects()
        with moved.page.expect_download() as download:
            button.click()
        assert download.value.failure() is None
    assert len(people["one"].runs) == 1


def test_without_the_database_pages_go_on_and_ratings_wait(cluster: Cluster, visit: Visit) -> None:
    people = one_on_each(visit)
    for person in people.values():
        rate(person.page, 0, 5)
        person.has_rated(1)
    cluster.database.kill()
    try:
        for person in people.values():
            page = person.page
            star(page, 1, 2).click()
            expect(page.get_by_text("Not saved yet: 1")).to_be_visible()
            choose(page, "Discover")
            expect(titles(page)).to_have_count(12)
            choose(page, "My list")
            person.has_rated(2)
        # Degraded is no reason to send anybody away.
        assert {row["status"] for row in cluster.proxy.servers().values()} == {"UP"}
    finally:
        cluster.database.start()
    for person in people.values():
        expect(person.page.get_by_text("Saved: 1")).to_be_visible()
        assert len(person.runs) == 1
    # What one replica saved, the other reads.
    gone = people["one"]
    with restarted(cluster, "one", signal.SIGKILL):
        gone.reconnects()
        gone.has_rated(2)


def test_a_rolling_restart_fails_no_page(cluster: Cluster, visit: Visit) -> None:
    traveller = visit()
    rate(traveller.page, 0, 3)
    traveller.has_rated(1)
    with knocking(cluster) as answers:
        for times in range(1, 1 + len(NAMES)):
            name = traveller.replica
            cluster.proxy.ask(f"set server replicas/{name} state drain")
            assert visit().replica != name
            with restarted(cluster, name, signal.SIGTERM):
                cluster.proxy.ask(f"set server replicas/{name} state ready")
                traveller.reconnects(times)
                traveller.has_rated(1)
                assert traveller.replica != name
    assert answers.pop(CUT, 0) <= len(NAMES) * len(KNOCKERS), answers
    assert set(answers) == {200}
    assert answers[200] > 20


@contextmanager
def knocking(cluster: Cluster) -> Iterator[Counter[int | str]]:
    """Meanwhile somebody opens pages without a pause, with the cookie of either replica or none.

    An answer that a dying replica had begun cannot be asked for again by the proxy, so whoever got
    none asks once more.

    Yields:
        How often each status came, CUT where there was no answer at first, and what was wrong
        where there was none then either.
    """
    answers: Counter[int | str] = Counter()
    over = threading.Event()

    def ask(path: str, cookie: str) -> int:
        headers = {"Cookie": cookie, "Accept": "text/html"}
        request = urllib.request.Request(cluster.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def knock(cookie: str) -> None:
        while not over.is_set():
            for path in ("/", "/my-ratings", "/_stcore/health", "/_stcore/host-config"):
                over.wait(0.05)  # the proxy has a limit for each address
                try:
                    answers[ask(path, cookie)] += 1
                except (OSError, HTTPException):
                    answers[CUT] += 1
                    try:
                        answers[ask(path, cookie)] += 1
                    except (OSError, HTTPException) as error:
                        answers[f"{path} with {cookie!r}: {error!r}"] += 1

    threads = [threading.Thread(target=knock, args=(cookie,)) for cookie in KNOCKERS]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_what_one_replica_tells_of_itself_is_not_for_visitors(cluster: Cluster) -> None:
    for path in ("/metrics", "/_stcore/metrics"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(cluster.url + path, timeout=PATIENCE)


def test_the_cookie_is_for_encrypted_ways_alone_where_the_visitor_came_by_one(
    cluster: Cluster,
) -> None:
    headers = {"Accept": "text/html", "X-Forwarded-Proto": "https"}
    request = urllib.request.Request(cluster.url, headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        cookies = answer.headers.get_all("Set-Cookie")
    (visitor,) = (cookie for cookie in cookies if cookie.startswith("matinee_visitor="))
    assert re.search("; Secure$", visitor)
