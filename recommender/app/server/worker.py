"""One of several processes behind one port: its place among them, and what they tell each other."""

from __future__ import annotations

import asyncio
import mmap
import os
import re
import signal
import socket
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from recommender.app.server.proxy_headers import passed_on
from recommender.app.server.supervisor import PLACE_VARIABLE, ROW_BYTES
from recommender.app.server.visitor_cookie import COOKIE

# A worker that has told nothing for so long hangs, or is not there.
MAX_SILENT_SECONDS = 10.0
# One message of a socket between workers: two descriptors, and a byte to go with them.
_MESSAGES_AT_ONCE = 64
_ONE_FILE = socket.CMSG_LEN(struct.calcsize("i")) if hasattr(socket, "CMSG_LEN") else 0
_PR_SET_PDEATHSIG = 1
_FORWARDED_FOR = re.compile(rb"\nx-forwarded-for:([^\r\n]*)", re.IGNORECASE)
_COOKIE = re.compile(rb"(?i:\ncookie:)(?:[^\r\n]*;)?[ \t]*%s=([^;\r\n]*)" % COOKIE.encode())
_LISTENER_SECONDS = 60.0
# Number of the process, when it last told something, three counts, its status and the reason.
_ROW = struct.Struct("=qdqqqq16s480s")
assert _ROW.size <= ROW_BYTES


Pair = tuple[socket.socket, socket.socket]


class Row(NamedTuple):
    """State of a worker, as it told last.

    Attributes:
        pid: 0 while there is none.
        told_at: on the system's monotonic clock, in seconds.
        own: its own memory, in bytes.
        open, connected, kept: its WebSockets, and its sessions with a tab and without.
        status, reason: of its own health.
    """

    pid: int = 0
    told_at: float = 0.0
    own: int = 0
    open: int = 0
    connected: int = 0
    kept: int = 0
    status: str = ""
    reason: str = ""

    @property
    def trouble(self) -> str | None:
        """The reason for which it can serve nobody; None if it can."""
        if not self.pid:
            return "is being started"
        if time.monotonic() - self.told_at > MAX_SILENT_SECONDS:
            return "does not answer"
        return self.reason or "is being started" if self.status in ("", "unavailable") else None


class Table:
    """A row for each worker, in memory that all of them share.

    A row is written by its worker alone, and one that is read half-written is of no harm: what it
    holds is shown, or added up.

    Args:
        file: of the memory, `count` rows of `ROW_BYTES`.
    """

    def __init__(self, file: int, count: int) -> None:
        self.count, self._file = count, file
        self._memory = mmap.mmap(file, ROW_BYTES * count)

    def write(self, number: int, row: Row) -> None:
        """Replace the row of worker `number`."""
        *values, status, reason = row
        text = reason.encode()[:480].decode(errors="ignore").encode()
        _ROW.pack_into(self._memory, ROW_BYTES * number, *values, status.encode(), text)

    def read(self, number: int) -> Row:
        """Return the row of worker `number`."""
        found = _ROW.unpack_from(self._memory, ROW_BYTES * number)
        status, reason = (text.rstrip(b"\0").decode(errors="replace") for text in found[-2:])
        return Row._make((*found[:-2], status, reason))

    def lock(self) -> bool:
        """Lock the table for this process, which the system takes back when that ends; False while
        another one has it. Rows are read and written all the same. Source: fcntl(2)."""
        import fcntl

        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self) -> None:
        """Give the lock back."""
        import fcntl

        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __iter__(self) -> Iterator[Row]:
        """Yield the row of each worker."""
        return map(self.read, range(self.count))


@dataclass
class Worker:
    """The place of a process among the workers of one port.

    All accept connections. A visitor belongs to one of them, by a checksum of their cookie; who has
    none by that of their address. A connection whose next request belongs to another worker is
    passed on to it, socket and all (SCM_RIGHTS), so that nothing is copied afterwards, and so that
    a proxy may ask for several visitors on one connection. What is passed on to a worker that has
    just died waits for the one in its place. Source: unix(7), memfd_create(2).

    Attributes:
        number: from 0.
        inboxes: of each worker, a pair of sockets: to take from, and to send to.
        listener: a pair of sockets with a message that has the socket of the port.
        table: what the workers tell each other.
        open: WebSockets of this worker.
    """

    number: int
    inboxes: tuple[Pair, ...]
    listener: Pair
    table: Table
    open: int = 0

    def is_other(self, head: bytes, address: str) -> int | None:
        """Return the number of the other worker that a request belongs to; None if of this one."""
        number = worker_of(head, address, len(self.inboxes))
        return None if number == self.number else number

    def hand_over(self, number: int, transport: asyncio.Transport, data: bytes) -> bool:
        """Pass a connection on, with what was read from it; False while there is no room."""
        found = transport.get_extra_info("socket")
        paper = os.memfd_create("matinee-request")
        try:
            with open(paper, "wb", closefd=False) as file:
                file.write(data)
            socket.send_fds(self.inboxes[number][1], [b"."], [found.fileno(), paper])
        except BlockingIOError:
            return False
        finally:
            os.close(paper)
        return True

    def receive(
        self, loop: asyncio.AbstractEventLoop, protocol: Callable[[bytes], asyncio.Protocol]
    ) -> None:
        """Take over, from now on, what other workers pass on: `protocol` is made of the data."""
        inbox, running = self.inboxes[self.number][0], set[asyncio.Task[object]]()

        def take() -> None:
            for _ in range(_MESSAGES_AT_ONCE):
                try:
                    _, files, _, _ = socket.recv_fds(inbox, 1, 2)
                except BlockingIOError:
                    return
                connection, data = socket.socket(fileno=files[0]), _read_all(files[1])
                connection.setblocking(False)
                made = loop.connect_accepted_socket(partial(protocol, data), connection)
                task = loop.create_task(made)
                running.add(task)
                task.add_done_callback(running.discard)

        loop.add_reader(inbox, take)

    def listen(self, bind: Callable[[], tuple[socket.socket, str]]) -> tuple[socket.socket, str]:
        """Return the socket of the port and its address: the first worker binds it, and the message
        that has it stays for all others, and for those in their place."""
        taking, giving = self.listener
        end = time.monotonic() + _LISTENER_SECONDS
        while True:
            try:
                # Not `recv_fds`, which leaves out the flag (CPython 3.11).
                address, (found,), _, _ = taking.recvmsg(256, _ONE_FILE, socket.MSG_PEEK)
                (file,) = struct.unpack("i", found[2])
                return socket.socket(fileno=file), address.decode()
            except BlockingIOError:
                if self.number == 0:
                    port, name = bind()
                    socket.send_fds(giving, [name.encode()], [port.fileno()])
                    return port, name
                if time.monotonic() > end:
                    raise TimeoutError("the first worker did not open the port") from None
                time.sleep(0.05)

    def tell(self, row: Row) -> None:
        """Write down the state of this worker; what it knows itself is filled in."""
        told = row._replace(pid=os.getpid(), told_at=time.monotonic(), open=self.open)
        self.table.write(self.number, told)

    def others(self) -> dict[int, Row]:
        """Return what the other workers told last, by their number."""
        rows = enumerate(self.table)
        return {number: row for number, row in rows if number != self.number}


def worker_of(head: bytes, address: str, count: int) -> int:
    """Return the number of the worker that a request belongs to, by its head.

    Args:
        address: where the connection comes from; behind a proxy its header says it.
    """
    found = _COOKIE.search(head)
    if found is not None:
        return zlib.crc32(found[1].strip()) % count
    lists = b",".join(_FORWARDED_FOR.findall(head)).decode("latin-1")
    return zlib.crc32((passed_on(lists) or address).encode()) % count


def _read_all(file: int) -> bytes:
    with open(file, "rb") as paper:
        paper.seek(0)
        return paper.read()


_here: Worker | None = None


def here() -> Worker | None:
    """Return the place of this process among several workers; None where it is the only one."""
    return _here


def count() -> int:
    """Return how many processes serve the port."""
    return 1 if _here is None else len(_here.inboxes)


def share(number: int) -> int:
    """Return the part of this process in a limit that holds for all workers together."""
    return -(-number // count())


def take_place() -> Worker:
    """Return the place that the supervisor has given this process, which ends when that one ends.

    Source: prctl(2).
    """
    global _here
    import ctypes

    number, rows, parent, table, *files = map(int, os.environ.pop(PLACE_VARIABLE).split(","))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(0)
    for file in (table, *files):
        os.set_inheritable(file, False)
    sockets = [socket.socket(fileno=file) for file in files]
    listener, *inboxes = zip(sockets[::2], sockets[1::2], strict=True)
    _here = Worker(number, tuple(inboxes), listener, Table(table, rows))
    return _here
