"""An action that a guard admits: it enters, takes memory, and leaves."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import ReferenceType, ref

from memory_toolkit.guard.interrupting import take_back
from memory_toolkit.measure.reading import touched, touched_here
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.flight_recorder import recorder

if TYPE_CHECKING:
    from memory_toolkit.guard.guard import Guard

# So much more than it said an action may take at any time.
TOLERATED = 8 * MB
# A coroutine that waits looks again so often.
POLL_SECONDS = 0.05

# The innermost admission of this thread or coroutine. Weak, so that none outlives its block.
_innermost: ContextVar[ReferenceType[Admission] | None] = ContextVar("admission", default=None)


class Admission:
    """An action that takes `need` bytes at most, as a ``with`` or an ``async with`` block.

    In the thread of an event loop it is never interrupted, since that would end the loop.

    Attributes:
        declared, need: bytes that it declared; and that it is known to need, and may take.
        kept: bytes of these that others have to leave free for it.
        outer: the action that it is a part of, if any.
        gate: held to interrupt it and to say that it has ended: a lock in C, since within locks
            written in Python an interruption could come between taking one and noting it.
        taken: bytes that it had taken beyond its need when it was interrupted.
        contested: there is room for it, which other processes have yet to give way from.

    Raises:
        Busy: there is too little memory now, and waiting did not help.
    """

    def __init__(self, guard: Guard, name: str, need: int) -> None:
        self.name = name
        self.declared = self.need = self.kept = need
        self.outer = current()
        self.gate = threading.Lock()
        self.interrupted = self.ended = self.contested = False
        self.taken = 0
        self._guard = guard
        self._place: int | None = None

    def begin(self, own: int, kept: int) -> None:
        """Note where it begins, in its own thread, when the process holds `own` bytes."""
        self.kept = kept
        self.lowest = own
        self.thread = threading.get_ident()
        self.native_thread = threading.get_native_id()
        self.may_interrupt = not in_event_loop()
        self._touched_before = touched_here() if self.may_interrupt else None
        for outer in self.around():
            outer.need += kept
        _innermost.set(ref(self))
        if (flight := recorder()) is not None:
            self._place = flight.begin(self.name, own)
            flight.note("admitted", self.name, self.need)

    @property
    def credit(self) -> int:
        """Bytes that it may have credited of the heaps' free space: what it declared itself.

        Not what it is known to take, since who takes without end fills that space, too.
        """
        return min(self.kept, self.declared)

    def around(self) -> list[Admission]:
        """Return the actions that it is a part of, the innermost first."""
        found = []
        outer = self.outer
        while outer is not None:
            found.append(outer)
            outer = outer.outer
        return found

    def grown(self, own: int) -> int:
        """Return by how much the process, which holds `own` now, grew beyond this action's need.

        It is counted from the least that the process has held since the action began.
        """
        return own - self.lowest - self.need

    def touched(self) -> int:
        """Return how many bytes of new pages its thread touched beyond its need, or 0.

        Memory belongs to the process; which thread touched a page first is known on Linux. Where
        pages are large ones, which count as one each, it is 0 though it took much.
        """
        now = None if self._touched_before is None else touched(self.native_thread)
        if now is None or self._touched_before is None:
            return 0
        mine = now - self._touched_before - self.need
        return mine if mine > TOLERATED else 0

    def __enter__(self) -> None:
        # An event loop that is kept waiting answers nobody.
        deadline = time.monotonic() + (0.0 if in_event_loop() else self._guard.wait)
        self._guard.enter(self, deadline)

    async def __aenter__(self) -> None:
        deadline = time.monotonic() + self._guard.wait
        shed = False
        waited = False
        while not self._guard.begin(self, waited=waited):
            if not shed and not self.contested:
                shed = True
                await asyncio.to_thread(self._guard.shed)
                continue
            if time.monotonic() >= deadline or not self._guard.may_wait(self):
                raise self._guard.refused(self)
            waited = True
            await asyncio.sleep(POLL_SECONDS)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # An interruption may come as late as here, and must not come any later.
        while True:
            try:
                with self.gate:
                    self.ended = True
                if self.interrupted:
                    take_back()
                break
            except MemoryError:
                pass
        _innermost.set(None if self.outer is None else ref(self.outer))
        if self._place is not None and (flight := recorder()) is not None:
            flight.end(self._place)
        failed = isinstance(error, MemoryError)
        if isinstance(error, MemoryError):
            self._guard.recover(self, error)
        self._guard.leave(self, well=not failed)

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        self.__exit__(kind, error, trace)


def current() -> Admission | None:
    """Return the admission that this thread or coroutine is in, if it is in one."""
    found = _innermost.get()
    admission = None if found is None else found()
    return None if admission is None or admission.ended else admission


def in_event_loop() -> bool:
    """Return whether an event loop runs in this thread."""
    if "asyncio" not in sys.modules:
        return False
    return asyncio._get_running_loop() is not None
