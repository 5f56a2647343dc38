"""Timeline of what the process held over the last minutes."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import NamedTuple

from memory_toolkit.measure.reading import read

SECONDS_KEPT = 600
_SECONDS_APART = 1.0


class Point(NamedTuple):
    """The memory at one moment: `time` in seconds since the epoch, `own` and `file` in bytes.

    `file` is None where the system does not tell it.
    """

    time: float
    own: int
    file: int | None


class Timeline:
    """Notes the process's memory once a second and keeps the last ten minutes (some 100 KB).

    A peak between two notes is missed here; the actions' own records have it. Thread-safe.

    Args:
        seconds_apart: how long it waits between two notes.
    """

    def __init__(self, seconds_apart: float = _SECONDS_APART) -> None:
        self._seconds_apart = seconds_apart
        self._points: deque[Point] = deque(maxlen=int(SECONDS_KEPT / seconds_apart))
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Note from now on; when that is done already, or after a fork, once is enough."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stopped.clear()
                self._thread = threading.Thread(target=self._run, name="timeline", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Note no more, and keep what was noted."""
        with self._lock:
            if self._thread is not None:
                self._stopped.set()
                self._thread.join()
                self._thread = None

    def points(self) -> list[Point]:
        """Return the points of the last ten minutes, oldest first."""
        return list(self._points)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._note()
            self._stopped.wait(self._seconds_apart)

    def _note(self) -> None:
        now = read()
        self._points.append(Point(time.time(), now.own, now.file))
