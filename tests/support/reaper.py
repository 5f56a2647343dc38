"""Ends the servers that a run of the tests leaves behind, even where a signal ended the run.

The run marks its environment, which all that it starts inherits. A process of its own waits for the
run to end, and then kills whoever still carries the mark.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress

import psutil

RUN = "PYTEST_RUN_MARK"
_SECONDS = 20


def pytest_configure() -> None:
    """Start the reaper, once a run; the workers of a run find its mark in the environment."""
    if RUN not in os.environ:
        os.environ[RUN] = uuid.uuid4().hex
        subprocess.Popen([sys.executable, __file__, str(os.getpid())], start_new_session=True)


def reap(pid: int, mark: str) -> None:
    """Wait until the process `pid` has ended, then kill all that carry the mark of its run."""
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait()
    end = time.monotonic() + _SECONDS
    while (left := _carrying(mark)) and time.monotonic() < end:
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(0.1)


def _carrying(mark: str) -> list[psutil.Process]:
    """Return the living processes with the mark, and their children, which may have lost it."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(RUN) == mark and process.pid != os.getpid():
                found |= {process, *process.children(recursive=True)}
    return [one for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    reap(int(sys.argv[1]), os.environ[RUN])
