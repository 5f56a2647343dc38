"""The functions of the original guide, and which lines and objects hold the memory."""

from __future__ import annotations

import functools
import gc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from memory_toolkit.measure.sizes import format_bytes
from memory_toolkit.measure.snapshot import snapshot
from memory_toolkit.record.actions import action

P = ParamSpec("P")
R = TypeVar("R")


def memory_profiler(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: print RSS before and after each call, the change, the peak, and the time it took.

    The peak is of own memory, with how it is known (see `ActionRecord`). Each call is also recorded
    as an action, under the function's name.
    """

    @functools.wraps(function)
    def profiled(*args: P.args, **kwargs: P.kwargs) -> R:
        call = action(function.__name__)
        try:
            with call:
                return function(*args, **kwargs)
        finally:
            record = call.record
            before, after = record.rss_before, record.rss_after
            peak = format_bytes(record.peak - record.before, signed=True)
            children = ", without its child processes" if record.children else ""
            print(
                f"{call.name}: {format_bytes(before)} before, {format_bytes(after)} after, "
                f"{format_bytes(after - before, signed=True)}, {peak} of own memory at its peak "
                f"({record.peak_source}{children}), {record.duration:.3f} s"
            )

    return profiled


def print_memory_usage(label: str) -> None:
    """Print RSS and own memory now, and the limit, after `label`."""
    now = snapshot()
    print(
        f"{label}: {format_bytes(now.rss)} RSS, {format_bytes(now.own)} own "
        f"of {format_bytes(now.limit)} ({now.limit_source})"
    )


def start_memory_tracking() -> None:
    """Note which line makes each allocation from now on, for `show_top_memory_usage`.

    Code that makes many small objects takes up to ten times longer meanwhile;
    `stop_memory_tracking` ends it. Source: tracemalloc, one frame.
    """
    import tracemalloc

    tracemalloc.start(1)


def stop_memory_tracking() -> None:
    """End the tracking, and give back what its notes took."""
    import tracemalloc

    tracemalloc.stop()


def is_tracking() -> bool:
    """Tell if the lines of allocations are noted now."""
    import tracemalloc

    return tracemalloc.is_tracing()


@dataclass(frozen=True)
class Line:
    """A line of code, and what it allocated since the tracking began and nobody has freed."""

    place: str
    size: int
    blocks: int


def top_lines(limit: int = 10) -> list[Line]:
    """The `limit` lines of code that hold the most memory; none unless tracking is on."""
    import tracemalloc

    if not tracemalloc.is_tracing():
        return []
    statistics = tracemalloc.take_snapshot().statistics("lineno")[:limit]
    return [
        Line(f"{line.traceback[0].filename}:{line.traceback[0].lineno}", line.size, line.count)
        for line in statistics
    ]


def show_top_memory_usage(limit: int = 10) -> None:
    """Print the `limit` lines of code that hold the most memory, or how to start the tracking."""
    if not is_tracking():
        print("Memory tracking is off: call start_memory_tracking() before the code to look at.")
        return
    for line in top_lines(limit):
        print(f"{line.place}: {format_bytes(line.size)}")


def count_objects(limit: int = 10) -> list[tuple[str, int]]:
    """Count the objects of each type that the garbage collector knows: the `limit` most frequent.

    It does not follow what cannot be part of a circle: numbers, strings, bytes. Source:
    gc.get_objects.
    """
    counts = Counter(type(item) for item in gc.get_objects())
    return [
        (f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."), count)
        for kind, count in counts.most_common(limit)
    ]
