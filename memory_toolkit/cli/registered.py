"""Find what applications registered for `check`: a module that measures them, and a setting.

A distribution registers by an entry point of the group `GROUP`: its name is the word for what is
measured ("Bundle"), its value the module to run. Nothing of it is imported here::

    python -m MODULE             print one JSON object: the fields of `Footprint`
    python -m MODULE --others    print what else can be measured, one a line; most often nothing
    python -m MODULE OTHER       print the object of one of those

A module that cannot measure ends with an exit status and one line on standard error.

An entry point of the group `LIMIT_GROUP` is named as the environment variable that sets the
application's memory limit, and its value is the module that reads it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import NamedTuple

GROUP, LIMIT_GROUP = "debug_memory.checks", "debug_memory.limit_variables"
_SECONDS = 120.0


class Footprint(NamedTuple):
    """Bytes of own memory: at the start, with the data opened, and at most; and of file pages."""

    name: str
    start: int
    opened: int
    peak: int
    file: int


def limit_variables() -> list[str]:
    """Return the names of the applications' environment variables that set a memory limit."""
    return sorted({registered.name for registered in entry_points(group=LIMIT_GROUP)})


def footprints() -> Iterator[tuple[str, Footprint | str]]:
    """Yield the entry point's name and what was measured, or in one line why that is not known."""
    for registered in entry_points(group=GROUP):
        yield registered.name, _measure(registered.value)
        status, others = _run(registered.value, "--others")
        for other in others.splitlines() if status == 0 else ():
            if other:
                yield registered.name, _measure(registered.value, other)


def _measure(module: str, *arguments: str) -> Footprint | str:
    status, text = _run(module, *arguments)
    if status != 0:
        return text
    try:
        return Footprint(**json.loads(text))
    except (TypeError, ValueError):
        return f"{module} printed something else than a footprint"


def _run(module: str, *arguments: str) -> tuple[int, str]:
    """Return 0 and what the module printed, or another status and one line that says why."""
    # It finds what this process finds, which may be a script beside the module.
    path = os.pathsep.join(sys.path)
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return 1, f"the trial took longer than {_SECONDS:.0f} s"
    if done.returncode < 0:
        signal = -done.returncode
        return 1, f"the trial was ended by signal {signal}, most likely for want of memory"
    if done.returncode > 0:
        return 1, (done.stderr.strip().splitlines() or ["the trial failed without a word"])[-1]
    return 0, done.stdout
