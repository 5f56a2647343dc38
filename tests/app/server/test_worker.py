"""The place of a process among the workers: whose a request is, and what they tell each other."""

import os
import socket
import subprocess
import sys
import time
from collections import Counter

import pytest

from recommender.app.server import worker
from recommender.app.server.supervisor import ROW_BYTES
from recommender.app.server.visitor_cookie import COOKIE
from recommender.app.server.worker import Row, Table, Worker, worker_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux")
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n"
LOCKED = """
import sys
from recommender.app.server.worker import Table
print(Table(int(sys.argv[1]), 2).lock())
"""


@pytest.fixture
def file() -> int:
    found = os.memfd_create("test")
    os.ftruncate(found, 2 * ROW_BYTES)
    return found


def of(line: bytes, address: str = "192.0.2.1", count: int = 1000) -> int:
    return worker_of(HEAD % line, address, count)


def test_a_visitor_has_a_worker_by_their_cookie_wherever_they_are() -> None:
    name = COOKIE.encode()
    mine = of(b"Cookie: %s=abc" % name)
    for line in (
        b"cookie: a=1; %s=abc; b=2" % name,
        b"COOKIE:%s=abc;b=2" % name,
        b"X: y\r\nCookie: other_%s=zzz;\t%s=abc" % (name, name),
        b"Cookie: a=1\r\nCookie: %s=abc" % name,
    ):
        assert of(line) == of(line, "192.0.2.2") == mine, line
    assert of(b"Cookie: %s=abd" % name) != mine
    assert of(b"X-Cookie: %s=abc" % name) == of(b"X: y")


def test_who_has_none_has_one_by_their_address() -> None:
    assert of(b"X: y") == of(b"A: b") != of(b"X: y", "192.0.2.2")
    named = of(b"X-Forwarded-For: 198.51.100.1, 192.0.2.2")
    assert named == of(b"x-forwarded-for: 8.8.8.8\r\nx-forwarded-for: 192.0.2.2")
    assert named == of(b"X: y", "192.0.2.2")


def test_visitors_are_spread_evenly() -> None:
    name = COOKIE.encode()
    counts = Counter(of(b"Cookie: %s=%d" % (name, n), count=4) for n in range(4000))
    assert sorted(counts) == [0, 1, 2, 3]
    assert min(counts.values()) > 800


def test_what_a_worker_tells_the_others(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(file, 2)
    pair = socket.socketpair()
    first, second = (Worker(number, (pair, pair), pair, table) for number in range(2))
    assert second.others()[0].trouble == "is being started"
    first.open = 7
    first.tell(Row(own=5, connected=3, kept=1, status="degraded", reason="ü" * 600))
    (told,) = second.others().values()
    assert (told.pid, told.own, told.open, told.connected, told.kept) == (os.getpid(), 5, 7, 3, 1)
    assert told.status == "degraded"
    assert told.reason == "ü" * 240  # as much as there is room for
    assert told.trouble is None
    first.tell(Row(status="unavailable", reason="no bundle"))
    assert second.others()[0].trouble == "no bundle"
    now = time.monotonic()
    monkeypatch.setattr(worker.time, "monotonic", lambda: now + worker.MAX_SILENT_SECONDS + 1)
    assert second.others()[0].trouble == "does not answer"
    for one in pair:
        one.close()


def test_one_process_has_the_lock(file: int) -> None:
    def elsewhere() -> str:
        command = [sys.executable, "-c", LOCKED, str(file)]
        return subprocess.run(
            command, pass_fds=(file,), capture_output=True, text=True, check=True
        ).stdout.strip()

    table = Table(file, 2)
    assert table.lock()
    assert elsewhere() == "False"
    table.unlock()
    assert elsewhere() == "True"
    assert table.lock()
