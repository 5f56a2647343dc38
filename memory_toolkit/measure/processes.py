"""The memory of other processes: one with all that it started, read from outside."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from memory_toolkit.measure.reading import Reading, parse_status
from memory_toolkit.measure.sharing import one_memory

_PARENT = re.compile(rb"^PPid:\t([0-9]+)$", re.MULTILINE)
# The lines of smaps_rollup that make up own memory.
_SHARE = re.compile(rb"^Pss_(Anon|Shmem): +([0-9]+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class ProcessMemory:
    """One process, and its memory at one moment; `parent` started it, 0 where that is not known."""

    pid: int
    name: str
    reading: Reading
    parent: int = 0


@dataclass(frozen=True)
class TreeMemory:
    """Several processes at one moment, in bytes.

    Attributes:
        own: anonymous and shared pages. A page that several of the processes hold counts once
            (proportional set size, which leaves out the share of processes outside the tree);
            where the system does not tell that, it counts once for each.
        file: pages of mapped files, each counted once for every process that maps it, since
            program code is shared with others outside, too; 0 where they are not known.
        processes: the largest first.
    """

    own: int
    file: int
    processes: tuple[ProcessMemory, ...]


def read_processes(pids: Iterable[int]) -> TreeMemory:
    """The memory of the processes `pids` now; one that has ended is left out.

    So is one that still is in its parent's memory, until it has become a program of its own
    (vfork): what is there would count twice.

    One process costs some 15 µs; from two on it takes about 0.3 ms per 100 MB, since the
    kernel walks through all their pages. Source: /proc/PID/status, smaps_rollup; elsewhere psutil.
    """
    read = {process.pid: process for process in map(_read_process, pids) if process is not None}
    found = [p for p in read.values() if p.parent not in read or not one_memory(p.pid, p.parent)]
    found.sort(key=lambda process: process.reading.own, reverse=True)
    own = found[0].reading.own if len(found) == 1 else sum(map(_proportional, found))
    return TreeMemory(own, sum(process.reading.file or 0 for process in found), tuple(found))


def process_tree(pid: int) -> list[int]:
    """`pid` and all that it started, directly or not, as long as their parents live.

    Source: /proc/PID/task/TID/children; elsewhere psutil.
    """
    if not os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children"):
        try:
            return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
        except psutil.Error:
            return [pid]
    found = [pid]
    for parent in found:  # grows meanwhile
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                found += map(int, _text(f"/proc/{parent}/task/{thread}/children").split())
        except OSError:
            continue  # ended meanwhile
    return found


def _read_process(pid: int) -> ProcessMemory | None:
    try:
        status = _text(f"/proc/{pid}/status")
    except ProcessLookupError:
        return None
    except FileNotFoundError:
        return None if os.path.exists("/proc/self") else _ask_psutil(pid)
    reading = parse_status(status)
    if not reading.rss:  # it has ended, or is the kernel's
        return None
    name = status[: status.index(b"\n")].removeprefix(b"Name:").strip()
    parent = int(_PARENT.search(status)[1])  # type: ignore[index]  # each has one
    return ProcessMemory(pid, name.decode("utf-8", "replace"), reading, parent)


def _ask_psutil(pid: int) -> ProcessMemory | None:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return ProcessMemory(pid, process.name(), Reading(process.memory_info().rss))
    return None


def _proportional(process: ProcessMemory) -> int:
    """Own memory with each page divided by the number of processes that hold it."""
    try:
        rollup = _text(f"/proc/{process.pid}/smaps_rollup")
    except OSError:  # not allowed, or not Linux
        return process.reading.own
    sizes = dict(_SHARE.findall(rollup))
    if b"Anon" not in sizes:  # older kernels tell the sum only
        return process.reading.own
    return sum(int(size) for size in sizes.values()) * 1024


def _text(file: str) -> bytes:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        return os.read(descriptor, 65536)
    finally:
        os.close(descriptor)
