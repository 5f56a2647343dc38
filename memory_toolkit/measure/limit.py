"""Memory limit of this process, what says so, and what its control group tells."""

from __future__ import annotations

import glob
import mmap
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from memory_toolkit.measure.sizes import parse_limit

LIMIT_VARIABLE = "DEBUG_MEMORY_LIMIT"
MACHINE = "machine"
# What the application said: its limit in bytes, or None, and the limit's source.
_configured: tuple[int | None, str] | None = None


@dataclass(frozen=True)
class Group:
    """One memory control group. Source: the kernel's documentation of cgroup v1 and v2 memory."""

    directory: str
    version: str

    def limit(self) -> int | None:
        """Its limit in bytes; None for "max", and for no file (the topmost v2 group has none)."""
        return self._number("memory.limit_in_bytes" if self.version == "v1" else "memory.max")

    def high(self) -> int | None:
        """Bytes from which the kernel slows its processes down (memory.high of v2), or None."""
        return None if self.version == "v1" else self._number("memory.high")

    def used(self) -> int | None:
        """Bytes that all of its processes hold and the kernel cannot simply take back.

        That is its usage less the pages of files, which a full group gives up first.
        """
        v1 = self.version == "v1"
        usage = self._number("memory.usage_in_bytes" if v1 else "memory.current")
        if usage is None:
            return None
        prefix = "total_" if v1 else ""
        pages = self._fields("memory.stat", f"{prefix}inactive_file", f"{prefix}active_file")
        return max(0, usage - sum(pages.values()))

    def peak(self) -> int | None:
        """The highest its usage ever was, pages of files and all; not on every kernel of v2."""
        v1 = self.version == "v1"
        return self._number("memory.max_usage_in_bytes" if v1 else "memory.peak")

    def oom_kills(self) -> int | None:
        """Count of its processes that were killed for want of memory, as far as it was counted."""
        file = "memory.oom_control" if self.version == "v1" else "memory.events"
        return self._fields(file, "oom_kill").get("oom_kill")

    def refaults(self) -> int | None:
        """Bytes that were given up for want of memory and had to be read again, so far."""
        return read_refaults(
            f"{self.directory}/memory.stat", "total_" if self.version == "v1" else ""
        )

    def pressure(self) -> float | None:
        """Per cent of the last ten seconds that some task waited for memory (v2 only)."""
        return read_pressure(f"{self.directory}/memory.pressure")

    def _number(self, file: str) -> int | None:
        try:
            text = "".join(_lines(f"{self.directory}/{file}"))
        except OSError:
            return None
        return int(text) if text.isdigit() else None

    def _fields(self, file: str, *names: str) -> dict[str, int]:
        try:
            return _counts(f"{self.directory}/{file}", *names)
        except OSError:
            return {}


@dataclass(frozen=True)
class Limit:
    """Memory limit of a process, in bytes.

    Attributes:
        bytes: how much.
        source: "cgroup v1 <directory>", "cgroup v2 <directory>" (with "memory.high" behind it where
            that is what is reached first), "DEBUG_MEMORY_LIMIT", "machine" or what
            `configure_memory_limit` was told.
        group: the group that sets it, unless something else does.
        home: the group that the process itself is in, where that is known.
        levels: all groups with a limit, its own and those around it, and what each of them may
            hold.
    """

    bytes: int
    source: str
    group: Group | None = None
    home: Group | None = None
    levels: tuple[tuple[Group, int], ...] = ()

    def used(self) -> int | None:
        """Return what is not left of `bytes`: by the least room at any level, in bytes.

        The levels are the process's group, each group around it, and the machine: what others hold
        at any of them cannot be taken. Pages of files do not count, since the kernel takes them
        back. None when less was configured than there is room for, since it is not known whom that
        is meant for.
        """
        rooms = [int(psutil.virtual_memory().available)]
        for group, most in self.levels:
            held = group.used()
            if held is not None:
                rooms.append(most - held)
        if not self.enforced and min(rooms) >= self.bytes:
            return None
        return max(0, self.bytes - min(rooms))

    @property
    def enforced(self) -> bool:
        """True when the system itself enforces it."""
        return self.group is not None or self.source == MACHINE


def configure_memory_limit(limit: int | None, source: str = "configured") -> None:
    """Let `memory_limit` return `limit` bytes in this process; for applications with own settings.

    None lets it return what the system enforces. Either way DEBUG_MEMORY_LIMIT, the toolkit's own
    setting, counts no longer.

    Args:
        limit: bytes, or None.
        source: names what says so, such as the application's own environment variable.
    """
    global _configured
    _configured = limit, source


def memory_limit(proc: str = "/proc") -> Limit:
    """Return the memory limit of this process, and what says so.

    What `configure_memory_limit` was told wins, or else the environment variable
    DEBUG_MEMORY_LIMIT (256M, 1.5G or bytes; M is 1024 x 1024). Without both, and where they say
    more than the machine has, it is what the system enforces: the smallest limit of the process's
    control group and the groups around it, versions 1 and 2, or the machine's memory when that is
    smaller.
    Source: the kernel's documentation of cgroup v1 and v2 memory, and proc(5).
    `proc` is where the proc file system is mounted.

    Raises:
        ValueError: nothing was configured, and DEBUG_MEMORY_LIMIT is not a size of at least 1M.
    """
    enforced = enforced_limit(proc=proc)
    limit, source = _configured or (read_limit_variable(LIMIT_VARIABLE), LIMIT_VARIABLE)
    if limit is None or limit > psutil.virtual_memory().total:
        return enforced
    return Limit(limit, source, home=enforced.home, levels=enforced.levels)


def read_limit_variable(name: str) -> int | None:
    """Return the bytes that the environment variable `name` says; None if it is not set or empty.

    Raises:
        ValueError: it is not a size of at least 1M; names the variable.
    """
    text = os.environ.get(name, "").strip()
    try:
        return parse_limit(text) if text else None
    except ValueError as error:
        raise ValueError(f"{name}={error}") from None


def enforced_limit(pid: int | None = None, proc: str = "/proc") -> Limit:
    """Return the limit that the system enforces on this process or `pid`, whatever was configured.

    As `memory_limit`, without what was configured.
    """
    groups = control_groups(pid, proc)
    home = groups[0] if groups else None
    found: list[tuple[int, str, Group | None]] = [(psutil.virtual_memory().total, MACHINE, None)]
    levels = []
    for group in groups:
        source = f"cgroup {group.version} {group.directory}"
        limits = ((group.limit(), source), (group.high(), f"{source} memory.high"))
        known = [(limit, words, group) for limit, words in limits if limit is not None]
        if known:
            levels.append((group, min(limit for limit, _, _ in known)))
        found += known
    most, source, setter = min(found, key=lambda limit: limit[0])
    return Limit(most, source, setter, home, tuple(levels))


def read_pressure(file: str) -> float | None:
    """The "some avg10" of a pressure file, in per cent. Source: the kernel's PSI documentation."""
    try:
        match = re.match(r"some avg10=([0-9.]+)", "".join(_lines(file)[:1]))
    except OSError:
        return None
    return float(match[1]) if match else None


def read_refaults(file: str, prefix: str = "") -> int | None:
    """Return the bytes of refaults that a file of counts of pages tells; None if it does not.

    Kernels before 5.9 have one count, which is of files; later ones have one more, of swapped
    memory. Source: the kernel's documentation of cgroup v2, memory.stat, and /proc/vmstat.
    """
    name = f"{prefix}workingset_refault"
    try:
        counts = _counts(file, name, f"{name}_file", f"{name}_anon")
    except OSError:
        return None
    return sum(counts.values()) * mmap.PAGESIZE if counts else None


def control_groups(pid: int | None = None, proc: str = "/proc") -> list[Group]:
    """A process's memory control groups, from its own to the mount's topmost; none off Linux.

    `pid` None is this process. The directories are named as this process sees them.
    """
    return list(_groups(proc, "self" if pid is None else str(pid)))


def _groups(proc: str, process: str) -> Iterator[Group]:
    try:
        groups = [line.split(":", 2) for line in _lines(f"{proc}/{process}/cgroup")]
        mounts = [line.split(" ") for line in _lines(f"{proc}/self/mountinfo")]
    except OSError:
        return  # not Linux
    members = {str(os.getpid() if process == "self" else process)}
    for _, controllers, path in groups:
        version = "v1" if controllers else "v2"
        for mount in mounts:
            kind, _, options, *_ = mount[mount.index("-", 6) + 1 :]
            if kind != ("cgroup" if controllers else "cgroup2"):
                continue
            if controllers and "memory" not in {*controllers.split(",")} & {*options.split(",")}:
                continue
            where = _unescape(mount[3]), _unescape(mount[4])
            for directory in _ancestors(path, *where, members):
                yield Group(directory, version)


def _ancestors(path: str, root: str, top: str, members: set[str]) -> Iterator[str]:
    """The directories from group `path` up to `top`, where the hierarchy's `root` is mounted.

    In a private namespace either name may climb out of it ("/../x"). So the root does where all of
    the host's hierarchy is mounted inside a container: the group is then the one at that depth
    which has this process among its members. When it is not found, `top` is all that can be seen.
    """
    names = [name for name in path.split("/") if name]
    above = [name for name in root.split("/") if name]
    while names and above and names[0] == above[0]:
        names, above = names[1:], above[1:]
    below = [] if above or ".." in names else names
    if above and {*above} == {".."} and ".." not in names:
        below = _find_group(top, len(above), "/".join(names), members)
    for depth in range(len(below), -1, -1):
        yield "/".join([top.rstrip("/"), *below[:depth]])


def _find_group(top: str, depth: int, path: str, members: set[str]) -> list[str]:
    """Return the names from `top` to the group with one of `members`; none if there is not one.

    It lies at `path` below a group that is `depth` levels below `top`.
    """
    below = "/".join(["*"] * depth + [path] * bool(path))
    for file in glob.iglob(f"{glob.escape(top)}/{below}/cgroup.procs"):
        try:
            if members & {*_lines(file)}:
                return file[len(top.rstrip("/")) + 1 :].split("/")[:-1]
        except OSError:
            continue  # it is gone by now
    return []


def _counts(file: str, *names: str) -> dict[str, int]:
    pairs = [line.split() for line in _lines(file)]
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] in names}


def _lines(file: str) -> list[str]:
    with open(file, encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        return [line.rstrip("\n") for line in lines]


def _unescape(field: str) -> str:
    """A mountinfo path with its octal escapes (\\040 for a space) resolved."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
