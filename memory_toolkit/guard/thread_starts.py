"""Makes the start of a thread fail where it would wait for ever, for want of memory."""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from memory_toolkit.guard.admission import in_event_loop

_POLL_SECONDS = 0.01
# It is tried again for so long; in an event loop, which answers nobody meanwhile, for a moment.
_RETRY_SECONDS, _LOOP_RETRY_SECONDS = 1.0, 0.05

_start = threading.Thread.start
_failed: Callable[[], object] = lambda: None  # noqa: E731  what is called when one did not start


class ThreadStartError(RuntimeError, MemoryError):
    """A thread found no memory to start with."""


def watch_starts(failed: Callable[[], object] = lambda: None) -> None:
    """Let `Thread.start` raise `ThreadStartError` from now on when the new thread ended at once.

    A thread needs memory before it can say that it has started. When that is refused it ends, and
    CPython's `Thread.start`, called by an event loop for one, waits for it for ever. Since whoever
    holds the memory is about to end, it is tried again for a moment. CPython only.

    Args:
        failed: called each time when one found no memory to start with.
    """
    global _failed
    _failed = failed
    if sys.implementation.name == "cpython":
        threading.Thread.start = _watched_start  # type: ignore[method-assign, assignment]


def leave_starts() -> None:
    """Undo `watch_starts`."""
    threading.Thread.start = _start  # type: ignore[method-assign]


def _watched_start(thread: threading.Thread) -> None:
    deadline = time.monotonic() + (_LOOP_RETRY_SECONDS if in_event_loop() else _RETRY_SECONDS)
    while True:
        try:
            _start_once(thread)
            return
        except ThreadStartError:
            _failed()
            if thread.ident is not None or time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_SECONDS)


def _start_once(thread: threading.Thread) -> None:
    internals: Any = thread
    try:
        if not internals._started.is_set():
            internals._started = _Started(thread)
        _start(thread)
    except RuntimeError as error:
        limbo: dict[threading.Thread, threading.Thread] = getattr(threading, "_limbo", {})
        limbo.pop(thread, None)
        if internals._started.is_set():
            raise
        raise ThreadStartError(*error.args) from None
    finally:
        internals.__dict__.pop("_bootstrap", None)


class _Started(threading.Event):
    """The event by which a thread says that it has started.

    The interpreter holds the thread's first function for as long as the thread lives. So a function
    of this thread's own tells, without any memory, whether there is still a thread to wait for.
    """

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__()
        internals: Any = thread
        internals._bootstrap = (
            internals._bootstrap
        )  # a bound method, until `start` has passed it on
        self._function = weakref.ref(internals._bootstrap)
        self._attributes = thread.__dict__

    def wait(self, timeout: float | None = None) -> bool:
        """Wait as an event does, but no longer than there is a thread that may set it."""
        if timeout is not None or self.is_set():
            return super().wait(timeout)
        self._attributes.pop("_bootstrap", None)
        while not self.is_set():
            try:
                super().wait(_POLL_SECONDS)
            except MemoryError:
                time.sleep(_POLL_SECONDS)
            if self._function() is None and not self.is_set():
                raise ThreadStartError("can't start new thread: too little memory")
        return True
