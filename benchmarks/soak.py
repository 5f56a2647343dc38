"""Many visitors at once, for minutes, on a server with little memory: what they get, what it takes.

    python -m benchmarks.soak --sessions 20 --minutes 5 --limit 256M --greedy 1 --churn 200

Starts the app within a real memory limit (a control group; needs root) and sends visitors who
speak Streamlit's protocol over WebSockets: one who does everything once, then many at the same time
who do this and that with time to look, some of whom ask for far too much on purpose. Then all
leave, and it is seen whether the memory comes back. Prints Markdown tables. Exits with 1 if a
visitor saw an error, a process was killed for want of memory, the server ended, or more than 10 MB
above the start did not come back.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import websockets

from benchmarks.command_line import command_line, write_rows
from benchmarks.harness import conclude
from memory_toolkit.measure.sizes import MB, format_bytes, parse_size
from recommender.core.serving_variables import VARIABLES
from tests.support.server import Server, comes_true, serve
from tests.support.tab import Tab
from tests.support.visitor import Log, Visitor

SAMPLE_SECONDS, PROBE_SECONDS = 0.25, 5.0
AT_ONCE = 10  # of the visitors of the churn
COMES_BACK = 10 * MB
# By then the app has let go of closed sessions and found that nobody is there: the defaults of
# MATINEE_SESSION_SECONDS and MATINEE_IDLE_SECONDS, and two rounds of its housekeeping.
SETTLED_SECONDS = 75.0
SHOWN_ERRORS = 20
# Ten minutes by default, which would have to be waited for.
SEMANTIC_IDLE_SECONDS = "30"
# From its first answer to the moment when the bundle is loaded and every page drawn.
LOADED_SECONDS = 5.0
Row = dict[str, str | float]


@dataclass
class Memory:
    """The server's memory over time.

    Attributes:
        samples: seconds since the start, the phase, own memory and what the group used without
            file pages, in bytes.
        marks: own memory at the end of each phase.
    """

    server: Server
    phase: str = "start"
    samples: list[tuple[float, str, int, int]] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)

    async def watch(self) -> None:
        """Take samples until the server ends."""
        started = time.monotonic()
        while self.server.process.poll() is None:
            group = self.server.group
            used = (group.used() or 0) if group else 0
            seconds = time.monotonic() - started
            self.samples.append((seconds, self.phase, self.server.own(), used))
            await asyncio.sleep(SAMPLE_SECONDS)

    def end(self, phase: str) -> None:
        """End the phase, and begin another."""
        self.marks[self.phase], self.phase = self.server.own(), phase

    def of(self, phase: str) -> list[tuple[float, str, int, int]]:
        """The samples of one phase."""
        return [sample for sample in self.samples if sample[1] == phase]


def main() -> None:
    """Let visitors browse for minutes and print what they got."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server must end, too
    script = "benchmarks/greedy_app.py" if options.greedy else "streamlit_app.py"
    log = Log()
    with tempfile.TemporaryDirectory(prefix="matinee-soak-") as name:
        variables = {
            **VARIABLES,
            "MATINEE_SEMANTIC_IDLE_SECONDS": SEMANTIC_IDLE_SECONDS,
            "PYTHONFAULTHANDLER": "1",  # a crash says where
        }
        folder = Path(name)
        with serve(
            script, options.bundle, options.limit, folder, variables, options.workers
        ) as server:
            memory = Memory(server)
            asyncio.run(_soak(options, memory, log))
            failures = _failures(memory, log, options.idle)
            rows = _report(options, memory, log)
        if failures:
            print("\nThe server's log says last:\n" + server.log.read_text("utf-8")[-3000:])
    if options.csv:
        with open(options.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["seconds", "phase", "own", "group_used"])
            writer.writerows((f"{s:.2f}", *rest) for s, *rest in memory.samples)
    write_rows(options.json, rows)
    print()
    conclude(failures)


def _options() -> argparse.Namespace:
    parser = command_line(__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--sessions", type=int, default=20, help="visitors at the same time")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long they stay")
    parser.add_argument("--limit", type=parse_size, default=parse_size("256M"))
    parser.add_argument("--workers", type=int, default=1, help="processes that serve")
    parser.add_argument("--think", type=float, default=3.0, help="seconds between two clicks")
    parser.add_argument("--greedy", type=int, default=0, help="so many of them ask for too much")
    parser.add_argument("--churn", type=int, default=0, help="so many come and go afterwards")
    parser.add_argument(
        "--idle", type=float, default=110.0, help="seconds after which memory must be back"
    )
    parser.add_argument("--csv", type=Path, help="file for the memory over time")
    return parser.parse_args()


async def _soak(options: argparse.Namespace, memory: Memory, log: Log) -> None:
    """All phases, or until the server ends or no longer answers."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(options.sessions + AT_ONCE))
    phases = (memory.watch(), _probe(memory.server, log), _come(options, memory, log))
    done, others = await asyncio.wait(
        [asyncio.create_task(phase) for phase in phases], return_when=asyncio.FIRST_COMPLETED
    )
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    memory.end("end")
    for task in done:
        task.result()


async def _probe(server: Server, log: Log) -> None:
    """Ask the server whether it is alive, until it does not answer."""
    while await asyncio.to_thread(server.answers):
        await asyncio.sleep(PROBE_SECONDS)
    log.errors["the server no longer answers"] += 1


async def _come(options: argparse.Namespace, memory: Memory, log: Log) -> None:
    port = memory.server.port
    if memory.server.several:  # which start one after the other
        await asyncio.to_thread(comes_true, memory.server.is_ready)
    await asyncio.sleep(LOADED_SECONDS)
    memory.end("one visitor")
    await Visitor(port, 0, min(0.2, options.think), log).tour()
    log.forget_answers()

    memory.end("visitors")
    await asyncio.gather(*(_visit(options, n, port, log) for n in range(1, options.sessions + 1)))

    memory.end("all gone")
    await asyncio.sleep(options.idle)
    if options.churn:
        memory.end("churn")
        for first in range(0, options.churn, AT_ONCE):
            several = range(first, min(first + AT_ONCE, options.churn))
            await asyncio.gather(*(_come_and_go(port, log) for _ in several))
        memory.end("all gone again")
        await asyncio.sleep(options.idle)


async def _visit(options: argparse.Namespace, number: int, port: int, log: Log) -> None:
    end = time.monotonic() + 60 * options.minutes
    # They come one after the other, within the time of one click.
    await asyncio.sleep(options.think * number / options.sessions)
    visitor = Visitor(port, number, options.think, log)
    if number <= options.greedy:
        await visitor.ask_too_much(end)
    else:
        await visitor.browse(end)


async def _come_and_go(port: int, log: Log) -> None:
    tab = Tab(port)
    try:
        for drawn in (await tab.open("hybrid"), await tab.go("my-ratings"), await tab.go("")):
            log.errors.update(f"churn: {text}" for text in drawn.problems)
        await tab.close()
    except (OSError, websockets.WebSocketException) as error:
        log.errors[f"churn: {error!r}"] += 1


def _failures(memory: Memory, log: Log, idle: float) -> list[str]:
    found = []
    if log.errors:
        found.append(f"{log.errors.total()} errors")
    if memory.server.box.oom_kills():
        found.append("the kernel killed a process for want of memory")
    if memory.server.process.poll() is not None:
        found.append(f"the server ended, exit code {memory.server.process.returncode}")
    elif idle >= SETTLED_SECONDS:
        start = memory.marks["start"]
        for phase in ("all gone", "all gone again"):
            if (kept := memory.marks.get(phase, start) - start) > COMES_BACK:
                found.append(f"{format_bytes(kept)} more than at the start when {phase}")
    return found


def _report(options: argparse.Namespace, memory: Memory, log: Log) -> list[Row]:
    """Print the tables; their rows."""
    rows: list[Row] = []
    print(
        f"{options.sessions} visitors ({options.greedy} greedy), {options.minutes:g} minutes, "
        f"{options.think:g} s between clicks, limit {format_bytes(options.limit)} "
        f"({' '.join(memory.server.box.means.split()[:2])})\n"
    )
    print("| action | times | p50 ms | p95 ms | p99 ms | busy | too much |")
    print("|---|---|---|---|---|---|---|")
    everything = [one for times in log.seconds.values() for one in times]
    for action, times in [("all", everything), *sorted(log.seconds.items())]:
        refused = {k: n.total() if action == "all" else n[action] for k, n in log.refused.items()}
        slow = [1000 * p for p in np.percentile(times, (50, 95, 99)).tolist()] if times else []
        cells = [f"{p:.0f}" for p in slow] or ["-"] * 3
        cells += map(str, refused.values())
        print(f"| {action} | {len(times)} | {' | '.join(cells)} |")
        named = dict(zip(("p50_ms", "p95_ms", "p99_ms"), slow, strict=False))
        rows.append({"table": "actions", "action": action, "times": len(times), **named, **refused})
    visited = [sample[0] for sample in memory.of("visitors")] or [0.0]
    seconds = max(SAMPLE_SECONDS, visited[-1] - visited[0])
    print(f"\n{len(everything) / seconds:.1f} actions a second\n")
    rows += _report_memory(memory)
    rows.append(
        {"table": "summary", "visitors": options.sessions, "minutes": options.minutes}
        | {"limit_mb": options.limit / MB, "killed": memory.server.box.oom_kills()}
        | {"errors": log.errors.total(), "actions": len(everything)}
    )
    print(f"\n{log.errors.total()} errors")
    for error, count in log.errors.most_common(SHOWN_ERRORS):
        print(f"* {count} × {error}")
    return rows


def _report_memory(memory: Memory) -> list[Row]:
    rows: list[Row] = []
    print("| own memory, MB | at the end | at most |\n|---|---|---|")
    for phase, own in memory.marks.items():
        most = max((sample[2] for sample in memory.of(phase)), default=own)
        print(f"| {phase} | {own / MB:.1f} | {most / MB:.1f} |")
        rows.append({"table": "phases", "phase": phase, "end_mb": own / MB, "most_mb": most / MB})
    group = memory.server.group
    if group is not None:
        used = max(sample[3] for sample in memory.samples)
        print(f"\nThe group without file pages, at most: {format_bytes(used)}")
        if (peak := memory.server.group_peak()) is not None:
            print(f"The group with file pages, at most: {format_bytes(peak)}")
        print(f"Killed for want of memory (oom_kill): {memory.server.box.oom_kills()}")
    if memory.server.process.poll() is None:
        decisions = (f"{name} {times}" for name, times in memory.server.guard().items())
        print("The guard: " + (", ".join(decisions) or "does not tell"))
    return rows


if __name__ == "__main__":
    main()
