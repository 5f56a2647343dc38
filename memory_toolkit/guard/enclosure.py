"""A real memory limit around a command: a control group where that is allowed, else what there is.

Source: the kernel's documentation of cgroup v1 and v2 memory, systemd-run(1), setrlimit(2).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from memory_toolkit.measure.limit import Group, control_groups, enforced_limit
from memory_toolkit.measure.processes import process_tree
from memory_toolkit.measure.sizes import format_bytes

_ENDING_SECONDS = 5.0
_TRIAL_SECONDS = 20.0
_NUMBERS = itertools.count(1)


class Enclosure:
    """Enclosure that a command runs in; this one sets no limit.

    Attributes:
        limit: bytes; None if none was asked for.
        means: what enforces it: "cgroup v1 …", "cgroup v2 …", "systemd-run" or "RLIMIT_DATA".
        notes: what should be known about that, in sentences.
        prefix: the words that go before the command.
        group: the control group that is the command's alone, if there is one.
        left: how many processes the command left behind in it, once that was looked at.
    """

    limit: int | None = None
    means = ""
    notes: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    group: Group | None = None
    left = 0

    def __init__(self, groups: Sequence[Group]) -> None:
        self._watch(groups[:1])

    def enter(self) -> None:
        """Put the calling process, which is about to become the command, under the limit."""

    def processes(self, pid: int) -> list[int]:
        """The processes of the command that was started as `pid`."""
        return process_tree(pid)

    def oom_kills(self) -> int:
        """Count the processes that were killed for want of memory since the command's start.

        Without a group of the command's own, others in the group it shares are counted, too.
        """
        return max((_oom_kills(group) - before for group, before in self._before), default=0)

    def end(self) -> None:
        """End what the command left behind, and remove what was made for it."""

    def _watch(self, groups: Sequence[Group]) -> None:
        self._before = [(group, _oom_kills(group)) for group in groups]


class _OwnGroup(Enclosure):
    """A new control group."""

    def __init__(self, group: Group, limit: int) -> None:
        super().__init__([group])
        self.group, self.limit = group, limit
        self.means = f"cgroup {group.version} {group.directory}"
        self._members = Path(group.directory, "cgroup.procs")

    def enter(self) -> None:
        self._members.write_text(str(os.getpid()))

    def processes(self, pid: int) -> list[int]:
        return [int(member) for member in self._members.read_text().split()]

    def end(self) -> None:
        self.left = len(self.processes(0))
        for ask in (psutil.Process.terminate, psutil.Process.kill):
            for pid in self.processes(0):
                with contextlib.suppress(psutil.Error):
                    ask(psutil.Process(pid))
            if _comes_true(lambda: not self.processes(0)):
                break
        _comes_true(lambda: _remove(self._members.parent))


class _Scope(Enclosure):
    """A scope of the user's systemd, whose group is known once the command is in it."""

    means = "systemd-run"

    def __init__(self, groups: Sequence[Group], limit: int) -> None:
        super().__init__(groups)
        self.limit = limit
        self._outside = control_groups()[:1]
        properties = ("-p", f"MemoryMax={limit}", "-p", "MemorySwapMax=0")
        self.prefix = ("systemd-run", "--user", "--scope", "--quiet", *properties, "--")

    def processes(self, pid: int) -> list[int]:
        if self.group is None:
            groups = control_groups(pid)
            if groups and groups[:1] != self._outside:
                self.group = groups[0]
                # The group goes with its last process; the one above it has counted, too.
                self._watch(groups[:2])
        return process_tree(pid)

    def works(self) -> bool:
        """Tell if a process that is started this way does have the limit."""
        code = (
            "from memory_toolkit.measure.limit import enforced_limit; print(enforced_limit().bytes)"
        )
        try:
            done = subprocess.run(
                [*self.prefix, sys.executable, "-c", code],
                cwd=Path(__file__).parents[2],
                capture_output=True,
                timeout=_TRIAL_SECONDS,
            )
            return int(done.stdout) == self.limit
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return False


class _DataLimit(Enclosure):
    """RLIMIT_DATA, for want of a group."""

    means = "RLIMIT_DATA"
    notes = (
        "no control group can be made here, so the limit is on the memory that each process may "
        "write to (RLIMIT_DATA), resident or not; shared memory and the sum over several "
        "processes are not limited",
    )

    def __init__(self, groups: Sequence[Group], limit: int) -> None:
        super().__init__(groups)
        self.limit = limit

    def enter(self) -> None:
        import resource

        assert self.limit is not None
        resource.setrlimit(resource.RLIMIT_DATA, (self.limit, self.limit))


@contextmanager
def enclosure(limit: int | None, proc: str = "/proc") -> Iterator[Enclosure]:
    """The best there is to hold a command to `limit` bytes; removed when the block ends.

    In this order: a control group below one that this process is in, or beside it; a scope of
    the user's systemd; RLIMIT_DATA. Swap counts as memory in the first two. A limit that is in
    force already and smaller stays. `proc` is where the proc file system is mounted.
    """
    box = _enclose(limit, proc)
    try:
        yield box
    finally:
        box.end()


def _enclose(limit: int | None, proc: str) -> Enclosure:
    groups = control_groups(proc=proc)
    if limit is None:
        return Enclosure(groups)
    present = enforced_limit(proc=proc)
    wanted = min(limit, present.bytes)
    box: Enclosure
    for parent in groups:
        group = _make_group(parent, wanted)
        if group is not None:
            box = _OwnGroup(group, wanted)
            break
    else:
        scope = _Scope(groups, wanted)
        box = scope if scope.works() else _DataLimit(groups, wanted)
    if wanted < limit:
        text = f"{format_bytes(wanted)} is the limit here already ({present.source})"
        box.notes = (text, *box.notes)
    return box


def _make_group(parent: Group, limit: int) -> Group | None:
    name = f"debug_memory.{os.getpid()}.{next(_NUMBERS)}"  # one process may hold several commands
    group = Group(f"{parent.directory}/{name}", parent.version)
    directory = Path(group.directory)
    v1 = group.version == "v1"
    try:
        directory.mkdir()
    except OSError:
        return None
    try:
        # A new group of version 2 has no such file if its parent does not pass memory on.
        with open(directory / ("memory.limit_in_bytes" if v1 else "memory.max"), "r+") as file:
            file.write(str(limit))
        swap = directory / ("memory.memsw.limit_in_bytes" if v1 else "memory.swap.max")
        if swap.exists():
            swap.write_text(str(limit if v1 else 0))
        if _can_enter(directory):
            return group
    except OSError:
        pass
    _comes_true(lambda: _remove(directory))
    return None


def _can_enter(directory: Path) -> bool:
    child = os.fork()
    if child == 0:
        try:
            (directory / "cgroup.procs").write_text(str(os.getpid()))
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _oom_kills(group: Group) -> int:
    return group.oom_kills() or 0


def _remove(directory: Path) -> bool:
    """Remove the group and return if it is gone; it stays until each process of it has ended."""
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _comes_true(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + _ENDING_SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
