"""Each app of `examples/` under its limit, before and after: kills, peak, time to answer.

    .venv/bin/python -m benchmarks.example_apps --runs 3
    .venv/bin/python -m benchmarks.example_apps fastapi_vision

Prints a Markdown table. Needs a control group that can be made (as root, or in a container that
allows it), since without one nothing is killed.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import websockets

from benchmarks.command_line import command_line
from benchmarks.machine import one_line
from memory_toolkit.guard.enclosure import Enclosure, enclosure
from memory_toolkit.measure.sizes import MB, format_bytes
from tests.support.server import ROOT, clean_environment, end_process, free_ports
from tests.support.tab import Tab

VERSIONS = ("before", "after")
START_SECONDS, ANSWER_SECONDS = 180, 120
TABS, ROUNDS, MAX_ROUNDS = 3, 5, 300
PHOTOS, REQUESTS = 80, 4
DESCRIPTIONS = 240
SEARCHES, AT_ONCE = 40, 10


class Got(NamedTuple):
    """An answer over HTTP."""

    status: int
    body: str
    seconds: float


@dataclass
class App:
    """An app of the examples that runs under its limit.

    Attributes:
        peak: the most that its group held, without the pages of files, in bytes; sampled.
        asked: how many requests visitors made; of those that were answered, `answers`.
        problems: what visitors saw of errors.
    """

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    box: Enclosure
    peak: int = 0
    asked: int = 0
    answers: list[Got] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _kills: int = 0

    @property
    def kills(self) -> int:
        """Processes of it that were killed for want of memory."""
        self._kills = max(self._kills, self.box.oom_kills())
        return self._kills

    def logged(self) -> str:
        """Return what it wrote."""
        return self.log.read_text("utf-8", "replace")

    def used(self) -> int:
        """Return what its group holds now, without the pages of files, in bytes."""
        assert self.box.group is not None
        return self.box.group.used() or 0

    def ask(self, path: str, body: object = None) -> Got:
        """Return the answer to a GET, or to a POST of `body` as JSON.

        Raises:
            OSError, http.client.HTTPException: there was none.
        """
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        with closing(connection):
            if body is None:
                connection.request("GET", path)
            else:
                head = {"Content-Type": "application/json"}
                connection.request("POST", path, json.dumps(body), head)
            answer = connection.getresponse()
            text = answer.read().decode()
        return Got(answer.status, text, time.perf_counter() - started)

    def is_up(self, path: str) -> bool:
        """Tell if it answers at `path`."""
        with suppress(OSError, http.client.HTTPException):
            return self.ask(path).status < 500
        return False

    def wait_until_up(self, path: str) -> bool:
        """Wait until it answers at `path`; False if it was killed before that, or never does."""
        self.comes_true(lambda: bool(self.kills) or self.is_up(path))
        return self.process.poll() is None and not self.kills

    def comes_true(self, condition: Callable[[], bool]) -> bool:
        """Wait until `condition` holds; False if it ends before that, or in vain."""
        end = time.monotonic() + START_SECONDS
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def visit(self, asks: Sequence[Callable[[], Got]], at_once: int) -> None:
        """Ask so many at once, and keep the answers and the problems."""

        def answered(ask: Callable[[], Got]) -> None:
            try:
                self.answers.append(ask())
            except (OSError, http.client.HTTPException) as error:
                self.problems.append(type(error).__name__)

        self.asked += len(asks)
        with ThreadPoolExecutor(at_once) as visitors:
            list(visitors.map(answered, asks))

    def sample(self, done: threading.Event) -> None:
        """Keep `peak` up to date until `done`."""
        while not done.wait(0.02):
            with suppress(OSError):
                self.peak = max(self.peak, self.used())


@contextmanager
def limited(command: Sequence[str], limit: int, folder: Path, **variables: str) -> Iterator[App]:
    """Run a command of Python under `limit` bytes; ``PORT`` in it becomes a free port.

    Raises:
        RuntimeError: no control group can be made here.
    """
    (port,) = free_ports(1)
    environment = {
        **clean_environment(),
        # More threads than cores only wait for each other.
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **variables,
    }
    log = folder / "app.log"
    with enclosure(limit) as box, open(log, "wb") as file:
        if box.group is None:
            raise RuntimeError("no control group can be made here, so nothing would be killed")
        process = subprocess.Popen(
            [sys.executable, *(word.replace("PORT", str(port)) for word in command)],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=box.enter,
        )
        app, done = App(port, process, log, box), threading.Event()
        sampler = threading.Thread(target=app.sample, args=(done,))
        sampler.start()
        try:
            yield app
        finally:
            done.set()
            sampler.join()
            _ = app.kills  # which the group tells as long as it is there
            end_process(process)


@contextmanager
def streamlit_foreign(version: str, limit: int, folder: Path) -> Iterator[App]:
    """Run the recommender; three tabs choose a film at the same moment, again and again."""
    script = f"examples/streamlit_foreign/{version}.py"
    command = ("-m", "streamlit", "run", script, "--server.headless=true", "--server.port=PORT")
    with limited(command, limit, folder) as app:
        app.wait_until_up("/_stcore/health")
        # Before, it takes until the reruns of all three overlap.
        rounds = MAX_ROUNDS if version == "before" else ROUNDS
        try:
            with ThreadPoolExecutor(1) as pool:  # the caller's thread may have a loop of its own
                pool.submit(asyncio.run, _choose_films(app, rounds)).result()
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            app.problems.append(type(error).__name__)
        yield app


async def _choose_films(app: App, rounds: int) -> None:
    app.asked = TABS * rounds
    tabs = [Tab(app.port) for _ in range(TABS)]
    await tabs[0].open()  # which makes the matrix, if it is not there
    await asyncio.gather(*(tab.open() for tab in tabs[1:]))
    for turn in range(1, rounds + 1):
        drawn = await asyncio.gather(
            *(
                tab.set(tab.widgets("selectbox", "film")[0], "selectbox", f"Film {turn}")
                for tab in tabs
            )
        )
        app.answers += [Got(200, "", one.seconds) for one in drawn]
        app.problems += [problem for one in drawn for problem in one.problems]
    for tab in tabs:
        await tab.close()


@contextmanager
def fastapi_vision(version: str, limit: int, folder: Path) -> Iterator[App]:
    """Run the service; 80 photos a request, again and again."""
    command = ["-m", "uvicorn", f"examples.fastapi_vision.{version}:app", "--port=PORT"]
    if version == "after":
        command.append("--env-file=examples/fastapi_vision/.env")
    with limited(command, limit, folder) as app:
        app.wait_until_up("/openapi.json")
        photos = {"names": [f"photo {number}" for number in range(PHOTOS)]}
        app.visit([lambda: app.ask("/api/analyze", photos)] * REQUESTS, at_once=2)
        yield app


@contextmanager
def batch_embed(version: str, limit: int, folder: Path) -> Iterator[App]:
    """Run the script to its end; the answer is how many vectors are stored."""
    store = folder / "vectors.sqlite"
    command = ("-m", f"examples.batch_embed.{version}", str(store), str(DESCRIPTIONS))
    with limited(command, limit, folder) as app:
        app.asked, started = 1, time.perf_counter()
        app.process.wait(START_SECONDS + ANSWER_SECONDS)
        count = stored(store)
        if app.process.returncode == 0:
            app.answers.append(Got(200, str(count), time.perf_counter() - started))
        else:
            app.problems.append(f"ended with {app.process.returncode}, {count} stored")
        yield app


def stored(store: Path) -> int:
    """Count the vectors in a database."""
    with closing(sqlite3.connect(store)) as opened, suppress(sqlite3.OperationalError):
        return int(opened.execute("SELECT count(*) FROM vectors").fetchone()[0])
    return 0


@contextmanager
def flask_tags(version: str, limit: int, folder: Path) -> Iterator[App]:
    """Run the app; searches by tag and by meaning, ten at a time."""
    settings = ("--config=examples/flask_tags/gunicorn.conf.py", "--bind=127.0.0.1:PORT")
    command = ("-m", "gunicorn", *settings, f"examples.flask_tags.{version}:app")
    with limited(command, limit, folder) as app:
        app.wait_until_up("/tags/dog")
        asks = [lambda: app.ask("/tags/dog"), lambda: app.ask("/search?q=animals+when+it+is+cold")]
        app.visit(asks * (SEARCHES // 2), AT_ONCE)
        if version == "before":  # its workers load the model one after the other
            app.comes_true(lambda: app.kills > 0)
        yield app


Run = Callable[[str, int, Path], AbstractContextManager[App]]
EXAMPLES: tuple[tuple[Run, int], ...] = (
    (streamlit_foreign, 512 * MB),
    (fastapi_vision, 957 * MB),
    (batch_embed, 1024 * MB),
    (batch_embed, 512 * MB),
    (flask_tags, 512 * MB),
)


def main() -> None:
    """Run the examples and print a table."""
    parser = command_line(__doc__, rows=False)
    names = sorted({_name(run) for run, _ in EXAMPLES})
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="of each version")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"no example is called {', '.join(sorted(unknown))}: {', '.join(names)}")
    print(one_line(), end="\n\n")
    print("| example | limit | version | killed | peak | answered | median | longest |")
    print("|---|---|---|---|---|---|---|---|")
    for run, limit in EXAMPLES:
        if not options.names or _name(run) in options.names:
            for version in VERSIONS:
                _print_row(run, version, limit, options.runs)


def _name(run: Run) -> str:
    return str(getattr(run, "__name__", run))


def _print_row(run: Run, version: str, limit: int, runs: int) -> None:
    apps = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder, run(version, limit, Path(folder)) as app:
            apps.append(app)
    seconds = [got.seconds for app in apps for got in app.answers if got.status == 200]
    median = f"{statistics.median(seconds):.2f} s" if seconds else "none"
    longest = f"{max(seconds):.2f} s" if seconds else "none"
    kills = ", ".join(str(app.kills) for app in apps)
    peak = format_bytes(max(app.peak for app in apps))
    answered = f"{len(seconds)} of {sum(app.asked for app in apps)}"
    cells = (_name(run), format_bytes(limit), version, kills, peak, answered, median, longest)
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
