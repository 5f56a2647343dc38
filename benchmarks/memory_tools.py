"""Cost of the memory toolkit, the error of its peaks, and the memory that it gives back.

    .venv/bin/python -m benchmarks.memory_tools

Prints Markdown tables, with the machine's description. Linux only. Each figure of memory comes
from a process of its own; the times are medians.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

from benchmarks.command_line import command_line, write_rows
from benchmarks.machine import one_line
from debug_memory import (
    action,
    return_memory,
    snapshot,
    start_memory_tracking,
    stop_memory_tracking,
    summaries,
)
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB
from tests.support.garbage import give_back
from tests.support.plants import KINDS, make, plant, truth

CALLS, ROUNDS = 5_000, 7
SIZES = (50, 100, 300)
SAMPLE_SECONDS = 0.01
P = ParamSpec("P")
R = TypeVar("R")
Row = dict[str, str | float | None]


def main() -> None:
    """Measure the toolkit and print tables."""
    parser = command_line(__doc__)
    parser.add_argument(
        "--megabytes", type=int, nargs="+", default=SIZES, metavar="N", help="of the peaks"
    )
    options = parser.parse_args()
    print(one_line(), end="\n\n")
    rows = [*print_costs(), *print_peaks(options.megabytes), *print_returned(alone(give_back))]
    write_rows(options.json, rows)


def print_costs() -> list[Row]:
    """One row for each thing that is called often."""
    print("| what | takes |\n|---|---|")
    rows: list[Row] = []
    for name, time_taken in (alone(costs) | alone(app_costs)).items():
        print(f"| {name} | {time_taken:,.1f} µs |")
        rows.append({"table": "costs", "what": name, "takes": f"{time_taken:,.1f} µs"})
    name, factor = "code that allocates much, while lines are tracked", alone(tracking_factor)
    print(f"| {name} | × {factor:.1f} |")
    return [*rows, {"table": "costs", "what": name, "takes": f"× {factor:.1f}"}]


def alone(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what `function` returns in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(function, *args, **kwargs).result()


def microseconds(call: Callable[[], object], calls: int = CALLS) -> float:
    """The median time of one call."""
    times = []
    for _ in range(calls):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return 1e6 * statistics.median(times)


def costs() -> dict[str, float]:
    """Microseconds, by what was called."""

    def measured() -> None:
        with action("an action"):
            pass

    def unmeasured() -> None:
        with nullcontext():
            pass

    return {
        "one action, measured": microseconds(measured),
        "`with nullcontext()`, for comparison": microseconds(unmeasured),
        "`read()`": microseconds(read),
        "`snapshot()`": microseconds(snapshot, 500),
        "`summaries()` of one name": microseconds(summaries, 500),
        "`return_memory()` with nothing to return": microseconds(return_memory, 50),
    }


def app_costs() -> dict[str, float]:
    """The same for the app's actions while neither the panel nor the guard is on."""
    os.environ |= {"DEBUG_MEMORY": "false", "MATINEE_GUARD": "false"}
    from recommender.app.server.guarded_action import guarded_action

    def acted() -> None:
        with guarded_action("an action", 0):
            pass

    return {"one action of the app, panel and guard off": microseconds(acted)}


def tracking_factor() -> float:
    """Measure how many times longer code that allocates much takes while its lines are tracked."""

    def allocate() -> None:
        rows = [{"number": number, "text": str(number)} for number in range(50_000)]
        rows.sort(key=lambda row: str(row["text"]))

    plain = microseconds(allocate, ROUNDS)
    start_memory_tracking()
    tracked = microseconds(allocate, ROUNDS)
    stop_memory_tracking()
    return tracked / plain


class Peak(NamedTuple):
    """The height of one planted peak as each way has it, in bytes."""

    true: int
    action: int
    sampler: int
    difference: int


def print_peaks(megabytes: Sequence[int]) -> list[Row]:
    """One row for each planted peak, and the worst deviation of each way."""
    print("\n| planted | true | `action` | sampled every 10 ms | after − before |")
    print("|---|---|---|---|---|")
    peaks, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        for kind, size in product(KINDS, megabytes):
            file = Path(folder) / f"{kind}{size}"
            if kind in ("pickle", "json"):
                alone(make, kind, size, file)
            peak = Peak(alone(truth, kind, size, file), *alone(measure, kind, size, file))
            peaks.append(peak)
            rows.append(_peak_row(f"{kind}, {size} MB", peak))
    worst = map(max, zip(*map(deviations, peaks), strict=True))
    return [*rows, _peak_row("**furthest from the truth**", (None, *worst))]


def _peak_row(name: str, sizes: Sequence[int | None]) -> Row:
    found = [None if size is None else size / MB for size in sizes]
    cells = ("" if size is None else f"{size:.1f} MB" for size in found)
    print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return {"table": "peaks", "planted": name, **dict(zip(Peak._fields, found, strict=True))}


def deviations(peak: Peak) -> list[int]:
    """Return the error of each way to measure, in bytes."""
    return [abs(size - peak.true) for size in peak[1:]]


def measure(kind: str, megabytes: int, file: Path) -> tuple[int, int, int]:
    """The peak by an action, by a thread that samples, and by the difference, all at once."""
    work = plant(kind, megabytes, file)
    done = threading.Event()
    samples = [read().own]

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            samples.append(read().own)

    sampler = threading.Thread(target=sample)
    sampler.start()
    with action(kind) as measured:
        work()
    done.set()
    sampler.join()
    record = measured.record
    return record.peak - record.before, max(samples) - samples[0], record.change


def print_returned(found: dict[str, int | None]) -> list[Row]:
    """Return what each step gave back of the garbage that the process still held."""
    dropped = found["dropped"] or 1
    print(f"\nOf {(found['taken'] or 0) / MB:.0f} MB of mixed garbage, the process still held")
    print(f"{dropped / MB:.0f} MB when the last reference was gone:\n")
    print("| step | gave back | share |\n|---|---|---|")
    rows: list[Row] = []
    for name, key in (
        ("`gc.collect()`", "collected"),
        ("Arrow's pool", "arrow"),
        ("heap trim", "trimmed"),
        ("still held", "left"),
    ):
        size = found[key]
        figures = "not loaded | " if size is None else f"{size / MB:.1f} MB | {size / dropped:.0%}"
        print(f"| {name} | {figures} |")
        share = None if size is None else size / dropped
        megabytes = None if size is None else size / MB
        rows.append({"table": "returned", "step": name, "mb": megabytes, "share": share})
    return rows


if __name__ == "__main__":
    main()
