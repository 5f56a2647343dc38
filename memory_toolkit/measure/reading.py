"""Reading of what this process holds, and the one high-water mark that all open actions share."""

from __future__ import annotations

import functools
import mmap
import os
import re
import sys
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, replace
from weakref import ref

import psutil

SAMPLE_SECONDS = 0.01
PAGE_BYTES = mmap.PAGESIZE
# In the order of `Reading`'s fields.
STATUS_KEYS = (b"VmRSS:", b"RssAnon:", b"RssShmem:", b"RssFile:", b"VmSwap:", b"VmHWM:", b"VmData:")
# The same fields as today's Linux writes them. Source: proc(5), /proc/pid/status.
_USUAL_STATUS = re.compile(
    rb"\nVmHWM:\s+(\d+) kB\nVmRSS:\s+(\d+) kB\nRssAnon:\s+(\d+) kB\nRssFile:\s+(\d+) kB"
    rb"\nRssShmem:\s+(\d+) kB\nVmData:\s+(\d+) kB\n(?:.+\n)*?VmSwap:\s+(\d+) kB\n"
)


# The innermost window of this thread or coroutine.
_innermost: ContextVar[ref[Window] | None] = ContextVar("window", default=None)


@dataclass(frozen=True)
class Reading:
    """The process's memory at one moment, in bytes.

    Off Linux, and on kernels that do not tell the parts, `rss` is all that is known: the other
    fields are None, and `own` is `rss`.

    Attributes:
        rss: resident memory, the sum of the next three.
        anon: anonymous pages (RssAnon): the heap, arrays, stacks.
        shmem: shared memory (RssShmem).
        file: pages of mapped files (RssFile), which the kernel may take back.
        swap: what was moved out to swap (VmSwap).
        peak: the highest `rss` so far (VmHWM).
        data: address space that may be written to (VmData), resident or not.
    """

    rss: int
    anon: int | None = None
    shmem: int | None = None
    file: int | None = None
    swap: int | None = None
    peak: int | None = None
    data: int | None = None

    @property
    def own(self) -> int:
        """Bytes that count against the limit: `anon` + `shmem`, or `rss` if these are unknown."""
        return self.rss if self.anon is None else self.anon + (self.shmem or 0)


class Window:
    """Window of one action while it runs.

    Attributes:
        marked: whether the kernel's mark began anew with it, so that `peak` misses nothing.
        peak: the highest RSS so far.
        own_peak: the most own memory that was read so far.
        file_min, file_max: the fewest and most file pages that were read so far.
        overlaps: how many windows were open at some moment of it that are neither around it nor
            within it: those of other threads and of other coroutines.
        outer: the window that this one is within, if any; weak, so that none outlives its action.
    """

    def __init__(self, before: Reading, marked: bool) -> None:
        self.before = before
        self.marked = marked
        self.peak = before.rss
        self.own_peak = before.own
        self.file_min = self.file_max = before.file or 0
        self.overlaps = 0
        self.outer = _innermost.get()

    def around(self) -> list[Window]:
        """Return the windows that this one is within, the innermost first."""
        found = []
        outer = self.outer
        while outer is not None and (window := outer()) is not None:
            found.append(window)
            outer = window.outer
        return found

    def fold(self, reading: Reading) -> None:
        """Take a later reading into the peaks and the range of file pages."""
        file = reading.file or 0
        self.own_peak = max(self.own_peak, reading.own)
        self.peak = max(self.peak, reading.peak or reading.rss)
        self.file_min = min(self.file_min, file)
        self.file_max = max(self.file_max, file)


class _Broker:
    """Reads the process, and shares its one high-water mark between all open windows.

    Before each reset the mark is folded into every open window, so that none loses its peak.
    Where the mark cannot be reset, a thread reads the memory again and again as long as a window
    is open. The descriptors stay open, for speed. Source: proc(5), /proc/self/status and
    clear_refs.
    """

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._lock = threading.Lock()
        # Weak, so that one is gone with its action, wherever that was interrupted.
        self._windows: dict[int, ref[Window]] = {}
        self._peak = 0
        self._last = Reading(0)
        self._sampler: threading.Thread | None = None

    # Opened on first use: a program that turns into a daemon closes what it had open before.
    @functools.cached_property
    def _descriptors(self) -> tuple[int | None, int | None, int | None]:
        return (
            _open(f"{self._proc}/self/status", os.O_RDONLY),
            _open(f"{self._proc}/self/clear_refs", os.O_WRONLY),
            _open(f"{self._proc}/self/statm", os.O_RDONLY),
        )

    def _read(self) -> Reading:
        descriptor, _, _ = self._descriptors
        if descriptor is None:
            return Reading(psutil.Process().memory_info().rss)
        self._last = reading = parse_status(os.pread(descriptor, 4096, 0))
        self._peak = max(self._peak, reading.peak or 0)
        return reading

    def _read_before_reset(self) -> Reading:
        """Return rss, anon, shmem and file, by a third of the work where nobody needs the mark.

        That is so while no window is open and the mark is not above the peak that is known
        (ru_maxrss is the mark, or the peak of an earlier program if that was higher). statm tells
        shared and file pages in one sum; while it stays the same, so do the two. Source: proc(5),
        statm, and getrusage(2).
        """
        _, _, descriptor = self._descriptors
        last = self._last
        if not self._windows and descriptor is not None and last.file is not None:
            _, resident, shared, _ = os.pread(descriptor, 256, 0).split(b" ", 3)
            rss, alike = int(resident) * PAGE_BYTES, int(shared) * PAGE_BYTES
            if alike == last.file + (last.shmem or 0) and _highest_rss() <= self._peak:
                return Reading(rss, rss - alike, last.shmem, last.file)
        return self._read()

    def _reset(self) -> bool:
        """Start the mark anew at the present RSS; False where that is not allowed."""
        _, descriptor, _ = self._descriptors
        try:
            return descriptor is not None and os.write(descriptor, b"5") > 0
        except OSError:
            return False

    def read(self) -> Reading:
        """The memory now, with the peak of the whole life of the process."""
        with self._lock:
            now = self._read()
            return now if now.peak is None else replace(now, peak=self._peak)

    def start(self) -> Window:
        with self._lock:
            reading = self._read_before_reset()
            others = self._fold(reading) if self._windows else ()
            window = Window(reading, reading.file is not None and self._reset())
            around = window.around() if others else ()
            for other in others:
                if other not in around:
                    other.overlaps += 1
                    window.overlaps += 1
            self._windows[id(window)] = innermost = ref(window)
            _innermost.set(innermost)
            if not window.marked and self._sampler is None:
                self._sampler = threading.Thread(target=self._sample, daemon=True)
                self._sampler.start()
            return window

    def _sample(self) -> None:
        """Fold a reading into the open windows again and again, until none is left."""
        while True:
            time.sleep(SAMPLE_SECONDS)
            with self._lock:
                if not self._fold(self._read()):
                    self._sampler = None
                    return

    def stop(self, window: Window) -> Reading:
        with self._lock:
            reading = self._read()
            window.fold(reading)
            self._windows.pop(id(window), None)
            _innermost.set(window.outer)
            return reading

    def _fold(self, reading: Reading) -> list[Window]:
        """Fold a reading into the open windows, and return them; those gone are forgotten."""
        found = [window for known in self._windows.values() if (window := known()) is not None]
        if len(found) < len(self._windows):
            self._windows = {id(window): ref(window) for window in found}
        for window in found:
            window.fold(reading)
        return found

    def close(self) -> None:
        for descriptor in vars(self).pop("_descriptors", ()):
            if descriptor is not None:
                os.close(descriptor)


def _highest_rss() -> int:
    """Return the highest RSS in bytes since the mark began anew, or that of an earlier program."""
    import resource  # there where statm is

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _open(file: str, flags: int) -> int | None:
    try:
        return os.open(file, flags)
    except OSError:
        return None


def parse_status(status: bytes) -> Reading:
    """The reading that the text of a /proc/PID/status holds; no memory for a process that ended."""
    if usual := _USUAL_STATUS.search(status):  # several times as fast as field by field
        peak, rss, anon, file, shmem, data, swap = [int(kb) * 1024 for kb in usual.groups()]
        return Reading(rss, anon, shmem, file, swap, peak, data)
    found, *parts = (_field(status, key) for key in STATUS_KEYS)
    return Reading(found or 0, *parts)


def _field(status: bytes, key: bytes) -> int | None:
    _, found, rest = status.partition(b"\n" + key)
    return int(rest[: rest.index(b"kB")]) * 1024 if found else None


_broker = _Broker()


def _start_anew() -> None:
    """After a fork the open descriptors still tell of the parent, and its lock may be held."""
    global _broker
    _broker.close()
    _broker = _Broker()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


def read() -> Reading:
    """This process's memory now. Source: /proc/self/status, elsewhere psutil."""
    return _broker.read()


def open_window() -> Window:
    """Begin to watch the peak; `close_window` ends it."""
    return _broker.start()


def close_window(window: Window) -> Reading:
    """The memory now, once `window` has had its last look at the peak."""
    return _broker.stop(window)


def touched_here() -> int | None:
    """Return `touched` of the thread that asks, in a tenth of the time. Source: getrusage(2)."""
    if sys.platform != "linux":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt * PAGE_BYTES


def touched(thread: int) -> int | None:
    """Bytes of new pages that a thread of this process has touched; None where it is not known.

    A large page counts as one of the usual size, since the kernel tells how many they were.
    Source: proc(5), minflt in /proc/self/task/TID/stat.

    Args:
        thread: as `threading.get_native_id` tells it.
    """
    try:
        with open(f"/proc/self/task/{thread}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[7]) * PAGE_BYTES
    except OSError:
        return None
