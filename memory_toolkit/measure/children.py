"""Detection of child processes, whose memory this process's own figures do not hold."""

from __future__ import annotations

import os
import sys

_had_children = False


def ended_children() -> int:
    """Return a count that rises whenever a child process has ended and was waited for.

    Off Unix it stays 0. Source: getrusage(2), the page faults of RUSAGE_CHILDREN.
    """
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt


def children_appeared() -> bool:
    """Tell if there is a child process now, though there was none when this was asked last.

    Source: waitid(2), which waits for none of them here.
    """
    global _had_children
    before, _had_children = _had_children, _has_children()
    return _had_children and not before


def _has_children() -> bool:
    if not hasattr(os, "waitid"):
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def _start_anew() -> None:
    """A forked process has no children."""
    global _had_children
    _had_children = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
