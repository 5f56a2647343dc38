"""Shares one limit among processes forked from one another, such as a server's workers."""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager

from memory_toolkit.measure.reading import parse_status

MAX_PEERS = 256


class Peers:
    """A ledger in memory that forked processes share: what each of them may come to hold.

    It is locked by a file lock, which the system takes back from a process that is killed. Linux
    only. Source: memfd_create(2), fcntl(2).
    """

    def __init__(self) -> None:
        self._file = os.memfd_create("memory-peers")
        os.ftruncate(self._file, 16 * MAX_PEERS)
        # In turns a process's number and its ceiling.
        self._ledger = memoryview(mmap.mmap(self._file, 16 * MAX_PEERS)).cast("q")

    def agree(self, own: int, used: int, most: int) -> int:
        """Return the ceiling of this process, and write it down; the first call is how it joins.

        It may take an equal part of the room that there is, but never so much that all together
        could come to hold more than `most`.

        Args:
            own: bytes that this process holds.
            used: bytes that all under the limit hold, these processes and others.
            most: bytes that all may hold.
        """
        with self._locked():
            place = self._place(os.getpid())
            held, ceilings, count = 0, 0, 1
            for other in range(0, 2 * MAX_PEERS, 2):
                if other == place or not self._ledger[other]:
                    continue
                holds = _own(self._ledger[other])
                if holds is None:
                    self._ledger[other] = 0
                    continue
                held += holds
                ceilings += max(holds, self._ledger[other + 1])
                count += 1
            outside = max(0, used - own - held)
            fair = own + (most - used) // count
            ceiling = min(fair, most - outside - ceilings)
            self._ledger[place], self._ledger[place + 1] = os.getpid(), ceiling
            return ceiling

    def leave(self) -> None:
        """Free what this process was given."""
        with self._locked():
            self._ledger[self._place(os.getpid())] = 0

    def _place(self, pid: int) -> int:
        """Position of this process in the ledger, or the one it may take."""
        members = list(self._ledger[::2])
        return 2 * members.index(pid if pid in members else 0)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)


def _own(pid: int) -> int | None:
    """Own memory of another process; None if it has ended."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return parse_status(file.read()).own or None
    except OSError:
        return None
