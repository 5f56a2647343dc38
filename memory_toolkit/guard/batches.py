"""Long work in batches that fit into memory, each stored before the next begins."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from memory_toolkit.guard.guard import Busy, Guard
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.returning import return_memory
from memory_toolkit.measure.sizes import MB, format_bytes
from memory_toolkit.record.actions import action

T = TypeVar("T")
# After so many batches that went well, one that was halved may be twice as large again.
_GOOD_BATCHES = 8
# Memory is returned when the process holds so much more than it did at the least.
_TRIM_BYTES = 8 * MB
_FORGETTING = 0.8
_LOG_SECONDS = 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchReport:
    """State of the work after a batch.

    Attributes:
        rows: how many were committed in this run.
        skipped: how many were there already.
        total: how many there are.
        fraction: the part of the work that is done, 0..1, by the rows' weights.
        size: rows in the last batch; 0 once all is done.
        row_bytes: bytes that a row took in the last batches.
        seconds_left: by the pace of this run; None until something was done.
    """

    rows: int
    skipped: int
    total: int
    fraction: float
    size: int
    row_bytes: int
    seconds_left: float | None


def batches(
    items: Collection[T],
    commit: Callable[[list[T]], object],
    *,
    done: Callable[[T], bool] = lambda item: False,
    size: int = 32,
    need: int = 0,
    weigh: Callable[[T], float] = lambda item: 1.0,
    progress: Callable[[BatchReport], object] = lambda report: None,
    name: str = "batch",
) -> BatchReport:
    """Work through `items` in batches of at most `size`; returns the last report.

    Each batch is an action of the guard; when none is started, one watches until the work ends, so
    that too large a batch ends in a MemoryError and not in a kill. It is then tried again by half.
    From what the batches took the need of a row is learned, and later ones are no larger than there
    is room for. What was freed is returned to the system between them. A run that was killed goes
    on where it was, since what `done` tells to be there is skipped.

    Args:
        commit: computes what a batch is to become and stores it, whole or not at all.
        done: tells if an item was stored by an earlier run.
        need: bytes that a row takes, if that is known before the first batch.
        weigh: how much work an item is, for `fraction` and `seconds_left`.
        progress: called after each batch.
        name: for the log, the guard and the list of actions.

    Raises:
        MemoryError, Busy: there is too little memory for a single row.
    """
    with _guarded() as guard:
        run = _Run(guard, name, size, need)
        whole, started = sum(map(weigh, items)), time.monotonic()
        logged, rows, skipped, worked, passed = started, 0, 0, 0.0, 0.0
        waiting: list[T] = []

        def report(last: int) -> BatchReport:
            left = whole - passed - worked
            pace = (time.monotonic() - started) / worked if worked else None
            return BatchReport(
                rows=rows,
                skipped=skipped,
                total=len(items),
                fraction=1 - left / whole if whole else 1.0,
                size=last,
                row_bytes=run.row_bytes,
                seconds_left=None if pace is None else pace * left,
            )

        for number, item in enumerate(items, 1):
            if done(item):
                skipped, passed = skipped + 1, passed + weigh(item)
            else:
                waiting.append(item)
            while len(waiting) >= run.size() or (waiting and number == len(items)):
                committed = run.commit(waiting[: run.size()], commit)
                rows, worked = rows + committed, worked + sum(map(weigh, waiting[:committed]))
                del waiting[:committed]
                progress(report(committed))
                if time.monotonic() - logged >= _LOG_SECONDS:
                    logged = time.monotonic()
                    _log.info("%s: %s", name, _in_words(report(committed)))
        return report(0)


class _Run:
    """The size of batches and the need of a row, as they were learned."""

    def __init__(self, guard: Guard, name: str, most: int, need: int) -> None:
        self._guard = guard
        self._name = name
        self._most = self._ceiling = max(1, most)
        self._good = 0
        self._least = read().own
        self.row_bytes = need

    def size(self) -> int:
        """Rows that the next batch may have: as many as there is room for."""
        if not self.row_bytes:
            return self._ceiling
        return self._guard.batch(self._ceiling, self.row_bytes)

    def commit(self, batch: list[T], commit: Callable[[list[T]], object]) -> int:
        """Commit as many of the first rows of `batch` as memory allows; returns how many."""
        rows = len(batch)
        while True:
            try:
                # Of another size it is another action, so that what one took is not asked of the
                # next, which is smaller.
                with (
                    action(self._name) as measured,
                    self._guard.admit(f"{self._name} of {rows}", self.row_bytes * rows),
                ):
                    commit(batch[:rows])
            except (MemoryError, Busy):
                if rows == 1:
                    raise
                rows = self._ceiling = (rows + 1) // 2
                self._good = 0
                return_memory()
                _log.warning(
                    "%s: too little memory; from now on %d rows at a time", self._name, rows
                )
            else:
                taken = measured.record.peak - measured.record.before
                # A first batch may take what the others find again.
                self.row_bytes = max(taken // rows, int(_FORGETTING * self.row_bytes))
                self._rest()
                return rows

    def _rest(self) -> None:
        self._good += 1
        if self._good >= _GOOD_BATCHES:
            self._good, self._ceiling = 0, min(self._most, 2 * self._ceiling)
        own = read().own
        if own - self._least >= _TRIM_BYTES:
            return_memory()
            own = read().own
        self._least = min(self._least, own) if own - self._least < _TRIM_BYTES else own


@contextmanager
def _guarded() -> Iterator[Guard]:
    guard = Guard.started()
    if guard is not None:
        yield guard
        return
    guard = Guard()
    guard.start()
    try:
        yield guard
    finally:
        guard.stop()


def _in_words(report: BatchReport) -> str:
    words = f"{report.rows + report.skipped:,} of {report.total:,} rows, {report.size} at a time"
    words += f", {format_bytes(read().own)}"
    if report.seconds_left is not None:
        minutes, seconds = divmod(round(report.seconds_left), 60)
        words += f", {minutes} min {seconds} s left"
    return words
