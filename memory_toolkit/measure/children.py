"""Detection of child processes, whose memory this process's own figures do not hold."""

from __future__ import annotations

import os
import sys
import time

from memory_toolkit.measure.processes import process_tree

_had_children = False


def ended_children() -> int:
    """Return a count that rises whenever a child process has ended and was waited for.

    Off Unix it stays 0. Source: getrusage(2), the page faults of RUSAGE_CHILDREN.
    """
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt


def children_started(seconds: float) -> bool:
    """Tell if a child process that runs now was started in the last `seconds`; False off Linux.

    That costs 1 µs; more only when there is one now, and there was none when this was asked last.
    Source: waitid(2), which waits for none of them here, and proc(5), /proc/PID/stat.
    """
    global _had_children
    before, _had_children = _had_children, _has_children()
    if before or not _had_children or sys.platform != "linux":
        return False
    ticks = os.sysconf("SC_CLK_TCK")
    since = (time.clock_gettime(time.CLOCK_BOOTTIME) - seconds) * ticks - 1
    return any(_start_tick(pid) >= since for pid in process_tree(os.getpid())[1:])


def _has_children() -> bool:
    if not hasattr(os, "waitid"):
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def _start_tick(pid: int) -> int:
    """Return when a process was started, in clock ticks since the boot; 0 if it has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except OSError:
        return 0


def _start_anew() -> None:
    """A forked process has no children."""
    global _had_children
    _had_children = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
