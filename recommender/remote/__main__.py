"""The child process: reads one task from its input, does it, and reports on its output.

A task is one line of JSON, an object with "task", "address" and what else the function takes; the
address comes this way since everybody on the machine can read a command line. The output is a line
of JSON now and then, {"done": …, "of": …}, and at last {"result": …} or {"error": …}. The process
ends when whoever started it does, and by itself when nothing has moved for a while.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from recommender.core.address import Address, redact
from recommender.core.errors import MatineeError
from recommender.remote.fetching import fetch, fetch_shards

_SECONDS_BETWEEN_LINES = 0.25


class _Reporter:
    """Reports the progress, and ends the process when that has been the same for too long."""

    def __init__(self, address: Address, stall: float) -> None:
        self._address = address
        self._stall = stall
        self._moved = time.monotonic()
        self._reported, self._of = 0.0, 0
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    def progress(self, done: int, of: int) -> None:
        self._moved = now = time.monotonic()
        if now - self._reported > _SECONDS_BETWEEN_LINES or of != self._of or 0 < done == of:
            self._reported, self._of = now, of
            self.send(done=done, of=of)

    def send(self, **fields: Any) -> None:
        with self._lock:
            print(json.dumps(fields), flush=True)

    def _watch(self) -> None:
        while time.monotonic() - self._moved < self._stall:
            time.sleep(min(1.0, self._stall / 10))
        self.send(error=f"{self._address}: nothing came for {self._stall:g} s")
        os._exit(1)


def main() -> None:
    """Read a task from the standard input and do it; the last line of output has the result."""
    _grow_freely()
    task: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    address, folder = Address(task["address"]), Path(task["folder"])
    reporter = _Reporter(address, task["stall"])
    try:
        if task["task"] == "fetch":
            fetched = fetch(address, folder, reporter.progress, thoroughly=task["thoroughly"])
            reporter.send(result=dataclasses.asdict(fetched))
        else:
            fetch_shards(address, folder, task["version"], task["names"], reporter.progress)
            reporter.send(result=None)
    except MatineeError as error:
        reporter.send(error=str(error))
    except Exception as error:  # whatever it is, the bundle that is there goes on
        reporter.send(error=redact(f"{address}: {type(error).__name__}: {error}"))


def _grow_freely() -> None:
    """Lift the guard's limit, which is made for the process that started this one."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _end_with_parent() -> NoReturn:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    main()
