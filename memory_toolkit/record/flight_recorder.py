"""Flight recorder: a small mapped file that outlives its process and tells what ran in the end.

It is on where the environment variable DEBUG_MEMORY_FLIGHT_RECORDER names a folder: each process
has a file in it, and takes it away when it ends by itself. `debug_memory.py run` reads the files of
a command that was killed; without it, the process that starts next with the same folder logs what
they tell. Source: mmap(2); what was written to a shared mapping is there though the writer is
killed at the next moment.
"""

from __future__ import annotations

import atexit
import logging
import mmap
import os
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from memory_toolkit.measure.limit import MACHINE, memory_limit
from memory_toolkit.measure.reading import read, touched
from memory_toolkit.measure.sizes import format_bytes

FOLDER_VARIABLE = "DEBUG_MEMORY_FLIGHT_RECORDER"
SAMPLE_SECONDS = 0.02
# A process that held so much of the limit when it was last seen was most likely killed by it.
_LIKELY = 0.8
_MAGIC = b"flight1\n"
# The process, when it began, was last seen, the memory then, the limit, its machine, OOM kills.
_HEAD = struct.Struct("<8sqddqq?q")
# Of an action: the thread, memory and touched bytes when it began, touched since, start, name.
_ACTION = struct.Struct("<qqqqd88s")
# Of an admission: when, bytes, the decision, the name.
_NOTE = struct.Struct("<dq16s96s")
_ACTIONS, _NOTES = 64, 16
_ACTIONS_AT = 64
_NOTES_AT = _ACTIONS_AT + _ACTIONS * _ACTION.size
_SIZE = _NOTES_AT + _NOTES * _NOTE.size
_log = logging.getLogger(__name__)


class InFlight(NamedTuple):
    """Action that had not ended.

    Attributes:
        thread: the system's number of its thread.
        started: in seconds since the epoch.
        before, touched: bytes that the process held when it began, and bytes of new pages that its
            thread has touched since, as far as it was looked at.
    """

    name: str
    thread: int
    started: float
    before: int
    touched: int


class Note(NamedTuple):
    """Decision of the guard on an action that wanted `need` bytes, in seconds since the epoch."""

    time: float
    decision: str
    name: str
    need: int


class Flight(NamedTuple):
    """Record of a process that did not end by itself, in bytes and seconds since the epoch.

    Attributes:
        seen, own: when it was last looked at, and what it held then.
        limit: its limit; `of_machine` if that is the machine's memory.
        oom_kills: kills in its group before it began.
        actions: those that ran, the one that took most first.
        notes: the guard's last decisions, oldest first.
    """

    pid: int
    began: float
    seen: float
    own: int
    limit: int
    of_machine: bool
    oom_kills: int
    actions: tuple[InFlight, ...]
    notes: tuple[Note, ...]


class FlightRecorder:
    """Writes this process's file in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / f"{os.getpid()}.flight"
        with open(self.file, "w+b") as file:
            file.truncate(_SIZE)
            self._map = mmap.mmap(file.fileno(), _SIZE)
        limit = memory_limit()
        kills = (limit.home.oom_kills() or 0) if limit.home else 0
        self._fixed = limit.bytes, limit.source == MACHINE, kills
        self._began = time.time()
        self._free = list(range(_ACTIONS))
        self._running: dict[int, tuple[int, int]] = {}  # by place: thread, touched when it began
        self._noted = 0
        self._busy = threading.Event()
        self._look(self._began)
        atexit.register(self.end_well)
        threading.Thread(target=self._watch, name="flight recorder", daemon=True).start()

    def begin(self, name: str, own: int) -> int | None:
        """Note that an action begins in this thread; returns its place, for `end`."""
        try:
            place = self._free.pop()
        except IndexError:  # more at once than there are places
            return None
        thread = threading.get_native_id()
        at = _ACTIONS_AT + place * _ACTION.size
        _ACTION.pack_into(self._map, at, thread, own, 0, 0, time.time(), _bytes(name, 88))
        self._running[place] = thread, -1
        self._busy.set()
        return place

    def end(self, place: int) -> None:
        """Note that the action at `place` has ended."""
        self._running.pop(place, None)
        _ACTION.pack_into(self._map, _ACTIONS_AT + place * _ACTION.size, 0, 0, 0, 0, 0.0, b"")
        self._free.append(place)

    def note(self, decision: str, name: str, need: int) -> None:
        """Note what the guard decided."""
        at = _NOTES_AT + self._noted % _NOTES * _NOTE.size
        self._noted += 1
        words = decision.encode(), _bytes(name, 96)
        _NOTE.pack_into(self._map, at, time.time(), need, *words)

    def end_well(self) -> None:
        """Take the file away, since the process ends by itself."""
        with suppress(OSError):
            self.file.unlink()

    def _watch(self) -> None:
        while True:
            self._busy.wait()
            with suppress(MemoryError, OSError, RuntimeError):
                self._look(time.time())
            self._busy.clear()
            if self._running:
                self._busy.set()
            time.sleep(SAMPLE_SECONDS)

    def _look(self, now: float) -> None:
        head = os.getpid(), self._began, now, read().own, *self._fixed
        _HEAD.pack_into(self._map, 0, _MAGIC, *head)
        for place, (thread, before) in list(self._running.items()):
            new = touched(thread)
            if new is None:
                continue
            if before < 0:
                before = new
                if place in self._running:
                    self._running[place] = thread, new
            struct.pack_into("<q", self._map, _ACTIONS_AT + place * _ACTION.size + 24, new - before)


def _bytes(text: str, most: int) -> bytes:
    return text.encode("utf-8", "replace")[:most]


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("utf-8", "ignore")


# This process's recorder; False until it is known whether there is to be one.
_recorder: FlightRecorder | bool | None = False


def recorder() -> FlightRecorder | None:
    """Return this process's recorder, which begins when it is first asked for; None if it is off.

    What processes that were killed have left in the folder is logged then, and taken away.
    """
    global _recorder
    if isinstance(_recorder, bool):
        _recorder = None
        if folder := os.environ.get(FOLDER_VARIABLE, "").strip():
            try:
                Path(folder).mkdir(parents=True, exist_ok=True)
                _log_flights(Path(folder))
                _recorder = FlightRecorder(Path(folder))
            except (OSError, ValueError) as error:
                _log.warning("%s=%s: no flight recorder: %s", FOLDER_VARIABLE, folder, error)
    return _recorder


def _start_anew() -> None:
    """A forked process has a file of its own, once it has something to note."""
    global _recorder
    if isinstance(_recorder, FlightRecorder):
        atexit.unregister(_recorder.end_well)
    _recorder = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


def read_flights(folder: Path) -> list[Flight]:
    """Return what processes that are gone have left in `folder`; those that had work come first."""
    found = []
    for file in folder.glob("*.flight"):
        with suppress(OSError, struct.error, ValueError):
            flight = _parse(file.read_bytes())
            # The number may be another process's by now, such as this one's.
            if flight.pid == os.getpid() or not psutil.pid_exists(flight.pid):
                found.append(flight)
    return sorted(found, key=lambda flight: (bool(flight.actions), flight.seen), reverse=True)


def _parse(raw: bytes) -> Flight:
    magic, pid, began, seen, own, limit, of_machine, oom_kills = _HEAD.unpack_from(raw, 0)
    if magic != _MAGIC:
        raise ValueError("it is no file of a flight recorder")
    actions = []
    for place in range(_ACTIONS):
        thread, before, _, new, started, name = _ACTION.unpack_from(
            raw, _ACTIONS_AT + place * _ACTION.size
        )
        if thread:
            actions.append(InFlight(_text(name), thread, started, before, new))
    notes = [
        Note(when, _text(decision), _text(name), need)
        for when, need, decision, name in _NOTE.iter_unpack(raw[_NOTES_AT:])
        if when
    ]
    return Flight(
        *(pid, began, seen, own, limit, of_machine, oom_kills),
        actions=_outermost(actions),
        notes=tuple(sorted(notes)),
    )


def _outermost(actions: Sequence[InFlight]) -> tuple[InFlight, ...]:
    """Leave out what is part of another: of the same name in the same thread, such as the guard's
    admission of an action."""
    kept: dict[tuple[int, str], InFlight] = {}
    for one in sorted(actions, key=lambda one: one.started):
        kept.setdefault((one.thread, one.name), one)
    # Of those of which nothing was seen, the one that began last is the likeliest.
    return tuple(sorted(kept.values(), key=lambda one: (one.touched, one.started), reverse=True))


def describe_flight(flight: Flight, ended: float, own: int) -> str:
    """Say what ran when a process ended: ``"/analyze (+180.0 MB in 0.4 s) and 2 others"``, or "".

    Args:
        ended: when that was, in seconds since the epoch.
        own: bytes that it held then, as far as is known. What it took since it was last seen counts
            as taken by the action that had taken most.
    """
    if not flight.actions:
        return ""
    worst, *others = flight.actions
    unseen = max(0, own - flight.own)
    grown = max(0, flight.own - worst.before)
    taken = (min(worst.touched, grown) or grown) + unseen
    seconds = max(0.0, ended - worst.started)
    words = f"{worst.name} ({format_bytes(taken, signed=True)} in {seconds:.1f} s)"
    if others:
        words += f" and {len(others)} other{'s' if len(others) > 1 else ''}"
    return words


def _log_flights(folder: Path) -> None:
    limit = memory_limit()
    kills = (limit.home.oom_kills() or 0) if limit.home else 0
    for flight in read_flights(folder):
        killed = kills > flight.oom_kills
        likely = killed or flight.own >= _LIKELY * flight.limit
        ran = describe_flight(flight, flight.seen, flight.limit if likely else flight.own)
        if ran or likely:
            of = (
                "a full machine"
                if flight.of_machine
                else f"the limit of {format_bytes(flight.limit)}"
            )
            sure = "was" if killed else "was most likely"
            cause = f"{sure} killed by {of}" if likely else "did not end by itself"
            _log.warning(
                "process %d, which ran before, %s%s; it held %s when it was last seen",
                *(flight.pid, cause, f" while {ran} ran" if ran else "", format_bytes(flight.own)),
            )
        with suppress(OSError):
            (folder / f"{flight.pid}.flight").unlink()
