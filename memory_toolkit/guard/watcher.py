"""The thread that watches for a guard: it keeps the ceiling, sheds in time, and ends actions."""

from __future__ import annotations

import ctypes
import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from memory_toolkit.guard.admission import TOLERATED, Admission
from memory_toolkit.guard.interrupting import interrupt
from memory_toolkit.guard.message_sends import MESSAGE_SENDS
from memory_toolkit.guard.script_starts import SCRIPT_STARTS
from memory_toolkit.guard.socket_reads import SOCKET_READS
from memory_toolkit.guard.thread_starts import leave_starts, watch_starts
from memory_toolkit.guard.usage import Usage
from memory_toolkit.measure.reading import Reading, read
from memory_toolkit.measure.returning import return_memory
from memory_toolkit.measure.thrashing import refaults

# From here on actions that took more than they said are ended. What lies between this and the
# ceiling is what they may still take until that happens.
INTERRUPTING = 0.80
# Between two looks. While actions run they must be frequent: the system hands out some 2 MB in a
# millisecond. So must Python's switches between threads, each of which takes 5 ms by default.
TICK_SECONDS, BUSY_TICK_SECONDS = 0.5, 0.003
# The same, of what others under the limit hold, while actions run here: it may change quickly.
SHARED_TICK_SECONDS = 0.1
SWITCH_SECONDS = 0.0005
# Interrupted actions get so long to stop taking memory before others are interrupted.
INTERRUPTED_SECONDS = 0.5
# A forked process waits so long at most for its part of the limit.
JOIN_SECONDS = 10 * TICK_SECONDS
# So long after a MemoryError things are not calm.
TROUBLE_SECONDS = 1.0
# By then an error for want of memory has been handled, and with it goes what it held.
HANDLED_SECONDS = 0.3

# What otherwise does not outlive a moment without memory.
_PATCHES = (SOCKET_READS, SCRIPT_STARTS, MESSAGE_SENDS)

_log = logging.getLogger(__name__)


class Watcher:
    """Watches from `start` to `stop`.

    Args:
        usage: what is in use, and the ceiling.
        running: tells which actions run now; called without a lock.
        shed: gives up caches and returns memory.
        looked: called after each of the rarer looks, for those who wait for memory.
    """

    def __init__(
        self,
        usage: Usage,
        running: Callable[[], Sequence[Admission]],
        shed: Callable[[], object],
        looked: Callable[[], object],
    ) -> None:
        self._usage = usage
        self._running = running
        self._shed = shed
        self._looked = looked
        self._busy, self._short = threading.Event(), threading.Event()
        self._joined, self._stopped = threading.Event(), threading.Event()
        self._interrupted_at = self._pending_until = 0.0
        self._reach_then = 0
        self._thrashing = self._reclaiming = False
        self._trouble_at = -TROUBLE_SECONDS
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._watch, "memory guard"), (self._shed_when_short, "shedding"))
        ]

    def start(self) -> None:
        """Begin; a forked process waits until the others have made room for it."""
        _load_what_ends_threads()
        self._switch_seconds = sys.getswitchinterval()
        sys.setswitchinterval(min(SWITCH_SECONDS, self._switch_seconds))
        # Before the ceiling is set: a thread that gets no memory never says that it has started.
        for thread in self._threads:
            thread.start()
        watch_starts(self._allow_thread)
        for patch in _PATCHES:
            patch.put()
        deadline = time.monotonic() + JOIN_SECONDS
        while not self._usage.set_ceiling(read(), calm=True, joining=True):
            if time.monotonic() > deadline:
                break
            time.sleep(TICK_SECONDS / 10)
        self._joined.set()

    def stop(self) -> None:
        """End, and lift the ceiling."""
        for event in (self._stopped, self._joined, self._busy, self._short):
            event.set()
        for thread in self._threads:
            thread.join()
        self._usage.lift_ceiling()
        leave_starts()
        for patch in _PATCHES:
            patch.take_away()
        sys.setswitchinterval(self._switch_seconds)

    def wake(self) -> None:
        """Look more often now, since an action has begun."""
        self._busy.set()

    def note_trouble(self) -> None:
        """Note that memory was refused to somebody; what it held is returned soon."""
        self._trouble_at = time.monotonic()
        self._reclaim()

    def _reclaim(self) -> None:
        """Have that memory returned soon which was held by what had too little of it.

        It is garbage once its error has been handled, and until that is collected no thread may
        find room to start.
        """
        self._reclaiming = True
        self._short.set()

    def _allow_thread(self) -> None:
        """Let a thread start that found no room, if there is some: the heaps have mapped it."""
        with suppress(MemoryError, OSError):
            if self._running() or not self._usage.data_limit.allow_little(read()):
                self._reclaim()

    def _watch(self) -> None:
        next_look = 0.0
        self._joined.wait()
        while not self._stopped.is_set():
            try:
                if time.monotonic() >= next_look:
                    self._look()
                    hurry = self._usage.shared and self._running()
                    next_look = time.monotonic() + (SHARED_TICK_SECONDS if hurry else TICK_SECONDS)
                self._interrupt_if_needed()
            except (MemoryError, OSError, RuntimeError, ValueError):  # the next look may go better
                with suppress(MemoryError):
                    _log.warning("the memory guard could not look", exc_info=True)
            self._busy.clear()
            if self._running() or self._busy.wait(TICK_SECONDS):
                # Looking at an action that has just begun would only hold it up.
                self._stopped.wait(BUSY_TICK_SECONDS)

    def _look(self) -> None:
        usage = self._usage
        usage.look_for_limit()
        now = read()
        running = self._running()
        needs = sum(one.credit for one in running)
        usage.set_ceiling(now, calm=self._is_calm(now.own, running), needs=needs)
        if self._is_short(now):
            # In a thread of its own, since the watching must go on meanwhile.
            self._short.set()
        self._look_for_thrashing()
        self._looked()

    def _look_for_thrashing(self) -> None:
        """Log where it begins and ends; what the caches hold would not be enough to end it."""
        found = refaults(self._usage.limit)
        thrashing = found is not None and found.thrashing
        if found is not None and thrashing and not self._thrashing:
            _log.warning("thrashing: %s", found.advice)
        elif self._thrashing and not thrashing:
            _log.info("the files that are in use fit into memory again")
        self._thrashing = thrashing

    def _is_calm(self, own: int, running: Sequence[Admission]) -> bool:
        if time.monotonic() - self._trouble_at < TROUBLE_SECONDS:
            return False
        return all(one.grown(own) <= TOLERATED for one in running)

    def _shed_when_short(self) -> None:
        while self._short.wait() and not self._stopped.is_set():
            self._short.clear()
            with suppress(MemoryError):
                if self._reclaiming:
                    self._stopped.wait(HANDLED_SECONDS)
                    self._reclaiming = False
                    return_memory()
                if self._is_short(read()):
                    self._shed()

    def _is_short(self, now: Reading) -> bool:
        return self._usage.level(self._usage.used(now)) in ("shedding", "full")

    def _interrupt_if_needed(self) -> None:
        """End the actions that took most beyond what they said, when memory is filled by them.

        As many as it takes to come below the bound again. Without the lock that others wait for:
        every millisecond counts here.
        """
        now, running = read(), self._running()
        for one in running:
            one.lowest = min(one.lowest, now.own)
        reach = self._reach(now, running)
        beyond = reach - self._usage.up_to(INTERRUPTING)
        if beyond < 0:
            return
        seconds = time.monotonic()
        if any(one.interrupted for one in running):
            # What it took may go a moment after it has ended.
            self._pending_until = seconds + INTERRUPTED_SECONDS
        pending = seconds < self._pending_until
        recent = pending and seconds - self._interrupted_at < INTERRUPTED_SECONDS
        if recent:
            self._reach_then = max(self._reach_then, reach)
        elif pending and reach <= self._reach_then + TOLERATED:
            # While nobody takes more, it is only slow: a million objects take a second to free.
            return
        suspects = [
            (one.touched(), one.grown(now.own), one)
            for one in running
            if one.may_interrupt and not one.interrupted and one.grown(now.own) > TOLERATED
        ]
        for touched, grown, worst in sorted(suspects, key=lambda found: found[:2], reverse=True):
            if beyond < 0 or (recent and not touched):  # it may be innocent
                break
            taken = min(touched, grown) or grown
            if self._interrupt(worst, taken):
                self._interrupted_at, self._reach_then, recent = seconds, reach, True
                # Even if it has ended by the next look: freeing goes on.
                self._pending_until = seconds + INTERRUPTED_SECONDS
                beyond -= taken

    def _reach(self, now: Reading, running: Sequence[Admission]) -> int:
        """Return the bytes that can come to be in use; no credit while an action takes too much."""
        usage = self._usage
        if usage.data_limit.credit and any(one.grown(now.own) > TOLERATED for one in running):
            usage.set_ceiling(now, calm=False)
        return usage.reach(now)

    @staticmethod
    def _interrupt(one: Admission, taken: int) -> bool:
        with one.gate:
            if not one.ended:
                one.interrupted, one.taken = True, taken
                interrupt(one.thread)
        return one.interrupted


def _load_what_ends_threads() -> None:
    """Load the library by which glibc ends a thread; without it, it ends the process.

    glibc loads it when a thread first ends, which may be when there is no memory for it. Source:
    glibc, pthread_exit.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            ctypes.CDLL("libgcc_s.so.1")
