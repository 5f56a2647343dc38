"""Attacks beside good visitors, on a server with little memory: what the visitors notice of them.

    python -m benchmarks.abuse --limit 256M --workers 2

Starts the app within a real memory limit (a control group; needs root). Good visitors, who speak
Streamlit's protocol over WebSockets, browse alone first; then one attack after the other runs
beside them, each from a process of its own and for some seconds, see `benchmarks.attacks`. Prints
a Markdown table. Exits with 1 if during an attack the slowest 5% of the visitors' clicks took
longer than a second, a visitor saw an error, a process was killed for want of memory or ended, or
the metrics were told to somebody without the token.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.attacks import ATTACKS
from benchmarks.command_line import command_line, write_rows
from benchmarks.harness import conclude, figures
from memory_toolkit.measure.sizes import parse_size
from recommender.core.serving_variables import VARIABLES
from tests.support.server import Server, comes_true, serve
from tests.support.visitor import Log, Visitor

MAX_P95_SECONDS = 1.0
SAMPLE_SECONDS = 0.25
# After an attack: what it left behind ends, and the next one is measured by itself.
PAUSE_SECONDS = 3.0
SHOWN_ANSWERS = 5


@dataclass
class Phase:
    """The time of one attack, or of none.

    Attributes:
        log: what the good visitors got.
        answers: what the attackers got.
        most: own memory of the server's processes at most, in bytes.
    """

    name: str
    log: Log
    answers: Counter[str]
    most: int = 0

    def row(self) -> dict[str, str | float]:
        """The figures, times in milliseconds."""
        return {
            "attack": self.name.replace("_", " "),
            "clicks": sum(map(len, self.log.seconds.values())),
            **figures(self.log, self.most),
            "answers": ", ".join(
                f"{count} × {answer}" for answer, count in self.answers.most_common(SHOWN_ANSWERS)
            ),
        }


def main() -> None:
    """Attack the app, and print what its visitors noticed."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server must end, too
    variables = {**VARIABLES, "DEBUG_MEMORY_TOKEN": "of-the-benchmark"}
    with (
        tempfile.TemporaryDirectory(prefix="matinee-abuse-") as name,
        serve(
            "streamlit_app.py",
            options.bundle,
            options.limit,
            Path(name),
            variables,
            options.workers,
        ) as server,
    ):
        if not comes_true(server.is_ready):
            sys.exit(f"the app is not ready:\n{server.log.read_text('utf-8')[-2000:]}")
        before = server.workers()
        phases = asyncio.run(_run(options, server))
        failures = [problem for phase in phases for problem in _problems(phase)]
        if kills := server.box.oom_kills():
            failures.append(f"the kernel killed {kills} processes for want of memory")
        if server.process.poll() is not None or server.workers() != before:
            failures.append("a process of the server ended")
        if failures:
            print("The server's log says last:\n" + server.log.read_text("utf-8")[-3000:])
    write_rows(options.json, [phase.row() for phase in phases])
    print()
    conclude(failures)


def _options() -> argparse.Namespace:
    names = [attack.__name__ for attack in ATTACKS]
    parser = command_line(__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--limit", type=parse_size, default=parse_size("256M"))
    parser.add_argument("--workers", type=int, default=1, help="processes that serve")
    parser.add_argument("--visitors", type=int, default=10, help="good ones, at the same time")
    parser.add_argument("--think", type=float, default=3.0, help="seconds between two clicks")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each attack")
    parser.add_argument("--attack", nargs="+", choices=names, default=names, help="all without it")
    return parser.parse_args()


async def _run(options: argparse.Namespace, server: Server) -> list[Phase]:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(options.visitors + 4))
    print(
        "| attack | clicks | p50, ms | p95, ms | p99, ms | refused | errors | own, MB | answers |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    return [
        await _phase(options, server, number, name)
        for number, name in enumerate(["nobody", *options.attack])
    ]


async def _phase(options: argparse.Namespace, server: Server, number: int, name: str) -> Phase:
    """Let the visitors browse beside one attack."""
    phase = Phase(name, Log(), Counter())
    end = time.monotonic() + options.seconds
    staying = [
        asyncio.create_task(_visit(options, server.port, 1000 * number + one, one, end, phase.log))
        for one in range(options.visitors)
    ]
    watching = asyncio.create_task(_watch(server, phase))
    if name != "nobody":
        phase.answers.update(await _attack(name, server.port, options.seconds))
    await asyncio.gather(*staying)
    watching.cancel()
    _print_row(phase.row())
    await asyncio.sleep(PAUSE_SECONDS)
    return phase


async def _visit(
    options: argparse.Namespace, port: int, seed: int, place: int, end: float, log: Log
) -> None:
    # They come one after the other, within the time of one click.
    await asyncio.sleep(options.think * place / options.visitors)
    visitor = Visitor(port, seed, options.think, log)
    # Whoever is in the middle of something leaves all the same: the attack has ended.
    with suppress(TimeoutError):
        await asyncio.wait_for(visitor.browse(end), max(0.0, end - time.monotonic()))
    await visitor.leave()


async def _watch(server: Server, phase: Phase) -> None:
    while True:
        phase.most = max(phase.most, await asyncio.to_thread(server.own))
        await asyncio.sleep(SAMPLE_SECONDS)


async def _attack(name: str, port: int, seconds: float) -> dict[str, int]:
    """Carry out an attack, in a process of its own; how often it was answered what."""
    attacker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.attacks", name, str(port), str(seconds)),
        stdout=subprocess.PIPE,
    )
    try:
        printed, _ = await attacker.communicate()
    finally:
        if attacker.returncode is None:
            attacker.kill()
    if attacker.returncode:
        raise RuntimeError(f"the attack {name} ended with status {attacker.returncode}")
    found: dict[str, int] = json.loads(printed)
    return found


def _problems(phase: Phase) -> list[str]:
    """Return the problems of a phase, in sentences."""
    row = phase.row()
    found = [f"{phase.name}: {count} × {error}" for error, count in phase.log.errors.items()]
    if float(row["p95_ms"]) > 1000 * MAX_P95_SECONDS:
        found.append(f"{phase.name}: the 95th percentile is {row['p95_ms']:.0f} ms")
    found += [f"{phase.name}: {name}" for name in phase.answers if "metrics" in name]
    return found


def _print_row(row: dict[str, str | float]) -> None:
    texts = (f"{value:.0f}" if isinstance(value, float) else str(value) for value in row.values())
    print(f"| {' | '.join(texts)} |", flush=True)


if __name__ == "__main__":
    main()
