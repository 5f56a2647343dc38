"""Shares one limit among processes, such as a server's workers."""

from __future__ import annotations

import atexit
import fcntl
import logging
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from memory_toolkit.measure.limit import Group
from memory_toolkit.measure.reading import parse_status
from memory_toolkit.measure.sizes import MB, format_bytes

MAX_PEERS = 256
# Of each process its number, its ceiling, what its actions may still take or want to, and how much
# of that they were granted.
_ROW = 4
_SIZE = 8 * (1 + _ROW * MAX_PEERS)
# Of the room that there is, this part is left to those who need nothing in particular.
_SPARE = 4
# A process is left so much of its part of the room even before the others have given way, since
# without it no thread could start: a stack, and a little.
_LEAST_ROOM = 9 * MB
_log = logging.getLogger(__name__)


class Agreed(NamedTuple):
    """Ceiling of a process in bytes, and what it is to be once the others have given way."""

    ceiling: int
    fair: int


class Peers:
    """A ledger of what each process under a limit may come to hold.

    It is a small file in memory that belongs to the control group of the limit and to the user;
    where no group sets the limit, only processes that were forked from this one share it. It is
    locked by a file lock, which the system takes back from a process that is killed. Linux only.
    Source: fcntl(2), memfd_create(2).

    Attributes:
        path: the file; None where there is no group.
        alone: no other process was there when it was last looked at.
    """

    def __init__(self, group: Group | None = None) -> None:
        self._group = group
        self.path = None if group is None else _path(group)
        self.alone = True
        self._open()

    def agree(self, own: int, used: int, most: int, need: int, *, claim: bool = False) -> Agreed:
        """Agree on the ceiling of this process, and write it down; the first call is how it joins.

        It may take what its actions need and an equal part of the room that nobody needs, but never
        so much that all together could come to hold more than `most`. When others begin to use the
        limit, what actions were granted stays theirs while it fits into the room that there is.

        Args:
            own: bytes that this process holds.
            used: bytes that all under the limit hold, these processes and others.
            most: bytes that all may hold.
            need: bytes that its actions may still take.
            claim: they were not granted yet: leave the ceiling as it was if `need` does not fit
                below it now. The others give way when they look the next time.
        """
        with self._locked():
            ledger, place = self._ledger, self._place(os.getpid())
            joined = bool(ledger[place])
            held, ceilings, needs, count = 0, 0, need, 1
            granted = mine = need if not claim else ledger[place + 3] if joined else 0
            for other in range(1, len(ledger), _ROW):
                if other == place or not ledger[other]:
                    continue
                holds = _own(ledger[other])
                if holds is None:
                    self._say_end(ledger[other], ledger[other + 1])
                    ledger[other] = 0
                    continue
                held += holds
                ceilings += max(holds, ledger[other + 1])
                needs += ledger[other + 2]
                granted += ledger[other + 3]
                count += 1
            self.alone = count == 1
            outside, room = max(0, used - own - held), most - used
            share = max(room - needs, room // _SPARE) // count
            fair = own + need + share
            kept = own + min(share, _LEAST_ROOM) + (mine if granted <= room else 0)
            ceiling = min(fair, max(kept, most - outside - ceilings))
            fits = ceiling - own >= need
            if claim and joined and not fits:
                ceiling = ledger[place + 1]
            for field, value in enumerate((os.getpid(), ceiling, need, need if fits else mine)):
                ledger[place + field] = value
            return Agreed(ceiling, fair)

    def leave(self) -> None:
        """Free what this process was given; the last one takes the file away."""
        with self._locked():
            ledger = self._ledger
            ledger[self._place(os.getpid())] = 0
            if self.path is not None and not any(ledger[1::_ROW]):
                beside = self.path.parent.glob(f"{self.path.name}[.-]*")  # what workers wrote
                for file in (self.path, *beside):
                    with suppress(OSError):
                        file.unlink()

    def _open(self) -> None:
        if self.path is None:
            self._file = os.memfd_create("memory-peers")
        else:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self.path, flags, 0o600)
        os.ftruncate(self._file, _SIZE)
        # In the first place, how many processes the limit had killed when that was last looked at.
        self._ledger = memoryview(mmap.mmap(self._file, _SIZE)).cast("q")

    def _place(self, pid: int) -> int:
        """Position of this process in the ledger, or the one it may take."""
        members = list(self._ledger[1::_ROW])
        if pid not in members:
            atexit.register(self._leave_at_exit, pid)
            self._ledger[0] = max(self._ledger[0], self._kills())
        return 1 + _ROW * members.index(pid if pid in members else 0)

    def _leave_at_exit(self, pid: int) -> None:
        if pid == os.getpid():  # not in one that was forked from it
            with suppress(OSError, ValueError):
                self.leave()

    def _kills(self) -> int:
        return 0 if self._group is None else self._group.oom_kills() or 0

    def _say_end(self, pid: int, ceiling: int) -> None:
        kills, most = self._kills(), format_bytes(ceiling)
        if kills > self._ledger[0]:
            _log.warning("process %d was killed by the limit; it was to hold %s at most", pid, most)
        else:
            _log.info("process %d, which shared the limit, has ended", pid)
        self._ledger[0] = kills

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        while self.path is not None and not os.fstat(self._file).st_nlink:
            # Somebody who was the last one took it away meanwhile.
            os.close(self._file)
            self._open()
            fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


def _path(group: Group) -> Path | None:
    """Return where the ledger of a group lies; None if that cannot be written to."""
    try:
        found = os.stat(group.directory)
    except OSError:
        return None
    name = f"debug-memory-{os.getuid()}-{found.st_dev:x}-{found.st_ino:x}"
    for folder in ("/dev/shm", tempfile.gettempdir()):
        path = Path(folder, name)
        if os.access(folder, os.W_OK) and (not path.exists() or path.stat().st_uid == os.getuid()):
            return path
    return None


def _own(pid: int) -> int | None:
    """Own memory of another process; None if it has ended."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return parse_status(file.read()).own or None
    except OSError:
        return None
