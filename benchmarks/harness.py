"""Shared by the benchmarks: recorded commands, made-up data sets, the end of a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from benchmarks import make_ratings
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.recorder import Recording, record
from tests.support.server import Server
from tests.support.visitor import Log


def recorded(*command: str, **options: Any) -> Recording:
    """Run `command` under `memory_toolkit.record.record` and return the recording.

    A signal that asks this process to end goes to the command instead, so this process ends when
    the command has ended.
    """
    recording = record(command, **options)
    if recording.asked:
        sys.exit(128 + recording.asked[-1])
    return recording


def make_up(ratings: int, folder: Path) -> int:
    """Make a data set of about `ratings` ratings in `folder`; return the number it got."""
    command = [sys.executable, make_ratings.__file__, "--ratings", str(ratings)]
    subprocess.run([*command, "--out", str(folder)], stderr=subprocess.DEVNULL, check=True)
    with open(folder / "ratings.csv", "rb") as content:
        lines = sum(block.count(b"\n") for block in iter(lambda: content.read(1 << 20), b""))
    return lines - 1


def figures(log: Log, most: int) -> dict[str, str | float]:
    """Return what visitors got, times in milliseconds, and own memory at most, of bytes, in MB."""
    times = [1000 * second for found in log.seconds.values() for second in found]
    p50, p95, p99 = np.percentile(times or [0.0], (50, 95, 99)).tolist()
    refused = sum(count.total() for count in log.refused.values())
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99} | {
        "refused": refused,
        "errors": log.errors.total(),
        "own_mb": most / MB,
    }


def troubles(server: Server, log: Log) -> list[str]:
    """Return what went wrong for visitors and the kernel while `server` should be running."""
    problems = [f"{count} × {error}" for error, count in log.errors.items()]
    if kills := server.box.oom_kills():
        problems.append(f"the kernel killed {kills} processes for want of memory")
    if server.process.poll() is not None:
        problems.append(f"the server ended, exit code {server.process.returncode}")
    return problems


def conclude(failures: list[str], log: Log | None = None) -> NoReturn:
    """Print clicks, errors and `failures`, and end with status 1 if there are failures."""
    if log is not None:
        print(f"\n{sum(map(len, log.seconds.values()))} clicks, {log.errors.total()} errors")
    print("\n".join(f"FAILED: {failure}" for failure in failures) or "All well.")
    sys.exit(bool(failures))
