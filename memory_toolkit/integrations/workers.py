"""Metrics of a server's workers together: each writes its own down, and any of them adds all up."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from memory_toolkit.guard.guard import Guard
from memory_toolkit.measure.reading import read
from memory_toolkit.record.summaries import ActionTotals, totals


class Figures(NamedTuple):
    """Figures of one process, or of several.

    Attributes:
        held: bytes that each process holds, by its number.
        decisions: how often the guards took each.
        actions: totals of all actions.
    """

    held: dict[str, int]
    decisions: dict[str, int]
    actions: list[ActionTotals]


class Workers:
    """Figures of all processes that serve under one limit with a guard.

    Each writes its own into a small file beside the limit's ledger (`Guard.ledger`) when its guard
    looks, twice a second. One that has ended is inherited by another one, so that counters do not
    fall. Where there is no ledger, a process knows its own figures alone.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._written: object = None
        self._inherited = Figures({}, {}, [])
        guard.on_look(self.write)

    def write(self) -> None:
        """Write down the figures of this process, if they have changed, and inherit others'."""
        ledger = self._guard.ledger
        if ledger is None:
            return
        for pid, file in _files(ledger):
            if not psutil.pid_exists(pid):
                self._inherit(file)
        figures = self._own()
        if figures[1:] != self._written:
            self._written = figures[1:]
            unfinished = ledger.with_name(f"{ledger.name}-{os.getpid()}")
            unfinished.write_text(json.dumps(figures))
            unfinished.replace(f"{ledger}.{os.getpid()}")

    def add_up(self) -> Figures:
        """Return the sum of the figures of all processes."""
        found, ledger = [self._own()], self._guard.ledger
        for pid, file in _files(ledger) if ledger is not None else ():
            if pid != os.getpid():
                with suppress(OSError, ValueError):
                    found.append(_read(file))
        return _sum(found)

    def _own(self) -> Figures:
        held = {str(os.getpid()): read().own}
        own = Figures(held, self._guard.state().counts, totals())
        return _sum([own, self._inherited])

    def _inherit(self, file: Path) -> None:
        mine = file.with_name(f"{file.name}-{os.getpid()}")
        with suppress(OSError, ValueError):  # another process was first
            file.rename(mine)
            self._inherited = _sum([self._inherited, _read(mine)._replace(held={})])
            mine.unlink()


def _files(ledger: Path) -> Iterator[tuple[int, Path]]:
    for file in ledger.parent.glob(f"{ledger.name}.*"):
        if file.suffix[1:].isdecimal():
            yield int(file.suffix[1:]), file


def _read(file: Path) -> Figures:
    held, decisions, actions = json.loads(file.read_text())
    return Figures(held, decisions, [ActionTotals(*one) for one in actions])


def _sum(found: list[Figures]) -> Figures:
    held: dict[str, int] = {}
    decisions: Counter[str] = Counter()
    actions: dict[str, ActionTotals] = {}
    for figures in found:
        held |= figures.held
        decisions.update(figures.decisions)
        for one in figures.actions:
            other = actions.get(one.name)
            actions[one.name] = one if other is None else one.plus(other)
    return Figures(held, dict(decisions), list(actions.values()))
