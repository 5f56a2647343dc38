"""Processes in real control groups that would be killed, were it not for the guard."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memory_toolkit.measure.sizes import MB
from tests.memory_toolkit.groups import join, real_v1_group
from tests.memory_toolkit.planted import ROOT, linux

pytestmark = linux

BEGIN = """
import os, threading, time
import numpy as np
from memory_toolkit.guard.guard import Busy, Guard
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB
threading.stack_size(MB)
guard = Guard(wait=0.2)
guard.start()

def take(pieces, kept):
    while True:
        kept.append(b"x" * pieces)

def greedy(pieces):
    try:
        with guard.admit("greedy", MB):
            take(pieces, [])
    except (MemoryError, Busy) as error:
        return type(error).__name__
"""


def run_in(group: Path, code: str) -> str:
    """Return what `code` prints in a process of its own in `group`; a kill fails the test."""
    done = subprocess.run(
        [sys.executable, "-c", join(group) + BEGIN + code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return done.stdout.strip()


def test_what_is_mapped_and_not_yet_touched_counts_once() -> None:
    code = """
try:
    with guard.admit("maps", MB):
        first = np.zeros(140 * MB, np.uint8)
        time.sleep(1.2)  # the guard looks at it meanwhile
        second = np.zeros(140 * MB, np.uint8)
        first[::4096] = second[::4096] = 1
except MemoryError:
    print("refused")
guard.stop()
"""
    with real_v1_group(256 * MB) as group:
        assert run_in(group, code) == "refused"


@pytest.mark.parametrize(("size", "count"), [(128, 5), (128, 20), (256, 5), (512, 5)])
def test_many_greedy_threads_end_in_refusals(size: int, count: int) -> None:
    """Each says that it takes 1 MB, and takes without end, in pieces of all sizes."""
    code = f"""
ends = []
together = threading.Barrier({count})
def work(number):
    together.wait()
    for turn in range(3):
        ends.append(greedy((2_000, 100_000, 3_000_000)[(number + turn) % 3]))
threads = [threading.Thread(target=work, args=(number,)) for number in range({count})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(ends), set(ends) <= {{"MemoryError", "Busy"}})
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    try:  # what the last ones took may go a moment later
        with guard.admit("modest", 5 * MB):
            print(len(bytearray(5 * MB)) == 5 * MB)
            break
    except (MemoryError, Busy):
        time.sleep(0.1)
guard.stop()
"""
    with real_v1_group(size * MB) as group:
        assert run_in(group, code).splitlines() == [f"{3 * count} True", "True"]


def test_forked_workers_share_the_limit() -> None:
    """As those of a server that loads the app before it forks."""
    code = """
workers = []
for _ in range(3):
    worker = os.fork()
    if worker == 0:
        ends = [greedy(100_000) for _ in range(3)]
        os._exit(len(ends) if set(ends) <= {"MemoryError", "Busy"} else 100)
    workers.append(worker)
print([os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers])
guard.stop()
"""
    with real_v1_group(256 * MB) as group:
        assert run_in(group, code) == "[3, 3, 3]"


def test_a_worker_may_be_forked_while_the_guard_looks() -> None:
    """The guard's threads hold its locks for moments, which a forked process gets as they are."""
    code = """
import signal
from memory_toolkit.measure import thrashing
locks = [
    lock
    for owner in (Guard, guard, guard._usage, thrashing._meter)
    for lock in vars(owner).values()
    if hasattr(lock, "acquire")
]
held = threading.Barrier(2), threading.Barrier(2)

def hold():
    for lock in locks:
        lock.acquire()
    held[0].wait()
    held[1].wait()
    for lock in reversed(locks):
        lock.release()

threading.Thread(target=hold).start()
held[0].wait()
worker = os.fork()
if worker == 0:
    signal.alarm(30)
    with guard.admit("any", MB):
        guard.state()
    os._exit(0)
held[1].wait()
print(len(locks), os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))
guard.stop()
"""
    with real_v1_group(256 * MB) as group:
        assert run_in(group, code) == "5 0"


@pytest.mark.slow
def test_a_thread_without_memory_to_start_with_is_an_error_and_no_wait() -> None:
    code = """
import resource
guard.stop()
from memory_toolkit.guard import thread_starts
thread_starts._RETRY_SECONDS = 0.05
thread_starts.watch_starts()
counts = dict.fromkeys(("started", "refused", "no memory"), 0)
for turn in range(200):
    kept = []
    resource.setrlimit(resource.RLIMIT_DATA, (read().data + MB + 600_000, -1))
    try:
        take(700, kept)
    except MemoryError:
        pass
    try:
        del kept[: 3 * turn]
        thread = threading.Thread(target=int)
        thread.start()
        counts["started"] += 1
    except RuntimeError:
        counts["refused"] += 1
    except MemoryError:
        counts["no memory"] += 1
    kept.clear()
resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))
print(sum(counts.values()), counts["refused"] > 0)
"""
    with real_v1_group(256 * MB) as group:
        assert run_in(group, code) == "200 True"


def test_a_connection_outlives_a_read_without_memory() -> None:
    """asyncio needs 256 KiB to read; a thread holds everything when the bytes arrive."""
    code = """
import asyncio, resource
from memory_toolkit.guard.socket_reads import SOCKET_READS
guard.stop()
SOCKET_READS.put()

def fill():
    kept = []
    resource.setrlimit(resource.RLIMIT_DATA, (read().data + 20 * MB, -1))
    for piece in (270_000, 130_000, 100_000):
        try:
            take(piece, kept)
        except MemoryError:
            pass
    return kept

async def main():
    async def echo(reader, writer):
        writer.write(await reader.readexactly(5))
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    client = threading.Thread(target=ask, args=server.sockets[0].getsockname())
    client.start()
    while not connected.is_set():
        await asyncio.sleep(0.01)
    kept = fill()
    try:
        bytes(262_144)
    except MemoryError:
        print("nothing left")
    go.set()
    while not sent.is_set():
        await asyncio.sleep(0.01)
    for _ in range(20):
        await asyncio.sleep(0.01)
    kept.clear()
    while client.is_alive():
        await asyncio.sleep(0.01)

def ask(host, port):
    import socket
    with socket.create_connection((host, port), timeout=30) as client:
        connected.set()
        go.wait(30)
        client.sendall(b"hello")
        sent.set()
        print(client.recv(5))

connected, go, sent = threading.Event(), threading.Event(), threading.Event()
asyncio.run(main())
"""
    with real_v1_group(256 * MB) as group:
        assert run_in(group, code).splitlines() == ["nothing left", "b'hello'"]


def test_what_an_action_took_too_much_of_is_collected_soon() -> None:
    """It is in a cycle of references, and no other collection takes place."""
    code = """
import gc
gc.disable()

def take_in_a_cycle():
    with guard.admit("greedy", MB):
        held = [bytearray(60 * MB)]
        held.append(held)
        raise MemoryError

try:
    take_in_a_cycle()
except MemoryError:
    pass
deadline = time.monotonic() + 30
while read().own > 30 * MB + before and time.monotonic() < deadline:
    time.sleep(0.1)
print(read().own < 30 * MB + before)
"""
    with real_v1_group(256 * MB) as group:
        assert run_in(group, "before = read().own\n" + code) == "True"
