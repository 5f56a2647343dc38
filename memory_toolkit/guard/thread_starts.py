"""Makes the start of a thread fail where it would wait for ever, for want of memory."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Any

_POLL_SECONDS = 0.05
_TASKS = "/proc/self/task"

_start = threading.Thread.start


def watch_starts() -> None:
    """Let `Thread.start` raise RuntimeError from now on when the new thread ended at once.

    A thread needs memory before it can say that it has started. When that is refused it ends, and
    CPython's `Thread.start`, called by an event loop for one, waits for it for ever. Linux only.
    """
    if os.path.isdir(_TASKS):
        threading.Thread.start = _watched_start  # type: ignore[method-assign, assignment]


def leave_starts() -> None:
    """Undo `watch_starts`."""
    threading.Thread.start = _start  # type: ignore[method-assign]


def _watched_start(thread: threading.Thread) -> None:
    internals: Any = thread
    try:
        if not internals._started.is_set():
            internals._started = _Started()
        _start(thread)
    except OSError as error:
        raise RuntimeError(f"can't start new thread: {error.strerror}") from None
    except RuntimeError:
        limbo: dict[threading.Thread, threading.Thread] = getattr(threading, "_limbo", {})
        limbo.pop(thread, None)
        raise


class _Started(threading.Event):
    """The event by which a thread says that it has started."""

    def __init__(self) -> None:
        super().__init__()
        self._before = _tasks()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait as an event does, but no longer than there is a thread that may set it."""
        if timeout is not None or self.is_set():
            return super().wait(timeout)
        born = _tasks() - self._before
        while not self.is_set():
            with suppress(MemoryError, OSError):
                super().wait(_POLL_SECONDS)
                born &= _tasks()
                if not born and not self.is_set():
                    raise RuntimeError("can't start new thread: too little memory")
        return True


def _tasks() -> set[str]:
    return set(os.listdir(_TASKS))
