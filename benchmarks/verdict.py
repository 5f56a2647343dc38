"""How a benchmark with visitors ends: what went wrong, in sentences, and the exit status."""

from __future__ import annotations

import sys
from typing import NoReturn

from soak_server import Server
from soak_visitor import Log


def troubles(server: Server, log: Log) -> list[str]:
    """What visitors and the kernel had to complain of, as long as `server` should be running."""
    found = [f"{count} × {error}" for error, count in log.errors.items()]
    if kills := server.box.oom_kills():
        found.append(f"the kernel killed {kills} processes for want of memory")
    if server.process.poll() is not None:
        found.append(f"the server ended, exit code {server.process.returncode}")
    return found


def print_clicks(log: Log) -> None:
    """Print how many clicks there were, and how many errors."""
    clicks = sum(map(len, log.seconds.values()))
    print(f"\n{clicks} clicks, {log.errors.total()} errors")


def conclude(failures: list[str]) -> NoReturn:
    """Print `failures`, and end with status 1 if there are any."""
    print("\n".join(f"FAILED: {failure}" for failure in failures) or "All well.")
    sys.exit(bool(failures))
