"""Actions of a program: measured, recorded, and listed."""

from __future__ import annotations

import functools
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple, ParamSpec, TypeVar

from memory_toolkit.measure.children import children_started, ended_children
from memory_toolkit.measure.reading import Window, close_window, open_window
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.flight_recorder import recorder
from memory_toolkit.record.summaries import Call, add_call, clear_summaries

KEPT = 500
# A peak counts as exact when the file pages moved by no more than this while it was measured.
FILE_TOLERANCE = MB
# No process is started in less.
STARTING_SECONDS = 0.0002
PeakSource = Literal["exact", "at least", "sampled"]

P = ParamSpec("P")
R = TypeVar("R")


class ActionRecord(NamedTuple):
    """Record of one action, in bytes of own memory unless a name says RSS.

    Attributes:
        started: when, in seconds since the epoch; `duration` is in seconds.
        peak: the most own memory at any moment of the action.
        peak_source: ``"exact"``: the kernel's own mark, with file pages that stayed as they were
            (a file mapped and released within the action counts as own memory), and right to
            some 1 MB, see `action`; ``"at least"``: file pages came or went meanwhile, so that
            the mark does not tell own memory exactly, or it had `children`; ``"sampled"``: the
            highest of readings 10 ms apart, for want of a mark.
        session: whose action it was, as `identify_sessions` says.
        overlaps: how many actions of other threads and coroutines ran at some moment of it; what
            they took is in these figures too, since memory belongs to the process.
        error: whether it ended in an exception.
        children: whether processes ended meanwhile, or run now, that it or another thread has
            started. Their memory is in none of these figures.
    """

    name: str
    started: float
    duration: float
    before: int
    after: int
    peak: int
    peak_source: PeakSource
    rss_before: int
    rss_after: int
    overlaps: int
    error: bool
    session: str | None = None
    children: bool = False

    @property
    def change(self) -> int:
        """Bytes of own memory that the action kept; negative if it gave some back."""
        return self.after - self.before


_records: deque[ActionRecord] = deque(maxlen=KEPT)
_session: Callable[[], str | None] | None = None
Observer = Callable[[str], AbstractContextManager[object] | None]
_observer: Observer | None = None


class action:  # noqa: N801 (reads as a verb, like contextlib.suppress)
    """Measure what `name` takes, as a context manager or as a decorator, from any thread.

    The peak is exact on Linux: the kernel's high-water mark starts anew with each action. It may
    miss some 1 MB: the kernel adds pages up in batches for each processor, and in a large page
    (2 MB) that was there before, what is touched for the first time is no new memory. Source:
    proc(5), clear_refs and VmHWM. Where that is not possible it is sampled, and the record says so.
    Memory of child processes is not measured, and the record says if there were any.
    A generator or coroutine function ends when it has made its object: use `with` inside it.
    Once the action has ended, `record` is what was measured.
    """

    record: ActionRecord

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> action:
        observer = _observer  # another thread may set it meanwhile
        self._around = observer(self.name) if observer is not None else None
        if self._around is not None:
            self._around.__enter__()
        self._started, self._clock = time.time(), time.perf_counter()
        self._ended_children = ended_children()
        self._window = open_window()
        flight = recorder()
        self._place = None if flight is None else flight.begin(self.name, self._window.before.own)
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        window, after = self._window, close_window(self._window)
        del self._window
        duration = time.perf_counter() - self._clock
        if self._place is not None and (flight := recorder()) is not None:
            flight.end(self._place)
        children = ended_children() != self._ended_children
        if duration >= STARTING_SECONDS:
            children |= children_started(duration)
        if self._around is not None:
            self._around.__exit__(None, None, None)
        peak, source = _peak(window, after.own)
        if children and source == "exact":
            source = "at least"
        self.record = ActionRecord(
            name=self.name,
            started=self._started,
            duration=duration,
            before=window.before.own,
            after=after.own,
            peak=peak,
            peak_source=source,
            rss_before=window.before.rss,
            rss_after=after.rss,
            overlaps=window.overlaps,
            # Only what went wrong: Streamlit ends a run early with a BaseException of its own.
            error=isinstance(error, Exception),
            session=_session() if _session else None,
            children=children,
        )
        _records.append(self.record)
        call = Call(window.before.own, after.own, peak, alone=not window.overlaps)
        add_call(self.name, call, duration, self.record.error)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def measured(*args: P.args, **kwargs: P.kwargs) -> R:
            with action(self.name):
                return function(*args, **kwargs)

        return measured


def _peak(window: Window, after: int) -> tuple[int, PeakSource]:
    if not window.marked:
        return max(window.own_peak, after), "sampled"
    # The mark is of RSS: take off as many file pages as there can have been.
    peak = max(window.own_peak, after, window.peak - window.file_max)
    steady = window.file_max - window.file_min <= FILE_TOLERANCE
    return peak, "exact" if steady else "at least"


def identify_sessions(session: Callable[[], str | None]) -> None:
    """Ask `session`, called in the thread of an action as it ends, whose action it was."""
    global _session
    _session = session


def observe(observer: Observer | None) -> None:
    """Ask `observer`, called with an action's name as it begins, for a context to put around it.

    None ends that. The context must not raise.
    """
    global _observer
    _observer = observer


def actions() -> list[ActionRecord]:
    """The last `KEPT` actions that ended, over all threads, newest first."""
    return list(_records)[::-1]


def clear_actions() -> None:
    """Forget the actions recorded so far, and their summaries."""
    _records.clear()
    clear_summaries()
