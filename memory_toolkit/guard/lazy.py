"""Lazy loading of what is large and not always wanted, such as a model."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import ref

from memory_toolkit.guard.evictable import evictables
from memory_toolkit.measure.returning import return_memory
from memory_toolkit.record import stage_log

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
# Until it is looked at again, after it could not be unloaded because it was in use.
_IN_USE_SECONDS = 1.0


class Lazy(Generic[T]):
    """Loads an object at its first use, once however many ask, and lets go of it when it is idle.

    Use it as a ``with`` or, without holding up the event loop, an ``async with`` block::

        model = Lazy(load_model, need=130 * MB, idle=600)
        with model as loaded:
            loaded.encode(text)

    While such a block runs, the object stays. It is unloaded once nobody has used it for `idle`
    seconds, and before that when a guard is short of memory; the next use loads it again. Loading
    is an action of the guard that was started, if there is one. Both are in the log, with memory
    before and after. Safe to share between threads and event loops.

    Args:
        load: makes the object; it must hold the only lasting reference to what it makes.
        need: bytes that loading takes at most, or what tells them.
        idle: seconds; None is for ever.
        name: for the log and the guard; by default that of `load`.
        close: called with the object when it is let go of.
    """

    def __init__(
        self,
        load: Callable[[], T],
        *,
        need: int | Callable[[], int],
        idle: float | None = 600.0,
        name: str | None = None,
        close: Callable[[T], object] | None = None,
    ) -> None:
        self.name: str = name or str(getattr(load, "__name__", "an object"))
        self._load = load
        self._need = need
        self._idle = idle
        self._close = close
        self._loading = threading.Lock()
        self._lock = threading.Lock()  # held for moments only
        self._value: tuple[T] | None = None
        self._replaced: list[T] = []  # let go of while blocks still held them
        self._users = self._waiting = self._attempts = 0
        self._used = 0.0
        self._error: BaseException | None = None
        self._timer: threading.Timer | None = None
        self._flights: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}
        evictables.add(self)

    @property
    def loaded(self) -> bool:
        """True while the object is in memory."""
        return self._value is not None

    @property
    def need(self) -> int:
        """Bytes that loading takes at most."""
        return self._need() if callable(self._need) else self._need

    @property
    def idle_seconds(self) -> float:
        """Seconds since it was last used; 0 while it is in use or not loaded."""
        with self._lock:
            return 0.0 if self._value is None or self._users else time.monotonic() - self._used

    def get(self) -> T:
        """Return the object; outside of a block it may be unloaded while it is still held.

        Raises:
            Busy: the guard has no room for it now.
            MemoryError: it took more memory than there is.
        """
        with self as value:
            return value

    def preload(self) -> None:
        """Load it now, for hosts that rather wait at their start than at the first use.

        Raises:
            Busy, MemoryError: as `get`.
        """
        self.get()

    def unload(self) -> bool:
        """Let go of the object and return its memory; False if there was none.

        Blocks that hold it go on, and its memory comes back when the last of them ends.
        """
        return self._unload(in_use=True, idle=0.0)

    def evict(self) -> bool:
        """Unload it, unless it is in use; a guard calls this when memory is short."""
        return self._unload(in_use=False, idle=0.0)

    def __enter__(self) -> T:
        while (found := self._take()) is None:
            self._obtain()
        return found[0]

    def __exit__(self, *error: object) -> None:
        gone: list[T] = []
        with self._lock:
            self._users -= 1
            self._used = time.monotonic()
            if not self._users:
                gone, self._replaced = self._replaced, gone
            unwatched = self._value is not None and self._timer is None
        if unwatched:  # in a forked process
            self._watch_idle(self._idle)
        if gone:
            self._let_go(gone)

    async def __aenter__(self) -> T:
        import asyncio

        loop = asyncio.get_running_loop()
        while (found := self._take()) is None:
            flight = self._flights.get(loop)
            if flight is None or flight.done():
                flight = self._flights[loop] = loop.create_task(asyncio.to_thread(self._obtain))
                flight.add_done_callback(lambda _: self._flights.pop(loop, None))
            # Whoever gives up waiting does not end it for the others.
            await asyncio.shield(flight)
        return found[0]

    async def __aexit__(self, *error: object) -> None:
        self.__exit__(*error)

    def _take(self) -> tuple[T] | None:
        """Count one more user of the object, if it is loaded."""
        with self._lock:
            if self._value is not None:
                self._users += 1
                self._used = time.monotonic()
            return self._value

    def _obtain(self) -> None:
        """Load the object, or wait until somebody else has; an error is everybody's who waited."""
        with self._lock:
            attempts = self._attempts
            self._waiting += 1
        try:
            with self._loading:
                if self._value is None:
                    if self._attempts != attempts and self._error is not None:
                        raise self._error
                    self._keep(self._load_noting_errors())
        finally:
            with self._lock:
                self._waiting -= 1
                if not self._waiting:
                    self._error = None  # what it holds is in its frames

    def _load_noting_errors(self) -> T:
        self._error = None
        try:
            return self._load_guarded()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._attempts += 1

    def _keep(self, value: T) -> None:
        with self._lock:
            self._value = (value,)
            self._used = time.monotonic()
        self._watch_idle(self._idle)

    def _load_guarded(self) -> T:
        from memory_toolkit.guard.guard import Guard

        guard = Guard.started()
        admitted = nullcontext() if guard is None else guard.admit(self.name, self.need)
        with admitted, stage_log.around(f"loading {self.name}"):
            return self._load()

    def _watch_idle(self, seconds: float | None) -> None:
        if seconds is None:
            return
        timer = threading.Timer(max(0.0, seconds), _unload_idle, (ref(self),))
        timer.daemon = True
        timer.name = f"idle {self.name}"
        with suppress(RuntimeError):  # no memory for a thread: shedding unloads it then
            timer.start()
        self._timer = timer

    def _unload_when_idle(self) -> None:
        assert self._idle is not None
        if self._unload(in_use=False, idle=self._idle) or not self.loaded:
            return
        self._watch_idle(max(_IN_USE_SECONDS, self._idle - self.idle_seconds))

    def _unload(self, *, in_use: bool, idle: float) -> bool:
        gone: list[T] = []
        with self._lock:
            unused = time.monotonic() - self._used
            if self._value is None or (not in_use and (self._users or unused < idle)):
                return False
            (self._replaced if self._users else gone).append(self._value[0])
            self._value = None
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if gone:
            self._let_go(gone)
        return True

    def _let_go(self, values: list[T]) -> None:
        with stage_log.around(f"unloading {self.name}"):
            while values:
                value = values.pop()
                if self._close is not None:
                    self._close(value)
                del value
            return_memory()

    def start_anew(self) -> None:
        """In a forked process its timer is gone, and others may have held the locks."""
        self._loading, self._lock = threading.Lock(), threading.Lock()
        self._timer = None


def _unload_idle(known: ref[Lazy[T]]) -> None:
    lazy = known()
    if lazy is not None:
        lazy._unload_when_idle()


def _start_anew() -> None:
    for one in list(evictables):
        if isinstance(one, Lazy):
            one.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
