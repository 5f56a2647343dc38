"""The command `check`: the limit that holds here, what is in use, can be measured, and fits."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil

from memory_toolkit.cli.registered import Footprint, footprints, limit_variables
from memory_toolkit.guard.guard import FULL
from memory_toolkit.measure.limit import (
    LIMIT_VARIABLE,
    MACHINE,
    Limit,
    configure_memory_limit,
    control_groups,
    memory_limit,
    read_limit_variable,
)
from memory_toolkit.measure.returning import return_memory
from memory_toolkit.measure.sizes import MB, format_bytes
from memory_toolkit.measure.snapshot import snapshot
from memory_toolkit.record.actions import action

_SIZES = ((256 * MB, "256 MB"), (512 * MB, "512 MB"), (1024 * MB, "1 GB"))
_PEAK = 8 * MB
_SMALL_OBJECTS = 100_000
_TRIAL_BLOCKS, _TRIAL_BLOCK, _TRIAL_KEPT = 20_000, 1000, 500


def check() -> Iterator[str]:
    """Yield the findings line by line; what the host registered takes some seconds.

    Raises:
        ValueError: a variable that sets the limit is not a size of at least 1M.
    """
    for variable in limit_variables():
        if (configured := read_limit_variable(variable)) is not None:
            configure_memory_limit(configured, variable)
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
    again = "not known here" if limit.home is None else limit.home.refaults()
    yield _row("Read again so far", again if isinstance(again, str) else format_bytes(again or 0))
    yield ""
    yield "Where limits can be, the smallest counts; a variable wins over all:"
    yield from _places(limit)
    yield ""
    yield _row("Peaks of actions", _peaks())
    yield _row("Giving memory back", _returning())
    yield _row("  of small objects", _small_objects())
    for name, found in footprints():
        yield ""
        yield from _verdicts(name, found, limit.bytes)


def _places(limit: Limit) -> Iterator[str]:
    for variable in (*limit_variables(), LIMIT_VARIABLE):
        yield _row(f"  {variable}", os.environ.get(variable, "").strip() or "not set")
    for group in control_groups():
        used = group.used()
        if used is None:  # the topmost group of some systems, or one without memory control
            continue
        most = group.limit()
        words = [
            "no limit" if most is None or most > 2**60 else f"limit {format_bytes(most)}",
            f"{format_bytes(used)} in use",
        ]
        if (high := group.high()) is not None:
            words.insert(1, f"slowed down from {format_bytes(high)}")
        kills = group.oom_kills()
        if kills:
            words.append(f"{kills} killed")
        yield f"  cgroup {group.version} {group.directory}: {', '.join(words)}"
    memory = psutil.virtual_memory()
    taken = format_bytes(memory.total - memory.available)
    yield f"  {MACHINE}: {format_bytes(memory.total)}, {taken} in use"


def _peaks() -> str:
    """Report how near to the truth a planted peak was measured."""
    with action("trial") as trial:
        planted = b"x" * _PEAK
        del planted
    record = trial.record
    seen = format_bytes(record.peak - record.before)
    measured = f"a trial peak of {format_bytes(_PEAK)} was measured as {seen}"
    if record.peak_source == "sampled":
        reason = "sampled 100 times a second, since the kernel's mark cannot be reset here"
        return f"{reason}; {measured}"
    return f"exact, from the kernel's own mark; {measured}"


def _small_objects() -> str:
    """Report what a trial with small objects gave back, a few of which live on."""
    before = snapshot().own
    planted = [str(number) for number in range(_SMALL_OBJECTS)]
    kept = planted[::_TRIAL_KEPT]
    taken = snapshot().own - before
    del planted
    returned = return_memory()
    left = snapshot().own - before
    del kept
    given = f"a trial took {format_bytes(taken)} and gave back {format_bytes(taken - left)}"
    return f"{given}; {returned.advice}" if returned.advice else given


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


def _verdicts(name: str, found: Footprint | str, limit: int) -> Iterator[str]:
    if isinstance(found, str):
        yield _row(name, found)
        return
    start, opened, peak, file = map(format_bytes, found[1:])
    yield f"{name} {found.name}, in a process like the app's, every question asked once:"
    yield f"  own memory {start} at start, {opened} opened, {peak} at most; {file} of file pages"
    for size, words in (*_SIZES, (limit, f"here, {format_bytes(limit)}")):
        spare = int(size * FULL) - found.peak
        verdict = (
            f"fits with {format_bytes(spare)} to spare for visitors"
            if spare >= 0
            else f"does not fit: {format_bytes(-spare)} too much"
        )
        yield _row(f"  {words}", verdict)
    yield f"  to spare is counted up to {FULL:.0%} of the limit, where the guard refuses"


def _row(name: str, value: str) -> str:
    return f"{name + ':':25}{value}"
