"""Where the memory of a running Python program is, what each action took, and how to get it back.

This one file needs psutil and the standard library and knows nothing of the program around it:
import it from any Python or Streamlit app.

The words. A process's *own* memory is its anonymous and shared pages (RssAnon + RssShmem): what
counts against a container's limit and gets a process killed. *File* pages (RssFile) belong to
mapped files; the kernel takes them back when it needs them, so they are counted apart. RSS is the
sum of the three. All figures are in bytes; printed ones are in MB of 1024 x 1024 bytes.
"""

import ctypes
import functools
import gc
import os
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

import psutil  # type: ignore[import-untyped]

LIMIT_VARIABLE = "MATINEE_MEMORY_LIMIT"
MB = 1024 * 1024
# A peak counts as exact when the file pages moved by no more than this while it was measured.
FILE_TOLERANCE = MB
# In the order of `Reading`'s fields.
STATUS_KEYS = (b"VmRSS:", b"RssAnon:", b"RssShmem:", b"RssFile:", b"VmSwap:", b"VmHWM:")

P = ParamSpec("P")
R = TypeVar("R")


def format_bytes(count: int, *, signed: bool = False) -> str:
    """The count in MB of 1024 x 1024 bytes: ``"61.2 MB"``, or ``"+61.2 MB"`` when `signed`."""
    figure = f"{count / MB:{'+' if signed else ''},.1f}"
    return ("0.0" if figure in ("+0.0", "-0.0") else figure) + " MB"


# The limit


def memory_limit(proc: str = "/proc") -> tuple[int, str]:
    """How much memory this process may use, in bytes, and what says so.

    The environment variable MATINEE_MEMORY_LIMIT wins (256M, 1.5G or bytes; M is 1024 x 1024);
    else the smallest limit of the process's control group and the groups around it, versions 1
    and 2, or the machine's memory when that is smaller. Source: the kernel's documentation of
    cgroup v1 and v2 memory, and proc(5).
    `proc` is where the proc file system is mounted.

    Raises:
        ValueError: MATINEE_MEMORY_LIMIT is not a size.
    """
    override = os.environ.get(LIMIT_VARIABLE, "").strip()
    if override:
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(?:I?B)?", override.upper())
        size = int(float(match[1]) * 1024 ** " KMGT".index(match[2] or " ")) if match else 0
        if size < 1:
            raise ValueError(
                f"{LIMIT_VARIABLE}={override}: write a size such as 256M, 1.5G or bytes"
            )
        return size, LIMIT_VARIABLE
    machine = (psutil.virtual_memory().total, "machine")
    return min([machine, *_group_limits(proc)], key=lambda limit: limit[0])


def _group_limits(proc: str) -> Iterator[tuple[int, str]]:
    """Every limit on the way from this process's memory control group to the mount's top."""
    try:
        groups = [line.split(":", 2) for line in _lines(f"{proc}/self/cgroup")]
        mounts = [line.split(" ") for line in _lines(f"{proc}/self/mountinfo")]
    except OSError:
        return  # not Linux
    for _, controllers, path in groups:
        version, file = ("v1", "memory.limit_in_bytes") if controllers else ("v2", "memory.max")
        for mount in mounts:
            kind, _, options, *_ = mount[mount.index("-", 6) + 1 :]
            if kind != ("cgroup" if controllers else "cgroup2"):
                continue
            if controllers and "memory" not in {*controllers.split(",")} & {*options.split(",")}:
                continue
            for directory in _ancestors(path, _unescape(mount[3]), _unescape(mount[4])):
                limit = _read_limit(f"{directory}/{file}")
                if limit is not None:
                    yield limit, f"cgroup {version} {directory}"


def _ancestors(path: str, root: str, top: str) -> Iterator[str]:
    """The directories from group `path` up to `top`, where the hierarchy's `root` is mounted.

    In a private namespace either name may climb out of it ("/../x"). When the group does not lie
    under `root` by name, `top` is all of the hierarchy that can be seen.
    """
    names = [name for name in path.split("/") if name]
    above = [name for name in root.split("/") if name]
    below = names[len(above) :] if names[: len(above)] == above else []
    if ".." in below:
        below = []
    for depth in range(len(below), -1, -1):
        yield "/".join([top.rstrip("/"), *below[:depth]])


def _read_limit(file: str) -> int | None:
    """The limit in `file`; None for no file (the topmost v2 group has none) and for "max"."""
    try:
        text = "".join(_lines(file))
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _lines(file: str) -> list[str]:
    with open(file, encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        return [line.rstrip("\n") for line in lines]


def _unescape(field: str) -> str:
    """A mountinfo path with its octal escapes (\\040 for a space) resolved."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


# The present


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
    """

    rss: int
    anon: int | None = None
    shmem: int | None = None
    file: int | None = None
    swap: int | None = None
    peak: int | None = None

    @property
    def own(self) -> int:
        """What counts against the limit: `anon` + `shmem`, or `rss` where these are not known."""
        return self.rss if self.anon is None else self.anon + (self.shmem or 0)


@dataclass(frozen=True, kw_only=True)
class Snapshot(Reading):
    """A reading beside the limit and its source; see `memory_limit`.

    `limit_source` is "cgroup v1 <directory>", "cgroup v2 <directory>", "MATINEE_MEMORY_LIMIT" or
    "machine".
    """

    limit: int
    limit_source: str

    @property
    def headroom(self) -> int:
        """How much more this process can take before it alone fills the limit."""
        return self.limit - self.own


def snapshot() -> Snapshot:
    """This process's memory now, and its limit. Source: /proc/self/status, `memory_limit`.

    Raises:
        ValueError: MATINEE_MEMORY_LIMIT is not a size.
    """
    limit, source = memory_limit()
    return Snapshot(**vars(_broker.read()), limit=limit, limit_source=source)


class _Window:
    """What is known of one action while it runs."""

    def __init__(self, before: Reading, exact: bool) -> None:
        self.before = before
        self.exact = exact and before.file is not None
        self.peak = before.rss
        self.file_min = self.file_max = before.file or 0
        self.overlaps = 0
        self.thread = threading.get_ident()

    def fold(self, reading: Reading) -> None:
        file = reading.file or 0
        self.peak = max(self.peak, reading.peak or reading.rss)
        self.file_min = min(self.file_min, file)
        self.file_max = max(self.file_max, file)


class _Broker:
    """Reads the process, and shares its one high-water mark between all open windows.

    Before each reset the mark is folded into every open window, so that none loses its peak.
    The descriptors stay open, for speed. Source: proc(5), /proc/self/status and clear_refs.
    """

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._lock = threading.Lock()
        self._windows: set[_Window] = set()
        self._peak = 0

    # Opened on first use: a program that turns into a daemon closes what it had open before.
    @functools.cached_property
    def _descriptors(self) -> tuple[int | None, int | None]:
        return (
            _open(f"{self._proc}/self/status", os.O_RDONLY),
            _open(f"{self._proc}/self/clear_refs", os.O_WRONLY),
        )

    def _read(self) -> Reading:
        descriptor, _ = self._descriptors
        if descriptor is None:
            return Reading(psutil.Process().memory_info().rss)
        status = os.pread(descriptor, 4096, 0)
        rss, *parts = (_field(status, key) for key in STATUS_KEYS)
        reading = Reading(rss or 0, *parts)
        self._peak = max(self._peak, reading.peak or 0)
        return reading

    def _reset(self) -> bool:
        """Start the mark anew at the present RSS; False where that is not allowed."""
        _, descriptor = self._descriptors
        try:
            return descriptor is not None and os.write(descriptor, b"5") > 0
        except OSError:
            return False

    def read(self) -> Reading:
        """The memory now, with the peak of the whole life of the process."""
        with self._lock:
            now = self._read()
            return now if now.peak is None else replace(now, peak=self._peak)

    def start(self) -> _Window:
        with self._lock:
            reading = self._read()
            for other in self._windows:
                other.fold(reading)
            window = _Window(reading, self._reset())
            for other in self._windows:
                if other.thread != window.thread:
                    other.overlaps += 1
                    window.overlaps += 1
            self._windows.add(window)
            return window

    def stop(self, window: _Window) -> Reading:
        with self._lock:
            reading = self._read()
            window.fold(reading)
            self._windows.discard(window)
            return reading

    def close(self) -> None:
        for descriptor in vars(self).pop("_descriptors", ()):
            if descriptor is not None:
                os.close(descriptor)


def _open(file: str, flags: int) -> int | None:
    try:
        return os.open(file, flags)
    except OSError:
        return None


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


# Actions


@dataclass(frozen=True)
class ActionRecord:
    """What one action took, in bytes of own memory unless a name says RSS.

    Attributes:
        started: when, in seconds since the epoch; `duration` is in seconds.
        peak: the most own memory at any moment of the action; at least this much if not `exact`.
        exact: whether the peak is the kernel's own mark, with file pages that stayed as they were
            (a file mapped and released within the action counts as own memory).
        overlaps: how many actions of other threads ran at some moment of this one; what they
            took is in these figures too, since memory belongs to the process.
        error: whether it ended in an exception.
    """

    name: str
    started: float
    duration: float
    before: int
    after: int
    peak: int
    exact: bool
    rss_before: int
    rss_after: int
    overlaps: int
    error: bool

    @property
    def change(self) -> int:
        """How much own memory the action kept, or gave back when negative."""
        return self.after - self.before


_records: deque[ActionRecord] = deque(maxlen=500)


class action:  # noqa: N801 (reads as a verb, like contextlib.suppress)
    """Measure what `name` takes, as a context manager or as a decorator, from any thread.

    The peak is exact on Linux: the kernel's high-water mark starts anew with each action. Source:
    proc(5), clear_refs and VmHWM. Where that is not possible it is the larger of before and after.
    A generator or coroutine function ends when it has made its object: use `with` inside it.
    Once the action has ended, `record` is what was measured.
    """

    record: ActionRecord

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> "action":
        self._started, self._clock = time.time(), time.perf_counter()
        self._window = _broker.start()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        window, after = self._window, _broker.stop(self._window)
        peak = max(window.before.own, after.own)
        if window.exact:
            # The mark is of RSS: take off as many file pages as there can have been.
            peak = max(peak, window.peak - window.file_max)
        self.record = ActionRecord(
            name=self.name,
            started=self._started,
            duration=time.perf_counter() - self._clock,
            before=window.before.own,
            after=after.own,
            peak=peak,
            exact=window.exact and window.file_max - window.file_min <= FILE_TOLERANCE,
            rss_before=window.before.rss,
            rss_after=after.rss,
            overlaps=window.overlaps,
            # Only what went wrong: Streamlit ends a run early with a BaseException of its own.
            error=isinstance(error, Exception),
        )
        _records.append(self.record)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def measured(*args: P.args, **kwargs: P.kwargs) -> R:
            with action(self.name):
                return function(*args, **kwargs)

        return measured


def actions() -> list[ActionRecord]:
    """The last 500 actions that ended, over all threads, newest first."""
    return list(_records)[::-1]


def clear_actions() -> None:
    """Forget the actions recorded so far."""
    _records.clear()


# Giving memory back


@dataclass(frozen=True)
class Returned:
    """What each step of `return_memory` gave back, in bytes of own memory.

    None is a step that could not be taken. A figure below zero means that another thread took
    more in the meantime than the step gave back.
    """

    collected: int
    arrow: int | None
    trimmed: int | None

    @property
    def total(self) -> int:
        """Own memory before the first step less own memory after the last."""
        return self.collected + (self.arrow or 0) + (self.trimmed or 0)


def return_memory() -> Returned:
    """Collect garbage, release Arrow's pool if pyarrow is loaded, and trim the heap.

    In this order, since each step frees what the next can give to the system. Source: gc.collect,
    pyarrow.MemoryPool.release_unused, malloc_trim(3).
    """
    arrow = sys.modules.get("pyarrow")
    own = [_broker.read().own]
    gc.collect()
    own.append(_broker.read().own)
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
        own.append(_broker.read().own)
    trimmed = _trim_heap()
    own.append(_broker.read().own)
    return Returned(
        collected=own[0] - own[1],
        arrow=None if arrow is None else own[1] - own[2],
        trimmed=own[-2] - own[-1] if trimmed else None,
    )


def _trim_heap() -> bool:
    """Ask the C allocator for its free pages; False where it knows no such request."""
    if hasattr(psutil, "heap_trim"):
        psutil.heap_trim()
        return True
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # glibc has it, musl does not
        trim(0)
    return trim is not None


# The functions of the original guide


def memory_profiler(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: print RSS before and after each call, the change, and the time it took.

    Each call is also recorded as an action, under the function's name.
    """

    @functools.wraps(function)
    def profiled(*args: P.args, **kwargs: P.kwargs) -> R:
        call = action(function.__name__)
        try:
            with call:
                return function(*args, **kwargs)
        finally:
            before, after = call.record.rss_before, call.record.rss_after
            print(
                f"{call.name}: {format_bytes(before)} before, {format_bytes(after)} after, "
                f"{format_bytes(after - before, signed=True)}, {call.record.duration:.3f} s"
            )

    return profiled


def print_memory_usage(label: str) -> None:
    """Print RSS and own memory now, and the limit, after `label`."""
    now = snapshot()
    print(
        f"{label}: {format_bytes(now.rss)} RSS, {format_bytes(now.own)} own "
        f"of {format_bytes(now.limit)} ({now.limit_source})"
    )


def start_memory_tracking() -> None:
    """Note which line makes each allocation from now on, for `show_top_memory_usage`.

    Slows code that allocates much three to four times; tracemalloc.stop() ends it. Source:
    tracemalloc, one frame.
    """
    import tracemalloc

    tracemalloc.start(1)


def show_top_memory_usage(limit: int = 10) -> None:
    """Print the `limit` lines of code that hold the most memory, or how to start the tracking."""
    import tracemalloc

    if not tracemalloc.is_tracing():
        print("Memory tracking is off: call start_memory_tracking() before the code to look at.")
        return
    for line in tracemalloc.take_snapshot().statistics("lineno")[:limit]:
        place = line.traceback[0]
        print(f"{place.filename}:{place.lineno}: {format_bytes(line.size)}")
