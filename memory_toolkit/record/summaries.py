"""Summaries of actions over the whole life of the process, and which seem to leak."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from statistics import median
from typing import NamedTuple

from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB

NAMES = 200
CALLS_KEPT = 50
# The leak rule: see `Summary.leak`.
RUNS = 5
LEAST_CALLS = 20
LEAST_GROWTH = MB


@dataclass(frozen=True)
class Summary:
    """Summary of the calls of one action, in bytes of own memory.

    Attributes:
        calls, errors, seconds: counted over all calls; `seconds` is the sum of their durations.
        median_peak: the median, over the last `CALLS_KEPT` calls, of what a call took at its peak
            beyond what was held when it began; `worst_peak` is the most over all calls. A call
            beside others counts only while there is none that ran alone.
        last_change: what the last call kept, or gave back when negative.
        growth_per_call: what each call keeps for good, by the last `CALLS_KEPT` calls: the
            median of four rises, see `leak`; 0 until five calls ran alone.
        leak: whether repeating the action keeps growing memory.

            Only calls that ran alone count, and only growth that lasts: the level after a call is
            the lowest that memory fell to at any time from then to now, so that peaks, noise and
            garbage that `return_memory` gave back are no growth. Nor is what grew between the
            calls: the sum of what the calls themselves kept has to rise with the level. The calls
            are split into five runs of equal length. It is a leak when each run starts above the
            one before by at least half of the average rise (a cache that is full, one large
            allocation and growth that fades away do not), and when they rose by 1 MB or more in
            all, and by more than memory moves up and down within a run.

            That takes 20 calls. A cache that is filling cannot be told from a leak: it is called
            one until it has been full for some 15 calls. Of two actions by turns, the hint can
            name the one whose freed pages the other keeps; repeat one by itself to be sure.
    """

    name: str
    calls: int
    errors: int
    seconds: float
    median_peak: int
    worst_peak: int
    last_change: int
    growth_per_call: int
    leak: bool


class ActionTotals(NamedTuple):
    """Totals of all calls of one action, which can be added up over processes; see `Summary`."""

    name: str
    calls: int
    errors: int
    seconds: float
    worst_peak: int

    def plus(self, other: ActionTotals) -> ActionTotals:
        """Return the totals of both."""
        calls, errors = self.calls + other.calls, self.errors + other.errors
        worst = max(self.worst_peak, other.worst_peak)
        return ActionTotals(self.name, calls, errors, self.seconds + other.seconds, worst)


class Call(NamedTuple):
    """Record of one call: own memory in bytes, and if it ran alone."""

    before: int
    after: int
    peak: int
    alone: bool


@dataclass
class _Totals:
    calls: int = 0
    errors: int = 0
    seconds: float = 0.0
    # Whether a call ran alone, and what it took: any that did is above all that did not.
    worst: tuple[bool, int] = (False, 0)
    kept: deque[Call] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))


# By name; the one that ended last comes last.
_totals: dict[str, _Totals] = {}
_lock = threading.Lock()


def _unlock_in_child() -> None:
    """A thread that the child of a fork does not have may have held the lock."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_in_child)


def add_call(name: str, call: Call, seconds: float, error: bool) -> None:
    """Count a call that ended. Of more than `NAMES` names, the longest unused is forgotten."""
    with _lock:
        totals = _totals.pop(name, None) or _Totals()
        _totals[name] = totals
        totals.calls += 1
        totals.errors += error
        totals.seconds += seconds
        totals.worst = max(totals.worst, (call.alone, call.peak - call.before))
        totals.kept.append(call)
        if len(_totals) > NAMES:
            del _totals[next(iter(_totals))]


def summaries() -> list[Summary]:
    """One summary for each action name, the one that ended last first."""
    now = read().own
    with _lock:  # every action that ends waits for it, so the arithmetic is done later
        copies = [(name, replace(t, kept=t.kept.copy())) for name, t in _totals.items()]
    return [_summary(name, totals, now) for name, totals in reversed(copies)]


def totals() -> list[ActionTotals]:
    """Return the totals of each action name, the one that ended last first."""
    with _lock:
        return [
            ActionTotals(name, one.calls, one.errors, one.seconds, one.worst[1])
            for name, one in reversed(_totals.items())
        ]


def clear_summaries() -> None:
    """Forget all calls."""
    with _lock:
        _totals.clear()


def _summary(name: str, totals: _Totals, now: int) -> Summary:
    last = totals.kept[-1]
    alone = [call for call in totals.kept if call.alone]
    rises, length = _rises(totals.kept, now), len(alone) // RUNS
    return Summary(
        name=name,
        calls=totals.calls,
        errors=totals.errors,
        seconds=totals.seconds,
        median_peak=int(median(call.peak - call.before for call in alone or totals.kept)),
        worst_peak=totals.worst[1],
        last_change=last.after - last.before,
        growth_per_call=int(median(rises) / length) if rises else 0,
        leak=len(alone) >= LEAST_CALLS and _is_steady(rises, [call.after for call in alone]),
    )


def _rises(kept: Iterable[Call], now: int) -> list[int]:
    """By how much memory rose for good from the start of each run to the next; see `leak`."""
    kept = list(kept)
    moments = [own for call in kept for own in (call.before, call.after)]
    lasting = _lowest_from_here([*moments, now])[1::2]
    levels = [level for level, call in zip(lasting, kept, strict=True) if call.alone]
    changes = [call.after - call.before for call in kept if call.alone]
    held = _lowest_from_here(list(accumulate(changes)))
    starts = _starts(len(levels))
    return [
        min(levels[later] - levels[start], held[later] - held[start])
        for start, later in pairwise(starts)
    ]


def _is_steady(rises: Sequence[int], levels: Sequence[int]) -> bool:
    total = sum(rises)
    starts = _starts(len(levels))
    runs = [levels[start : start + starts.step] for start in starts]
    moves = median(max(run) - min(run) for run in runs)
    return total >= max(LEAST_GROWTH, moves) and min(rises) >= total / len(rises) / 2


def _starts(calls: int) -> range:
    """Return the starts of the `RUNS` runs among so many calls; the oldest may be left over."""
    length = calls // RUNS
    return range(calls - RUNS * length, calls, length) if length else range(0)


def _lowest_from_here(values: Sequence[int]) -> list[int]:
    return list(accumulate(reversed(values), min))[::-1]
