"""Thrashing: pages that are in use do not fit, so that they are given up and read again and again.

Nobody is killed by it, and everything waits for the disk. Own memory does not show it, since the
pages are those of mapped files. Source: the kernel's documentation of cgroup v1 and v2 memory,
workingset_refault; of a whole machine, the same in /proc/vmstat.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from dataclasses import dataclass

from memory_toolkit.measure.limit import Group, Limit, read_refaults
from memory_toolkit.measure.sizes import format_bytes

# It is thrashing when each second so much of the limit is read again, over so many seconds.
THRASHING_SHARE, WINDOW_SECONDS = 0.01, 10.0
# A shorter burst tells nothing; counts are this far apart.
_LEAST_SECONDS, _APART_SECONDS = 3.0, 1.0


@dataclass(frozen=True)
class Refaults:
    """Pages that were given up for want of memory, and then read again because they were in use.

    Attributes:
        per_second: bytes of them a second, over the last `WINDOW_SECONDS`.
        thrashing: whether that is so much that everything waits for them.
    """

    per_second: int
    thrashing: bool

    @property
    def advice(self) -> str:
        """One sentence on what is wrong and what to do, for logs and health checks."""
        return (
            f"the files that are mapped and in use do not fit beside the memory that is held: "
            f"{format_bytes(self.per_second)} are read again each second; "
            "map smaller files, such as a smaller model, hold less, or raise the limit"
        )


class RefaultMeter:
    """Tells the rate of refaults from counts some seconds apart; thread-safe.

    Args:
        group: the group whose refaults count; None is the whole machine.
    """

    def __init__(self, group: Group | None = None) -> None:
        self.group = group
        self._lock = threading.Lock()
        self._counts: deque[tuple[float, int]] = deque()

    def look(self, limit: int, now: float | None = None) -> Refaults | None:
        """Count, unless that was done a moment ago, and return what is known of the last seconds.

        None when the system does not count them, or the first count is too near. Whoever wants to
        know calls this every few seconds.

        Args:
            limit: bytes that the processes may hold.
            now: seconds by a clock that only goes forward; by default `time.monotonic`.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            if not self._counts or now - self._counts[-1][0] >= _APART_SECONDS:
                count = self.group.refaults() if self.group else read_refaults("/proc/vmstat")
                if count is None:
                    return None
                self._counts.append((now, count))
                # One from before the window stays, so that the whole of it is known.
                while len(self._counts) > 2 and now - self._counts[1][0] >= WINDOW_SECONDS:
                    self._counts.popleft()
            (first, before), (last, after) = self._counts[0], self._counts[-1]
        # After a pause an old count would spread a burst of now over all of it.
        if not _LEAST_SECONDS <= last - first <= 3 * WINDOW_SECONDS:
            return None
        rate = int((after - before) / (last - first))
        return Refaults(rate, rate >= THRASHING_SHARE * limit)


_meter = RefaultMeter()


def _start_anew() -> None:
    """In a forked process: another thread may have held the lock."""
    global _meter
    _meter = RefaultMeter(_meter.group)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


def refaults(limit: Limit) -> Refaults | None:
    """Return how many pages the group of this process had to read again lately; see `RefaultMeter`.

    A guard that is started asks twice a second, so that everybody else gets an answer at once.
    """
    global _meter
    if _meter.group != limit.home:
        _meter = RefaultMeter(limit.home)
    return _meter.look(limit.bytes)
