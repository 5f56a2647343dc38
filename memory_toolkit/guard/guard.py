"""Keeps a process within its memory limit: who may begin when, and what is given up first."""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import ReferenceType, ref

from memory_toolkit.guard.admission import TOLERATED, Admission
from memory_toolkit.guard.evictable import evictables
from memory_toolkit.guard.usage import FULL, HIGH, SHEDDING, Level, Usage
from memory_toolkit.guard.watcher import TICK_SECONDS, Watcher
from memory_toolkit.measure.limit import Limit, memory_limit
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.returning import return_memory
from memory_toolkit.measure.sizes import MB, format_bytes
from memory_toolkit.measure.thrashing import Refaults, refaults
from memory_toolkit.record.flight_recorder import recorder

__all__ = ["DECISIONS", "FULL", "HIGH", "SHEDDING", "Busy", "Guard", "GuardState", "Level"]

DECISIONS = ("admitted", "waited", "shrunk", "shed", "refused", "memory_errors")
# Collecting stops all threads for a moment, so it is done rarely when it gives little.
SHED_SECONDS, FUTILE_SHED_SECONDS = 2.0, 30.0
FUTILE = 2 * MB
# One batch takes this share of the room that is left, since others have their batches too.
BATCH_SHARE = 0.25
# Names whose true need is remembered.
MAX_NAMES = 200

_log = logging.getLogger(__name__)


class Busy(Exception):  # noqa: N818 (it is no error, and reads as what people are told)
    """Too little memory is free for this action now; it may be tried again."""


@dataclass(frozen=True)
class GuardState:
    """State of a guard and its decisions so far.

    Attributes:
        limit, used: bytes; `used` is what all processes under the limit hold, where it is known,
            else this process's own memory.
        level: "ok", "high" from 70%, "shedding" from 80% and "full" from 95% of the limit.
        active, waiting: actions that run now, and that wait for memory.
        counts: how often each of `DECISIONS` was taken.
        refaults: pages that had to be read again lately, where that is known.
    """

    limit: int
    used: int
    level: Level
    active: int
    waiting: int
    counts: dict[str, int]
    refaults: Refaults | None = None


class Guard:
    """Admits actions as far as memory allows, and makes room when it runs short.

    An action names how much it needs at most. It begins at once when that fits under 95% of the
    limit beside what is used and what the actions already running may still take; else caches are
    shed and memory is returned, and it waits for others to end. When that does not help, or from
    95% on, it is refused with `Busy`. An action within another one takes from what that one said,
    as far as it goes, and does not wait for it.

    Once started, own memory cannot exceed 95% of the limit less what others hold: the kernel
    refuses what would (see `DataLimit`), with a MemoryError in whichever thread asks. So that this
    is seldom an innocent one, actions that took more than they said end in a MemoryError before,
    from 80% on, and what they took counts as their need the next time; it is halved each time they
    take less. Thread-safe; ``async with`` waits without holding up the event loop.

    There is one started guard in a process: `Guard` returns it, with the options that are given
    now. In a process that was forked it starts anew with the first action.

    Args:
        at_once: actions that may run at the same time; 0 is as many as fit.
        wait: seconds that an action waits for memory.
        shed: called, in this order, to give up caches.
        limit: finds the limit; it is asked again every ten seconds.

    Raises:
        ValueError: the limit that was set is not a size.
    """

    _usage: Usage
    _started: Guard | None = None
    _starting = threading.Lock()

    def __new__(cls, **_options: object) -> Guard:
        return Guard._started or super().__new__(cls)

    def __init__(
        self,
        *,
        at_once: int = 0,
        wait: float = 10.0,
        shed: Sequence[Callable[[], object]] = (),
        limit: Callable[[], Limit] = memory_limit,
    ) -> None:
        self.wait = wait
        self._at_once = at_once
        self._shed = tuple(shed)
        if self is Guard._started:
            self._usage.find_limit = limit
            return
        self._usage = Usage(limit)
        self._usage.needed = self._needed
        self._counts = dict.fromkeys(DECISIONS, 0)
        self._true_needs: dict[str, int] = {}
        self._next_shed = 0.0
        self._each_look: list[Callable[[], object]] = []
        self._reset()

    def _reset(self) -> None:
        """Set what belongs to the threads of this process; a forked one begins with it anew."""
        self._usage.reset()
        self._changed = threading.Condition()
        self._shedding = threading.Lock()
        # Weak, so that whatever happens to an action, it is gone when its ``with`` block is.
        self._admissions: dict[int, ReferenceType[Admission]] = {}
        self._used_before = 0  # when the first of them began
        self._waiting = 0
        self._watcher: Watcher | None = None

    # Watching

    @staticmethod
    def started() -> Guard | None:
        """Return the guard that watches this process, if there is one."""
        return Guard._started

    def start(self) -> None:
        """Watch the process from now on; when that is done already, once is enough.

        What is mapped and not touched now counts as never to be, so do it after large imports. If
        another thread has started a guard since this one was made, they are one from now on.
        """
        recorder()  # says what became of the process before
        with Guard._starting:
            if Guard._started is not None:
                self.__dict__ = Guard._started.__dict__
            if self._watcher is None:
                watcher = Watcher(self._usage, self._running, self.shed, self._looked)
                watcher.start()
                Guard._started, self._watcher = self, watcher

    def stop(self) -> None:
        """End the watching, and lift the ceiling."""
        with Guard._starting:
            if self._watcher is not None:
                self._watcher.stop()
                Guard._started = self._watcher = None

    @property
    def ledger(self) -> Path | None:
        """File that the processes under the limit share, once this one has started; see `Peers`."""
        return self._usage.ledger

    def on_look(self, call: Callable[[], object]) -> None:
        """Have `call` called when the guard looks, twice a second, in its thread."""
        self._each_look.append(call)

    def _is(self, other: Guard) -> bool:
        return self.__dict__ is other.__dict__

    def _looked(self) -> None:
        with self._changed:
            self._changed.notify_all()
        for call in self._each_look:
            call()

    # Deciding

    def admit(self, name: str, need: int) -> Admission:
        """Return a ``with`` or ``async with`` block for an action that takes `need` bytes at most.

        Raises:
            Busy: on entering, if there is too little memory now, and waiting did not help.
        """
        return Admission(self, name, need)

    def enter(self, one: Admission, deadline: float) -> None:
        """Let an action begin, or wait for that until `deadline`; `Admission` calls it."""
        started = Guard._started
        if started is not None and started._watcher is None and self._is(started):
            self.start()  # in a forked process
        one.need = max(one.declared, self._true_needs.get(one.name, 0))
        waited = False
        while not self.begin(one, waited=waited):
            # The lock is not held here: shedding takes a while, and what it frees helps others.
            if self._has_place(one) and not one.contested and self.shed():
                continue
            with self._changed:
                left = deadline - time.monotonic()
                if left <= 0 or not self.may_wait(one):
                    raise self.refused(one)
                waited = True
                self._waiting += 1
                self._changed.wait(min(TICK_SECONDS, left))
                self._waiting -= 1

    def begin(self, one: Admission, *, waited: bool) -> bool:
        """Let an action begin, if there is room for it now."""
        with self._changed:
            running, now = self._running(), read()
            used = self._usage.used(now)
            if not running:
                self._admissions.clear()
                self._used_before = used
            # Of what the actions around it said, so much at most was not taken yet.
            said = sum(outer.kept for outer in one.around())
            left = min(said, self._still_needed(used, running))
            kept, one.contested = max(0, one.need - left), False
            if not self._has_place(one) or one.need > self._room(used, running) + left:
                return False
            if not self._usage.claim(now, kept):
                one.contested = True
                return False
            one.begin(now.own, kept)
            self._admissions[id(one)] = ref(one)
            self._usage.settle()
            self._usage.data_limit.lend(sum(other.credit for other in [*running, one]))
            self._counts["admitted"] += 1
            self._counts["waited"] += waited
            if self._watcher is not None:
                self._watcher.wake()
            return True

    def _has_place(self, one: Admission) -> bool:
        return not self._at_once or one.outer is not None or len(self._running()) < self._at_once

    def refused(self, one: Admission) -> Busy:
        """Count and log that an action cannot begin; returns what to raise."""
        with self._changed:
            self._counts["refused"] += 1
        if (flight := recorder()) is not None:
            flight.note("refused", one.name, one.need)
        if not self._has_place(one):
            _log.warning("%s was refused: all %d slots are taken", one.name, self._at_once)
            return Busy(one.name)
        used, limit = self._usage.used(read()), self._usage.limit.bytes
        _log.warning(
            "%s was refused: it may need %s, and %s of %s are in use",
            *(one.name, format_bytes(one.need), format_bytes(used), format_bytes(limit)),
        )
        return Busy(one.name)

    def may_wait(self, one: Admission) -> bool:
        """Return whether it can help that others end, or give way, and memory comes back."""
        used, running, around = self._usage.used(read()), self._running(), one.around()
        if self._usage.level(used) == "full":
            return False
        if self._has_place(one) and one.need <= self._room(used, running):
            return True  # other processes may come to hold it, and are asked to give way
        if all(other in around for other in running):
            return False
        return one.need <= self._usage.up_to(FULL) - self._used_before

    def recover(self, one: Admission, error: MemoryError) -> None:
        """Make room after an action took more than there is, and remember how much it took."""
        if self._watcher is not None:
            self._watcher.note_trouble()
        if (flight := recorder()) is not None:
            flight.note("memory error", one.name, one.need)
        with suppress(MemoryError):
            excess = one.taken or one.touched()
            if not excess and self._running() == [one]:
                excess = one.grown(read().own)
            if excess > TOLERATED:
                # No more than half, so that what could not begin at all is tried again.
                most = max(one.declared, self._usage.up_to(FULL) // 2)
                self._true_needs[one.name] = min(one.need + excess, most)
            # What the action held is still in its frames.
            traceback.clear_frames(error.__traceback__)
            with self._changed:
                self._counts["memory_errors"] += 1
                while len(self._true_needs) > MAX_NAMES:
                    del self._true_needs[next(iter(self._true_needs))]
            _log.warning("%s took more memory than there is", one.name)

    def leave(self, one: Admission, *, well: bool) -> None:
        """Note that an action has ended; `well` is whether it had the memory it wanted."""
        with self._changed:
            self._admissions.pop(id(one), None)
            self._usage.data_limit.lend(sum(other.credit for other in self._running()))
            if well and one.need > one.declared:
                self._true_needs[one.name] = one.need // 2
                if one.need // 2 <= one.declared:
                    del self._true_needs[one.name]
            self._changed.notify_all()

    def _running(self) -> list[Admission]:
        """The actions that run now; may be called without the lock."""
        found = [admission() for admission in list(self._admissions.values())]
        return [one for one in found if one is not None]

    def batch(self, rows: int, row_bytes: int) -> int:
        """Return how many of `rows` to take at once, each of `row_bytes`; at least one."""
        fitting = max(1, int(self.room() * BATCH_SHARE) // max(1, row_bytes))
        if fitting < rows:
            with self._changed:
                self._counts["shrunk"] += 1
        return min(rows, fitting)

    def room(self) -> int:
        """Return the bytes that may still be taken: up to 95% of the limit, less what others may.

        What was taken since the first of the actions now running began counts as taken by them.
        """
        return self._room(self._usage.used(read()), self._running())

    def _room(self, used: int, running: list[Admission]) -> int:
        return self._usage.up_to(FULL) - used - self._still_needed(used, running)

    def _needed(self, own: int) -> int:
        """Bytes that the actions that run may still take, when the process holds `own` now."""
        running = self._running()
        taken = own - min((one.lowest for one in running), default=own)
        return max(0, sum(one.kept for one in running) - max(0, taken))

    def _still_needed(self, used: int, running: list[Admission]) -> int:
        taken = max(0, used - self._used_before)
        return max(0, sum(one.kept for one in running) - taken)

    def state(self) -> GuardState:
        """Return what the guard sees now."""
        used = self._usage.used(read())
        with self._changed:
            return GuardState(
                limit=self._usage.limit.bytes,
                used=used,
                level=self._usage.level(used),
                active=len(self._running()),
                waiting=self._waiting,
                counts=dict(self._counts),
                refaults=refaults(self._usage.limit),
            )

    # Making room

    def shed(self) -> bool:
        """Give up caches and return memory, unless that was done a moment ago.

        When it was, or gave little back, something goes that was loaded lazily and is not in use.
        True if something worth while came back.
        """
        if not self._shedding.acquire(blocking=False):
            return False
        try:
            freed = time.monotonic() >= self._next_shed and self._give_up_caches()
            return freed or any(one.evict() for one in list(evictables))
        finally:
            self._shedding.release()

    def _give_up_caches(self) -> bool:
        before = read().own
        for give_up in self._shed:
            try:
                give_up()
            except Exception:  # the other caches can still be given up
                _log.exception("a cache could not be given up")
        return_memory()
        freed = before - read().own
        futile = freed < FUTILE
        self._next_shed = time.monotonic() + (FUTILE_SHED_SECONDS if futile else SHED_SECONDS)
        with self._changed:
            self._counts["shed"] += 1
            self._changed.notify_all()
        _log.info("shed caches and returned memory: %s", format_bytes(freed))
        return not futile


def started_guard() -> Guard | None:
    """Return the guard that was started in this process, if one was."""
    return Guard._started


def _start_anew() -> None:
    """In a forked process: its threads are gone, and others may have held the locks."""
    Guard._starting = threading.Lock()
    if Guard._started is not None:
        Guard._started._reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
