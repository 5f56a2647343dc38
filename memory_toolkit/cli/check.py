"""The command `check`: the limit that holds here, what is in use, can be measured, and fits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from memory_toolkit.guard.guard import FULL
from memory_toolkit.measure.limit import (
    LIMIT_VARIABLE,
    MACHINE,
    Limit,
    control_groups,
    memory_limit,
)
from memory_toolkit.measure.returning import return_memory
from memory_toolkit.measure.sizes import MB, format_bytes
from memory_toolkit.measure.snapshot import snapshot
from memory_toolkit.record.actions import action

_SIZES = ((256 * MB, "256 MB"), (512 * MB, "512 MB"), (1024 * MB, "1 GB"))
_FOOTPRINT = "recommender.app.footprint"
_SECONDS = 120.0
# As run.sh sets them: what they are decides how much the app's process takes.
_AS_SERVED = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}
_TRIAL_BLOCKS, _TRIAL_BLOCK, _TRIAL_KEPT = 20_000, 1000, 500


def check() -> Iterator[str]:
    """Yield the findings line by line, as they come; opening bundles takes some seconds each.

    Raises:
        ValueError: MATINEE_MEMORY_LIMIT is not a size.
    """
    now, limit = snapshot(), memory_limit()
    used = limit.used()
    yield _row("Limit", f"{format_bytes(limit.bytes)} ({limit.source})")
    if used is not None:
        free = f"{format_bytes(max(0, limit.bytes - used))} free"
        yield _row("In use under it", f"{format_bytes(used)}, {free}")
    kills = (
        "not known here" if now.oom_kills is None else f"{now.oom_kills} in this process's group"
    )
    yield _row("Killed for want of it", kills)
    pressure = "not known here"
    if now.pressure is not None:
        pressure = f"some task waited for memory {now.pressure:.1f}% of the last 10 s"
    yield _row("Pressure", pressure)
    yield ""
    yield "Where limits can be, the smallest counts; the variable wins over all:"
    yield from _places(limit)
    yield ""
    yield _row("Peaks of actions", _peaks())
    yield _row("Giving memory back", _returning())
    yield from _bundles(limit.bytes)


def _places(limit: Limit) -> Iterator[str]:
    yield _row(f"  {LIMIT_VARIABLE}", os.environ.get(LIMIT_VARIABLE, "").strip() or "not set")
    for group in control_groups():
        used = group.used()
        if used is None:  # the topmost group of some systems, or one without memory control
            continue
        most = group.limit()
        words = [
            "no limit" if most is None or most > 2**60 else f"limit {format_bytes(most)}",
            f"{format_bytes(used)} in use",
        ]
        kills = group.oom_kills()
        if kills:
            words.append(f"{kills} killed")
        yield f"  cgroup {group.version} {group.directory}: {', '.join(words)}"
    memory = psutil.virtual_memory()
    taken = format_bytes(memory.total - memory.available)
    yield f"  {MACHINE}: {format_bytes(memory.total)}, {taken} in use"


def _peaks() -> str:
    with action("trial") as trial:
        pass
    if trial.record.peak_source == "sampled":
        return "sampled 100 times a second, since the kernel's mark cannot be reset here"
    return "exact, from the kernel's own mark"


def _returning() -> str:
    """Report what a trial gave back: many blocks freed, a few left that hold the heap in place."""
    blocks = [bytes(_TRIAL_BLOCK) for _ in range(_TRIAL_BLOCKS)]
    kept = blocks[::_TRIAL_KEPT]
    planted = sum(map(len, blocks))
    del blocks
    returned = return_memory()
    del kept
    if returned.trimmed is None:
        return "garbage collection only: the C library cannot trim its heap here"
    given = f"a trial freed {format_bytes(planted)} and gave back {format_bytes(returned.total)}"
    return f"{given}; is another allocator preloaded?" if returned.total < planted // 2 else given


def _bundles(limit: int) -> Iterator[str]:
    """Tell if the bundle that the settings name fits, and the project's own if that is another.

    Measured in processes of their own; nothing where the recommender is not installed.
    """
    package = find_spec("recommender")
    if package is None or package.origin is None:
        return
    folder = Path(package.origin).parents[1]
    found = _footprint(folder)
    yield from _verdicts(found, limit)
    own = folder / "bundle"
    named = found if isinstance(found, str) else Path(found["bundle"]).resolve()
    if own.is_dir() and named != own.resolve():
        yield from _verdicts(_footprint(folder, own), limit)


def _footprint(folder: Path, *bundle: Path) -> dict[str, Any] | str:
    """Report the memory of a bundle, or why that is not known."""
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    try:
        done = subprocess.run(
            [sys.executable, "-m", _FOOTPRINT, *map(str, bundle)],
            env={**_AS_SERVED, **os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"the trial took longer than {_SECONDS:.0f} s"
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout)
        return found
    if done.returncode < 0:
        return f"the trial was ended by signal {-done.returncode}, most likely for want of memory"
    return (done.stderr.strip().splitlines() or ["the trial failed without a word"])[-1]


def _verdicts(found: dict[str, Any] | str, limit: int) -> Iterator[str]:
    yield ""
    if isinstance(found, str):
        yield _row("Bundle", found)
        return
    start, opened, peak, file = (
        format_bytes(found[key]) for key in ("start", "opened", "peak", "file")
    )
    yield f"Bundle {found['bundle']}, in a process like the app's, every question asked once:"
    yield f"  own memory {start} at start, {opened} opened, {peak} at most; {file} of file pages"
    for size, name in (*_SIZES, (limit, f"here, {format_bytes(limit)}")):
        spare = int(size * FULL) - found["peak"]
        verdict = (
            f"fits with {format_bytes(spare)} to spare for visitors"
            if spare >= 0
            else f"does not fit: {format_bytes(-spare)} too much"
        )
        yield _row(f"  {name}", verdict)
    yield f"  to spare is counted up to {FULL:.0%} of the limit, where the guard refuses"


def _row(name: str, value: str) -> str:
    return f"{name + ':':25}{value}"
