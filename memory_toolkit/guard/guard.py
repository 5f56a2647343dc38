"""Keeps a process within its memory limit: who may begin when, and what is given up first."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from weakref import ReferenceType, ref

from memory_toolkit.guard.data_limit import DataLimit
from memory_toolkit.guard.interrupting import interrupt, take_back
from memory_toolkit.measure.limit import Limit, memory_limit
from memory_toolkit.measure.reading import Reading, read, touched, touched_here
from memory_toolkit.measure.returning import return_memory
from memory_toolkit.measure.sizes import MB, format_bytes

# Shares of the limit. Dask's workers pause at .80, too, and end at .95.
HIGH, SHEDDING, FULL = 0.70, 0.80, 0.95
# From here on an action that took more than it said is ended. What lies between this and the limit
# is what it may still take until that happens.
INTERRUPTING = 0.80
Level = Literal["ok", "high", "shedding", "full"]
DECISIONS = ("admitted", "waited", "shrunk", "shed", "refused", "memory_errors")

# Between two looks. While actions run they must be frequent: the system hands out some 2 MB in a
# millisecond. So must Python's switches between threads, each of which takes 5 ms by default.
TICK_SECONDS, BUSY_TICK_SECONDS = 0.5, 0.003
SWITCH_SECONDS = 0.0005
LIMIT_SECONDS = 10.0
# Collecting stops all threads for a moment, so it is done rarely when it gives little.
SHED_SECONDS, FUTILE_SHED_SECONDS = 2.0, 30.0
FUTILE = 2 * MB
# What other processes under the same limit hold is looked at so often.
OTHERS_SECONDS = 0.1
# An interrupted action gets so long to stop taking memory before another one is interrupted.
INTERRUPTED_SECONDS = 0.5
# So much more than it said an action may take at any time.
TOLERATED = 8 * MB
# One batch takes this share of the room that is left, since others have their batches too.
BATCH_SHARE = 0.25

_log = logging.getLogger(__name__)


class Busy(Exception):  # noqa: N818 (it is no error, and reads as what people are told)
    """Too little memory is free for this action now; it may be tried again."""


@dataclass(frozen=True)
class GuardState:
    """What a guard sees and has decided so far.

    Attributes:
        limit, used: bytes; `used` is what all processes under the limit hold, where it is known,
            else this process's own memory.
        level: "ok", "high" from 70%, "shedding" from 80% and "full" from 95% of the limit.
        active, waiting: actions that run now, and that wait for memory.
        counts: how often each of `DECISIONS` was taken.
    """

    limit: int
    used: int
    level: Level
    active: int
    waiting: int
    counts: dict[str, int]


@dataclass(eq=False)
class _Running:
    """An action that was admitted: what it said to need, and where it began.

    `gate` is held to interrupt it and to say that it has ended: a lock in C, since within locks
    written in Python an interruption could come between taking one and noting it.
    """

    need: int
    own_before: int
    thread: int
    native_thread: int
    touched_before: int | None
    gate: threading.Lock
    interrupted: bool = False
    ended: bool = False

    def blame(self, own: int) -> tuple[int, int]:
        """How likely it is the one that took too much, when the process holds `own` now.

        Memory belongs to the process. Which thread touched a page first is known on Linux, but
        pages may be large ones: then it says little, and what has run for longest is suspected.
        """
        grown = own - self.own_before - self.need
        now = touched(self.native_thread)
        if now is None or self.touched_before is None:
            return 0, grown
        mine = now - self.touched_before - self.need
        return (mine if mine > TOLERATED else 0), grown


class Guard:
    """Admits actions as far as memory allows, and makes room when it runs short.

    An action names how much it needs at most. It begins at once when that fits under 95% of the
    limit beside what is used and what the actions already running may still take; else caches are
    shed and memory is returned, and it waits for others to end. When that does not help, or from
    95% on, it is refused with `Busy`. An action that takes more than it said, and fills 80% of
    the limit with it, ends in a MemoryError, which leaves the others alone: one that the system
    raises for a block that is too large (see `DataLimit`), or one that the guard raises in the
    action's thread while small ones pile up. Thread-safe.

    Args:
        at_once: actions that may run at the same time; 0 is as many as fit.
        wait: seconds that an action waits for memory.
        shed: called, in this order, to give up caches.
        limit: finds the limit; it is asked again every ten seconds.

    Raises:
        ValueError: MATINEE_MEMORY_LIMIT is not a size.
    """

    def __init__(
        self,
        *,
        at_once: int = 0,
        wait: float = 10.0,
        shed: Sequence[Callable[[], object]] = (),
        limit: Callable[[], Limit] = memory_limit,
    ) -> None:
        self._at_once = at_once
        self._wait = wait
        self._shed = tuple(shed)
        self._find_limit = limit
        self._limit, self._limit_found = limit(), time.monotonic()
        self._changed = threading.Condition()
        self._shedding = threading.Lock()
        self._next_shed = 0.0
        # Weak, so that whatever happens to an action, it is gone when its ``with`` block is.
        self._admissions: dict[int, ReferenceType[_Running]] = {}
        self._used_before = 0  # when the first of them began
        self._others, self._others_seen = 0, -OTHERS_SECONDS  # what other processes hold
        self._interrupted_at, self._interrupted_own = 0.0, 0
        self._busy = threading.Event()
        self._waiting = 0
        self._counts = dict.fromkeys(DECISIONS, 0)
        self._data_limit = DataLimit()
        self._stopped = threading.Event()
        self._watcher: threading.Thread | None = None

    # Watching

    def start(self) -> None:
        """Watch the process from now on: shed in time, and keep the data limit where it belongs."""
        if self._watcher is None:
            self._stopped.clear()
            self._switch_seconds = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_SECONDS)
            self._watcher = threading.Thread(target=self._watch, name="memory guard", daemon=True)
            self._watcher.start()

    def stop(self) -> None:
        """End the watching, and lift the data limit."""
        if self._watcher is not None:
            self._stopped.set()
            self._busy.set()
            self._watcher.join()
            self._watcher = None
            self._data_limit.lift()
            sys.setswitchinterval(self._switch_seconds)

    def _watch(self) -> None:
        next_look = 0.0
        while not self._stopped.is_set():
            try:
                if time.monotonic() >= next_look:
                    self._look()
                    next_look = time.monotonic() + TICK_SECONDS
                self._interrupt_if_needed()
            except (MemoryError, OSError, RuntimeError, ValueError):  # the next look may go better
                _log.warning("the memory guard could not look", exc_info=True)
            self._busy.clear()
            if self._admissions or self._busy.wait(TICK_SECONDS):
                # Looking at an action that has just begun would only hold it up.
                self._stopped.wait(BUSY_TICK_SECONDS)

    def _look(self) -> None:
        if time.monotonic() - self._limit_found > LIMIT_SECONDS:
            self._limit, self._limit_found = self._find_limit(), time.monotonic()
        if self._level(self._used(read())) in ("shedding", "full"):
            # In a thread of its own, since the watching must go on meanwhile.
            threading.Thread(target=self.shed, name="memory shedding", daemon=True).start()
        with self._changed:
            self._refresh_data_limit(read())
            self._changed.notify_all()

    def _interrupt_if_needed(self) -> None:
        """End the action that took most beyond what it said, when memory is filled by it.

        Without the lock that others wait for: every millisecond counts here.
        """
        own = read().own
        if own + self._others < self._limit.bytes * INTERRUPTING:
            return
        running = self._running()
        now = time.monotonic()
        if any(one.interrupted for one in running):
            if now - self._interrupted_at < INTERRUPTED_SECONDS:
                self._interrupted_own = own
                return
            # While nobody takes more, it is only slow: a million objects take a second to free.
            if own <= self._interrupted_own + TOLERATED:
                return
        suspects = [
            one
            for one in running
            if not one.interrupted and own - one.own_before > one.need + TOLERATED
        ]
        worst = max(suspects, key=lambda one: one.blame(own), default=None)
        if worst is None:
            return
        with worst.gate:
            if not worst.ended:
                worst.interrupted, self._interrupted_at = True, now
                interrupt(worst.thread)

    # Deciding

    @contextmanager
    def admit(self, name: str, need: int) -> Iterator[None]:
        """Run a ``with`` block as an action that takes `need` bytes at most.

        Raises:
            Busy: there is too little memory now, and waiting did not help.
        """
        mine = self._enter(name, need)
        error: MemoryError | None = None
        try:
            yield
        except MemoryError as caught:
            error = caught
            raise
        finally:
            # An interruption may come as late as here, and must not come any later.
            while True:
                try:
                    with mine.gate:
                        mine.ended = True
                    if mine.interrupted:
                        take_back()
                    break
                except MemoryError:
                    pass
            if error is not None:
                self._recover(name, error)
                error = None  # its traceback refers to this very frame
            self._leave(mine)

    def _recover(self, name: str, error: MemoryError) -> None:
        # First of all room to handle it in.
        with self._changed:
            self._data_limit.lift()
            self._counts["memory_errors"] += 1
        # What the action held is still in its frames.
        traceback.clear_frames(error.__traceback__)
        with self._changed:
            self._refresh_data_limit(read())
        _log.warning("%s took more memory than there is", name)

    def _leave(self, mine: _Running) -> None:
        with self._changed:
            self._admissions.pop(id(mine), None)
            self._changed.notify_all()

    def _running(self) -> list[_Running]:
        """The actions that run now; may be called without the lock."""
        found = [admission() for admission in list(self._admissions.values())]
        return [one for one in found if one is not None]

    def _enter(self, name: str, need: int) -> _Running:
        deadline = time.monotonic() + self._wait
        waited = False
        while True:
            with self._changed:
                running, now = self._running(), read()
                free_place = not self._at_once or len(running) < self._at_once
                used = self._used(now)
                if not running:
                    self._admissions.clear()
                    self._used_before = used
                if free_place and need <= self._room(used, running):
                    return self._admitted(need, waited, now)
            # The lock is not held here: shedding takes a while, and what it frees helps others.
            if free_place and self.shed():
                continue
            with self._changed:
                left = deadline - time.monotonic()
                if left <= 0 or not self._may_wait(need):
                    raise self._refused(name, need)
                waited = True
                self._waiting += 1
                self._changed.wait(min(TICK_SECONDS, left))
                self._waiting -= 1

    def _admitted(self, need: int, waited: bool, now: Reading) -> _Running:
        mine = _Running(
            need=need,
            own_before=now.own,
            thread=threading.get_ident(),
            native_thread=threading.get_native_id(),
            touched_before=touched_here(),
            gate=threading.Lock(),
        )
        self._admissions[id(mine)] = ref(mine)
        self._counts["admitted"] += 1
        self._counts["waited"] += waited
        self._refresh_data_limit(now)
        self._busy.set()
        return mine

    def _refused(self, name: str, need: int) -> Busy:
        self._counts["refused"] += 1
        _log.warning(
            "%s was refused: it may need %s, and %s of %s are in use",
            *(name, format_bytes(need)),
            *(format_bytes(self._used(read())), format_bytes(self._limit.bytes)),
        )
        return Busy(name)

    def _may_wait(self, need: int) -> bool:
        """Whether it can help that the actions now running end and give their memory back."""
        if not self._running() or self._level(self._used(read())) == "full":
            return False
        return need <= int(self._limit.bytes * FULL) - self._used_before

    def batch(self, rows: int, row_bytes: int) -> int:
        """How many of `rows` to take at once, when each takes `row_bytes`; at least one."""
        fitting = max(1, int(self.room() * BATCH_SHARE) // max(1, row_bytes))
        if fitting < rows:
            with self._changed:
                self._counts["shrunk"] += 1
        return min(rows, fitting)

    def room(self) -> int:
        """Bytes that may still be taken: up to 95% of the limit, less what others may take.

        What was taken since the first of the actions now running began counts as taken by them.
        """
        return self._room(self._used(read()), self._running())

    def _room(self, used: int, running: list[_Running]) -> int:
        taken = max(0, used - self._used_before)
        still_needed = max(0, sum(one.need for one in running) - taken)
        return int(self._limit.bytes * FULL) - used - still_needed

    def state(self) -> GuardState:
        """What the guard sees now."""
        used = self._used(read())
        with self._changed:
            return GuardState(
                limit=self._limit.bytes,
                used=used,
                level=self._level(used),
                active=len(self._running()),
                waiting=self._waiting,
                counts=dict(self._counts),
            )

    def _used(self, now: Reading) -> int:
        """What is in use by all under the limit, when this process holds `now`."""
        seconds = time.monotonic()
        if seconds - self._others_seen > OTHERS_SECONDS:
            self._others = max(0, (self._limit.used() or 0) - now.own)
            self._others_seen = seconds
        return now.own + self._others

    def _level(self, used: int) -> Level:
        share = used / self._limit.bytes
        if share >= FULL:
            return "full"
        return "shedding" if share >= SHEDDING else "high" if share >= HIGH else "ok"

    def _refresh_data_limit(self, now: Reading) -> None:
        if self._watcher is not None and not self._stopped.is_set():
            # One reading for both figures: between two, a thread may take a lot.
            self._data_limit.refresh(now, int(self._limit.bytes * FULL) - self._used(now))

    # Making room

    def shed(self) -> bool:
        """Give up caches and return memory, unless that was done a moment ago.

        True if it gave back something worth while.
        """
        if not self._shedding.acquire(blocking=False):
            return False
        try:
            if time.monotonic() < self._next_shed:
                return False
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
        finally:
            self._shedding.release()
