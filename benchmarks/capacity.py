"""Capacity of the app: how many clicks a second it answers, and how soon, by visitors and workers.

    python -m benchmarks.capacity --sessions 5 20 50 100 200 400 --workers 1 2 --seconds 60

Starts the app within a real memory limit (a control group; needs root), once for each number of
workers, and lets visitors browse, more each time; they speak Streamlit's protocol over WebSockets.
Beside it the same numbers of visitors click the button of a page that has nothing else, on one
process: what Streamlit itself can do on this machine. Prints a Markdown table; times are
from the click to the end of the run. Exits with 1 if a process was killed for want of memory or the
server ended.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from benchmarks.command_line import command_line, write_rows
from benchmarks.harness import conclude, figures
from memory_toolkit.measure.sizes import parse_size
from recommender.core.serving_variables import VARIABLES
from tests.support.server import Server, comes_true, serve
from tests.support.tab import Tab
from tests.support.visitor import Log, Visitor

APP, BUTTON = "streamlit_app.py", "benchmarks/one_button_app.py"
# So many visitors come in a second, before the time that counts.
COME_PER_SECOND = 20.0
SAMPLE_SECONDS = 0.5
THREADS = 32
HEAD = (
    "| page | workers | visitors | clicks a second | p50, ms | p95, ms | p99, ms | refused "
    "| errors | own, MB |\n|---|---|---|---|---|---|---|---|---|---|"
)
Row = dict[str, str | float]


def main() -> None:
    """Print the table."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server must end, too
    rows: list[Row] = []
    failures: list[str] = []
    print(HEAD)
    for script, workers in ((BUTTON, 1), *((APP, number) for number in options.workers)):
        with tempfile.TemporaryDirectory(prefix="matinee-capacity-") as name:
            # Nobody is to be refused for coming from this machine like everybody else.
            variables = {**VARIABLES, "MATINEE_CONNECTIONS": str(2 * max(options.sessions))}
            with serve(
                script, options.bundle, options.limit, Path(name), variables, workers
            ) as server:
                if script == APP and not comes_true(server.is_ready):
                    sys.exit(f"the app is not ready:\n{server.log.read_text('utf-8')[-2000:]}")
                for sessions in options.sessions:
                    rows.append(asyncio.run(_measure(options, server, script, workers, sessions)))
                if kills := server.box.oom_kills():
                    failures.append(f"the kernel killed {kills} processes for want of memory")
                if server.process.poll() is not None:
                    failures.append(f"the server of {script} ended")
    write_rows(options.json, rows)
    print(f"\n{_shares(rows)}\n")
    conclude(failures)


def _options() -> argparse.Namespace:
    parser = command_line(__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--limit", type=parse_size, default=parse_size("256M"))
    parser.add_argument(
        "--sessions", type=int, nargs="+", default=[5, 20, 50, 100, 200, 400], metavar="N"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--think", type=float, default=3.0, help="seconds between two clicks")
    parser.add_argument("--seconds", type=float, default=60.0, help="that count, once all came")
    return parser.parse_args()


async def _measure(
    options: argparse.Namespace, server: Server, script: str, workers: int, sessions: int
) -> Row:
    """Let so many visitors come, browse and leave; returns the figures."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    log, coming = Log(), sessions / COME_PER_SECOND
    visit = _click if script == BUTTON else _browse
    staying = [
        asyncio.create_task(
            visit(server.port, number, options.think, log, number / COME_PER_SECOND)
        )
        for number in range(sessions)
    ]
    await asyncio.sleep(coming + options.think)
    log.forget_answers()
    started, most = time.monotonic(), 0
    while time.monotonic() - started < options.seconds:
        most = max(most, await asyncio.to_thread(server.own))
        await asyncio.sleep(SAMPLE_SECONDS)
    seconds = time.monotonic() - started
    for task in staying:
        task.cancel()
    await asyncio.gather(*staying, return_exceptions=True)
    row: Row = {
        "page": "one button" if script == BUTTON else "Matinee",
        "workers": workers,
        "visitors": sessions,
        "clicks_per_second": sum(map(len, log.seconds.values())) / seconds,
        **figures(log, most),
    }
    texts = [f"{value:.1f}" if isinstance(value, float) else str(value) for value in row.values()]
    print(f"| {' | '.join(texts)} |", flush=True)
    return row


async def _browse(port: int, number: int, think: float, log: Log, after: float) -> None:
    visitor = Visitor(port, number, think, log)
    await _stay(lambda: visitor.browse(float("inf")), visitor.leave, after)


async def _click(port: int, number: int, think: float, log: Log, after: float) -> None:
    """Click the button of the page that has nothing else."""
    tab = Tab(port)

    async def again() -> None:
        await tab.open()
        while True:
            await asyncio.sleep(think * (0.5 + (number * 0.618 + time.monotonic()) % 1))
            (button,) = tab.all("button")
            drawn = await tab.set(button, "button", True)
            log.seconds.setdefault("click", []).append(drawn.seconds)

    await _stay(again, tab.close, after)


async def _stay(
    do: Callable[[], Awaitable[None]], leave: Callable[[], Awaitable[None]], after: float
) -> None:
    """Come after a while, and leave when told to, whatever is being done."""
    await asyncio.sleep(after)
    try:
        await do()
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await leave()


def _shares(rows: list[Row]) -> str:
    """The most clicks a second of each, in a sentence."""
    most: dict[tuple[str, int], float] = {}
    for row in rows:
        key = str(row["page"]), int(row["workers"])
        most[key] = max(most.get(key, 0.0), float(row["clicks_per_second"]))
    (_, button), *others = most.items()
    shares = (f"{count:.1f} with {key[1]} ({count / button:.0%})" for key, count in others)
    return f"At most {button:.1f} clicks a second of one button; of Matinee {', '.join(shares)}."


if __name__ == "__main__":
    main()
