"""Promises to a small host, checked at 128, 256, 512 and 957 MB.

    python -m benchmarks.promises

For each size, starts the app in a real control group (needs root) with the settings of the template
in deploy/ that is nearest, lets visitors do this and that while one asks for far more memory than
there is, and tells the app to end. Then looks at what is promised of the log, of exceptions and of
monitoring. Prints two Markdown tables; `--write-docs` puts them into docs/promises.md. Exits with 1
if a promise was not kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.command_line import command_line, write_rows
from benchmarks.report import Column, Row, Table, markdown, write_places
from memory_toolkit.measure.processes import read_processes
from memory_toolkit.measure.sizes import MB, parse_size
from recommender.core.serving_variables import VARIABLES
from recommender.settings.env_file import read_env_file
from tests.support.server import ROOT, Server, serve
from tests.support.tab import Tab
from tests.support.visitor import Log, Visitor

# The size of a host, and the template in deploy/ that it gets.
SIZES = {"128M": "256mb", "256M": "256mb", "512M": "512mb", "957M": "1gb"}
OF_THE_IMAGE = ("MATINEE_BUNDLE", "MATINEE_PROFILES")
START_MB, KILLED = 200, 137
VISITORS, THINK, SETTLING_SECONDS, SAMPLE_SECONDS, END_SECONDS = 10, 0.5, 3.0, 0.05, 20
DOCS = ROOT / "docs" / "promises.md"
HOSTS = Table(
    "promises-sizes",
    (
        Column("limit", "container"),
        Column("own_mb", "own memory when it answers, MB", ".1f"),
        Column("rss_mb", "RSS, MB", ".1f"),
        Column("most_mb", "own memory at most, MB", ".1f"),
        Column("actions", "actions", "d"),
        Column("too_much", "asked for too much", "d"),
        Column("errors", "other errors", "d"),
        Column("oom_kills", "killed for want of memory", "d"),
        Column("exit_status", "exit status", "d"),
    ),
    "sizes",
)
OTHERS = Table(
    "promises",
    (Column("promise", "promised"), Column("seen", "seen"), Column("kept", "kept")),
    "promises",
)


def main() -> None:
    """Check every promise at every size and print a table; status 1 if one is not kept."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server must end, too
    rows = []
    for limit, template in SIZES.items():
        rows.append(at(limit, template, options))
        print(f"{limit}: done", file=sys.stderr)
    rows += [
        _row(f"the start takes less than {START_MB} MB", *started(rows)),
        _row(f"no exit status {KILLED}, at any of these sizes", *survived(rows)),
    ]
    with _served("256M", "256mb", options, DEBUG_MEMORY="true") as server:
        for promise, look in LOOKS.items():
            rows.append(_row(promise, *look(server)))
    blocks = {table.name: markdown(table, rows) for table in (HOSTS, OTHERS)}
    print("\n\n".join(blocks.values()))
    write_rows(options.json, rows)
    if options.write_docs:
        write_places([DOCS], blocks)
    sys.exit(any(row.get("kept") == "no" for row in rows))


def _options() -> argparse.Namespace:
    parser = command_line(__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the visitors stay")
    parser.add_argument("--write-docs", action="store_true", help=f"bring {DOCS.name} up to date")
    return parser.parse_args()


@contextmanager
def _served(
    limit: str, template: str, options: argparse.Namespace, **more: str
) -> Iterator[Server]:
    settings = read_env_file(ROOT / "deploy" / f"{template}.env")
    ours = {name: value for name, value in settings.items() if name not in OF_THE_IMAGE}
    variables = {**VARIABLES, **ours, **more}
    script = "benchmarks/greedy_app.py"
    with tempfile.TemporaryDirectory(prefix="matinee-promises-") as folder:
        size = parse_size(limit)
        with serve(script, options.bundle, size, Path(folder), variables) as server:
            time.sleep(SETTLING_SECONDS)
            yield server


def at(limit: str, template: str, options: argparse.Namespace) -> Row:
    """The row of one size: the start, the visitors, the end."""
    log = Log()
    with _served(limit, template, options) as server:
        now = read_processes([server.process.pid])
        most = asyncio.run(_visit(server, log, options.seconds))
        server.process.terminate()
        status = server.process.wait(END_SECONDS)
        return {
            "table": "sizes",
            "limit": f"{parse_size(limit) // MB} MB",
            "own_mb": now.own / MB,
            "rss_mb": (now.own + now.file) / MB,
            "most_mb": most / MB,
            "actions": sum(map(len, log.seconds.values())),
            "too_much": log.refused["too much"].total(),
            "errors": log.errors.total(),
            "oom_kills": server.box.oom_kills(),
            # As a shell counts it.
            "exit_status": status if status >= 0 else 128 - status,
        }


async def _visit(server: Server, log: Log, seconds: float) -> int:
    """Own memory at most, while one visitor asks for too much and the others do not."""
    end = time.monotonic() + seconds
    people = [Visitor(server.port, number, THINK, log) for number in range(VISITORS)]
    visiting = asyncio.gather(
        people[0].ask_too_much(end), *(visitor.browse(end) for visitor in people[1:])
    )
    most = 0
    while not visiting.done():
        most = max(most, server.own())
        await asyncio.sleep(SAMPLE_SECONDS)
    await visiting
    return most


def _row(promise: str, seen: str, kept: bool) -> Row:
    return {"table": "promises", "promise": promise, "seen": seen, "kept": "yes" if kept else "no"}


def started(rows: list[Row]) -> tuple[str, bool]:
    """Return the memory of the largest start, and whether that is less than promised."""
    most = max(float(row["rss_mb"] or 0) for row in rows)
    return f"{most:.1f} MB at most, file pages and all", most < START_MB


def survived(rows: list[Row]) -> tuple[str, bool]:
    """Return how all the apps ended, and whether none was killed."""
    statuses = sorted({str(row["exit_status"]) for row in rows})
    kills = sum(int(row["oom_kills"] or 0) for row in rows)
    seen = f"exit status {', '.join(statuses)}; killed for want of memory: {kills}"
    return seen, str(KILLED) not in statuses and not kills


def _stages(server: Server) -> tuple[str, bool]:
    found = re.findall(r"\[((?:before|after) [^]]+)\] ([\d.]+ MB)", server.log.read_text("utf-8"))
    stages = [stage for stage, _ in found]
    pairs = all(f"after {s[7:]}" in stages for s in stages if s.startswith("before "))
    return "; ".join(f"{stage}: {size}" for stage, size in found), bool(found) and pairs


def _lazily(server: Server) -> tuple[str, bool]:
    """Search by meaning is not loaded before somebody describes a movie, and is afterwards."""
    line = re.compile(r"\[after loading search by meaning\] [\d.]+ MB [^,]*, ([+-][\d.]+ MB)")
    before = line.search(server.log.read_text("utf-8"))

    async def describe() -> None:
        tab = Tab(server.port)
        await tab.open("similar")
        (box,) = tab.widgets("text_input", "q")
        await tab.set(box, "text_input", "a heist that goes wrong")
        await tab.close()

    asyncio.run(describe())
    after = line.search(server.log.read_text("utf-8"))
    if after is None:
        why = "the bundle has no plots and tags, or no vectors, which `matinee embed` makes"
        return f"not loaded: {why}", False
    at_start = "not loaded" if before is None else "loaded"
    return f"{at_start} at the start; by the first search: {after[1]}", before is None


def _exception(server: Server) -> tuple[str, bool]:
    """One visitor's run ends in an exception; another's page is drawn all the same."""

    async def visit() -> tuple[bool, bool]:
        one, other = Tab(server.port), Tab(server.port)
        await one.open()
        await one.go("greedy")
        (button,) = one.widgets("button", "mistake")
        failed = await one.set(button, "button", True)
        drawn = await other.open("hybrid")
        await one.close()
        await other.close()
        logged = "ZeroDivisionError" in server.log.read_text("utf-8")
        return bool(failed.problems) and logged, not drawn.problems

    failed, drawn = asyncio.run(visit())
    one = "raised ZeroDivisionError" if failed else "raised nothing"
    other = "was drawn" if drawn else "was not drawn"
    alive = server.process.poll() is None
    return f"a visitor's run {one}, the next visitor's page {other}", failed and drawn and alive


def _terminal(server: Server) -> tuple[str, bool]:
    address = f"http://127.0.0.1:{server.port}/metrics"
    watching = subprocess.Popen(
        [sys.executable, "debug_memory.py", "watch", "--url", address],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    line = watching.stdout.readline().strip()
    watching.terminate()
    watching.communicate()
    return f"`debug_memory.py watch`: {line}", "MB" in line


def _outside(server: Server) -> tuple[str, bool]:
    def get(path: str) -> str:
        address = f"http://127.0.0.1:{server.port}{path}"
        with urllib.request.urlopen(address, timeout=END_SECONDS) as answer:
            return str(answer.read().decode())

    health, metrics = json.loads(get("/healthz")), get("/metrics")
    names = len(set(re.findall(r"^# TYPE (\S+)", metrics, re.M)))
    seen = f"`/healthz`: {health['status']}; `/metrics`: {names} metrics"
    return seen, health["status"] in ("ready", "degraded") and names > 0


def _browser(server: Server) -> tuple[str, bool]:
    async def look() -> str:
        tab = Tab(server.port)
        await tab.open()
        shown = " ".join(one.body for one in [*tab.all("html"), *tab.all("markdown")])
        await tab.close()
        return shown

    text = re.sub(r"<[^>]+>|\s+", " ", asyncio.run(look()))
    found = re.search(r"[\d.]+ MB +\d+% of 256\.0 MB", text)
    return f"the panel: {found[0] if found else 'nothing'}", found is not None


LOOKS: dict[str, Callable[[Server], tuple[str, bool]]] = {
    "the sentence model is loaded only when used": _lazily,
    "the memory before and after each stage is in the log": _stages,
    "an exception in one request leaves the server answering": _exception,
    "monitoring from a terminal": _terminal,
    "monitoring from outside the container": _outside,
    "monitoring from a browser": _browser,
}

if __name__ == "__main__":
    main()
