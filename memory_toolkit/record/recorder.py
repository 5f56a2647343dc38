"""Records the memory of a command and of all that it starts, from its start to its end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from memory_toolkit.guard.enclosure import Enclosure, enclosure
from memory_toolkit.measure.limit import enforced_limit
from memory_toolkit.measure.processes import read_processes
from memory_toolkit.measure.reading import Reading, read
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.ending import Ending, describe_ending
from memory_toolkit.record.flight_recorder import (
    FOLDER_VARIABLE,
    Note,
    describe_flight,
    read_flights,
)

# Points that are kept for the picture; when there are more, two neighbours become one.
KEPT = 2000
# As for an action: a mark tells own memory if the file pages moved by no more than this.
FILE_TOLERANCE = MB
_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_TAIL = 4096
_FIRST_SECONDS = 0.005


class CommandError(Exception):
    """The command cannot be started; `status` is what a shell would return."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Sample:
    """The command's processes at one moment, in bytes.

    Attributes:
        seconds: since the start.
        own, file: see `TreeMemory`.
        peak: the most own memory since the sample before, as far as the kernel's mark of each
            process tells; `own` at least.
        processes: how many there are.
        pid, name: of the one with the most own memory.
    """

    seconds: float
    own: int
    peak: int
    file: int
    processes: int
    pid: int
    name: str


@dataclass
class Recording:
    """Recording of a command, in bytes and seconds.

    Attributes:
        started: when, in seconds since the epoch.
        limit, limit_source: what the command had to stay within, and what says so.
        notes: what should be known about the limit.
        samples: how many were taken; `cost` is the time one took on average.
        points: the samples, thinned to `KEPT`: of neighbours the one with the higher peak stays.
        highest: the sample with the highest peak; None if the command ended before the first.
        mean: own memory, over the time from the start to the last sample.
        most_processes: the most at one moment.
        rss_peak: the highest RSS of one process, file pages and all (the kernel's mark).
        group_peak: the highest usage of the command's own group, file pages and all.
        left: processes that the command left behind in its group, which were ended.
        asked: the signals that asked this process to end, in order.
        decisions: the last ones of the guard of a command that was killed.
    """

    command: tuple[str, ...]
    interval: float
    limit: int
    limit_source: str
    notes: tuple[str, ...] = ()
    started: float = field(default_factory=time.time)
    duration: float = 0.0
    samples: int = 0
    cost: float = 0.0
    points: list[Sample] = field(default_factory=list)
    highest: Sample | None = None
    mean: float = 0.0
    most_processes: int = 0
    rss_peak: int = 0
    group_peak: int | None = None
    left: int = 0
    asked: list[int] = field(default_factory=list)
    ending: Ending = Ending("ended", "still runs", 0)
    decisions: tuple[Note, ...] = ()
    _stride: int = field(default=1, init=False, repr=False)
    _until: float = field(default=0.0, init=False, repr=False)
    _own: int = field(default=0, init=False, repr=False)

    def add(self, sample: Sample, cost: float) -> None:
        """Take one more sample in, which took `cost` seconds."""
        if self.samples % self._stride:
            if sample.peak > self.points[-1].peak:
                self.points[-1] = sample
        else:
            if len(self.points) == KEPT:
                pairs = zip(self.points[::2], self.points[1::2], strict=True)
                self.points = [max(pair, key=lambda point: point.peak) for pair in pairs]
                self._stride *= 2
            self.points.append(sample)
        self.samples += 1
        # Each holds until the next.
        if sample.seconds > 0:
            self.mean += (self._own - self.mean) * (1 - self._until / sample.seconds)
        self._until, self._own = sample.seconds, sample.own
        self.cost += (cost - self.cost) / self.samples
        self.most_processes = max(self.most_processes, sample.processes)
        if self.highest is None or sample.peak > self.highest.peak:
            self.highest = sample


def record(
    command: Sequence[str],
    limit: int | None = None,
    interval: float = 0.1,
    *,
    begun: Callable[[Recording], object] = lambda recording: None,
    each: Callable[[Sample], object] = lambda sample: None,
) -> Recording:
    """Run `command`, and record its memory every `interval` seconds until it ends; Linux only.

    A signal that asks this process to end goes to all processes of the command, unless a terminal
    has sent it there already: Ctrl+C ends the command, and the recording is returned all the same.

    Args:
        limit: bytes that the command is held to, see `enclosure`.
        begun: called before the start, when it is known what enforces the limit.
        each: called with every sample.

    Raises:
        CommandError: there is no such program, or it cannot be run.
    """
    if shutil.which(command[0]) is None:
        if os.path.exists(command[0]):
            raise CommandError(f"{command[0]} is not a program that can be run", 126)
        raise CommandError(f"{command[0]}: there is no such program", 127)
    with _blocked_signals() as unblock, enclosure(limit) as box:
        present = enforced_limit()
        recording = Recording(
            tuple(command),
            interval,
            limit=box.limit or present.bytes,
            limit_source=box.means or present.source,
            notes=box.notes,
        )
        begun(recording)
        with tempfile.TemporaryDirectory(prefix="flight-") as folder:
            _run(recording, box, unblock, each, folder)
            _read_flight_recorder(recording, Path(folder))
    recording.left = box.left
    return recording


@contextmanager
def _blocked_signals() -> Iterator[Callable[[], object]]:
    """Hold signals back until they are asked for; gives what undoes that in a child."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*_ASKING, signal.SIGCHLD))
    try:
        yield lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(
    recording: Recording,
    box: Enclosure,
    unblock: Callable[[], object],
    each: Callable[[Sample], object],
    folder: str,
) -> None:
    def prepare() -> None:
        box.enter()
        unblock()

    forked = read().rss  # the child's RSS until it becomes the command
    started = time.monotonic()
    # Only a refusal under RLIMIT_DATA has to be read: all other endings are known otherwise.
    listen = box.means == "RLIMIT_DATA"
    try:
        process = subprocess.Popen(
            [*box.prefix, *recording.command],
            preexec_fn=prepare,
            env={**os.environ, FOLDER_VARIABLE: folder},
            stderr=subprocess.PIPE if listen else None,
        )
    except OSError as error:
        raise CommandError(f"{recording.command[0]}: {error.strerror}", 126) from None
    except subprocess.SubprocessError:
        raise CommandError("the limit could not be put on the command", 125) from None
    _tell_when_ended(process.pid)
    tail = _Tail(process.stderr) if process.stderr else None
    observer = _Observer(box, process.pid)
    due = started
    while True:
        now = time.monotonic()
        sample = observer.look(now - started)
        if sample is not None:
            recording.add(sample, time.monotonic() - now)
            each(sample)
        # At first more often, since many a command ends soon.
        due = max(due + min(recording.interval, max(now - started, _FIRST_SECONDS)), now)
        mark = _wait(process, due, recording.asked, box)
        if mark is not None:
            break
    recording.duration = time.monotonic() - started
    recording.group_peak = box.group.peak() if box.group else None
    last = observer.last_look(recording, mark if mark > forked else 0)
    if last is not None:
        recording.points.append(last)
        recording.highest = last
        each(last)
    recording.rss_peak = observer.rss_peak
    recording.ending = describe_ending(
        process.returncode,
        limit=recording.limit,
        limit_source=recording.limit_source,
        oom_kills=box.oom_kills(),
        asked=recording.asked,
        errors=tail.end() if tail else b"",
    )


def _read_flight_recorder(recording: Recording, folder: Path) -> None:
    """Add what ran to the ending of a command that was killed, if its processes noted that."""
    flights = [flight for flight in read_flights(folder) if flight.actions or flight.notes]
    if recording.ending.kind not in ("limit", "crash", "stopped") or not flights:
        return
    killed = recording.ending.kind == "limit"
    own = recording.limit if killed and len(flights) == 1 else flights[0].own
    ran = describe_flight(flights[0], recording.started + recording.duration, own)
    recording.decisions = flights[0].notes
    if ran:
        text = f"{recording.ending.text}, while {ran} ran"
        recording.ending = replace(recording.ending, text=text)


def _tell_when_ended(pid: int) -> None:
    """Send SIGCHLD to this thread, which waits for it, when the child `pid` has ended.

    The kernel sends it to the process, where any thread that does not block it may take it.
    """
    waiting = threading.get_ident()

    def tell() -> None:
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            signal.pthread_kill(waiting, signal.SIGCHLD)

    threading.Thread(target=tell, name="end of command", daemon=True).start()


def _wait(
    process: subprocess.Popen[bytes], until: float, asked: list[int], box: Enclosure
) -> int | None:
    """Pass signals on until then; the highest RSS of its processes, in bytes, if it has ended."""
    while True:
        left = max(0.0, until - time.monotonic())
        info = signal.sigtimedwait((*_ASKING, signal.SIGCHLD), left)
        if info is None:
            return None
        if info.si_signo == signal.SIGCHLD:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return usage.ru_maxrss * 1024
        else:
            asked.append(info.si_signo)
            # Above zero is the kernel's: a terminal sends Ctrl+C to all that run in it. So does
            # this, since a shell that waits for its own command does not end by itself.
            for pid in box.processes(process.pid) if info.si_code <= 0 else ():
                with suppress(OSError):
                    os.kill(pid, info.si_signo)


class _Observer:
    """Looks at the command's processes, and knows how they were at the look before."""

    def __init__(self, box: Enclosure, pid: int) -> None:
        self._box = box
        self._pid = pid
        self._before: dict[int, Reading] = {}
        self.rss_peak = 0

    def look(self, seconds: float) -> Sample | None:
        """The processes now; None if none is there yet, or any more."""
        tree = read_processes(self._box.processes(self._pid))
        if not tree.processes:
            return None
        above = 0
        for process in tree.processes:
            now, before = process.reading, self._before.get(process.pid)
            self.rss_peak = max(self.rss_peak, now.peak or now.rss)
            above = max(above, _own_peak(before, now) - now.own)
        self._before = {process.pid: process.reading for process in tree.processes}
        largest = tree.processes[0]
        return Sample(
            seconds,
            tree.own,
            tree.own + above,
            tree.file,
            len(tree.processes),
            largest.pid,
            largest.name,
        )

    def last_look(self, recording: Recording, mark: int) -> Sample | None:
        """Read the mark that the ended processes left, if nothing higher was seen before.

        File pages are taken off as they were last seen. Whatever came in the last moment counts
        as own memory, but no more than the group ever held.
        """
        if mark <= self.rss_peak:
            return None
        self.rss_peak = mark
        files = [reading.file or 0 for reading in self._before.values()]
        peak = mark - max(files, default=0)
        if recording.group_peak is not None:
            peak = min(peak, recording.group_peak)
        if recording.highest is not None and peak <= recording.highest.peak:
            return None
        own = sum(reading.own for reading in self._before.values())
        name = os.path.basename(recording.command[0])
        return Sample(recording.duration, min(own, peak), peak, sum(files), 1, self._pid, name)


def _own_peak(before: Reading | None, now: Reading) -> int:
    """The most own memory of a process between two looks, as far as its mark tells."""
    if before is None or now.peak is None or before.peak is None or now.peak == before.peak:
        return now.own
    files = (before.file or 0, now.file or 0)
    if abs(files[1] - files[0]) > FILE_TOLERANCE:
        return now.own
    return max(now.own, now.peak - max(files))


class _Tail:
    """Passes the command's standard error on, and keeps the end of it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._kept = b""
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def _copy(self) -> None:
        while block := os.read(self._source.fileno(), _TAIL):
            self._kept = (self._kept + block)[-_TAIL:]
            os.write(sys.stderr.fileno(), block)

    def end(self) -> bytes:
        # Something that the command left behind may still hold the other end open.
        self._thread.join(timeout=1.0)
        return self._kept
