import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memory_toolkit.guard.batches import BatchReport, batches
from memory_toolkit.guard.guard import Guard
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB
from tests.memory_toolkit.groups import join, real_v1_group
from tests.memory_toolkit.planted import ROOT, linux, run_python

# Commits rows to SQLite, 20 ms each, and prints the number of each that it worked on.
KILLED = """
import sqlite3, sys, time
from debug_memory import batches
store = sqlite3.connect(sys.argv[1])
store.execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY)")
def commit(numbers):
    print(*numbers, flush=True)
    time.sleep(0.02 * len(numbers))
    with store:
        store.executemany("INSERT INTO rows VALUES (?)", [(number,) for number in numbers])
def done(number):
    return bool(store.execute("SELECT 1 FROM rows WHERE number = ?", (number,)).fetchone())
report = batches(range(40), commit, done=done, size=4)
print("end", report.rows, report.skipped)
"""


def test_each_batch_is_committed_in_order_and_what_is_there_is_skipped() -> None:
    stored: list[list[int]] = []
    reports: list[BatchReport] = []
    last = batches(
        range(10), stored.append, done=lambda n: n in (1, 2, 9), size=3, progress=reports.append
    )
    assert stored == [[0, 3, 4], [5, 6, 7], [8]]
    assert (last.rows, last.skipped, last.total, last.fraction) == (7, 3, 10, 1.0)
    assert [report.rows for report in reports] == [3, 6, 7]
    assert [report.skipped for report in reports] == [2, 2, 3]
    assert all(report.seconds_left is not None for report in reports)
    assert (last.seconds_left, Guard.started()) == (0, None)


def test_progress_goes_by_the_weight_of_the_rows() -> None:
    seen: list[float] = []
    batches(
        [1, 2, 3, 4],
        lambda rows: None,
        size=1,
        weigh=float,
        progress=lambda report: seen.append(report.fraction),
    )
    assert seen == pytest.approx([0.1, 0.3, 0.6, 1.0])


def test_of_no_rows_nothing_is_committed() -> None:
    assert batches([], lambda rows: 1 / 0).fraction == 1.0
    assert batches([1], lambda rows: 1 / 0, done=lambda n: True).skipped == 1


def test_a_batch_that_took_too_much_is_halved_and_no_row_is_lost_or_twice() -> None:
    stored: list[int] = []
    sizes: list[int] = []

    def commit(rows: list[int]) -> None:
        if len(rows) > 5:
            raise MemoryError
        stored.extend(rows)
        sizes.append(len(rows))

    batches(range(103), commit, size=32)
    assert stored == list(range(103))
    assert sizes[0] == 4
    assert max(sizes) <= 5


def test_a_single_row_that_does_not_fit_is_an_error() -> None:
    def commit(rows: list[int]) -> None:
        if 3 in rows:
            raise MemoryError

    with pytest.raises(MemoryError):
        batches(range(10), commit, size=4)
    assert Guard.started() is None


@linux
def test_batches_are_no_larger_than_there_is_room_for() -> None:
    """In a real group: 20 rows of 8 MB at once would not fit into it."""
    code = """
from debug_memory import batches
sizes = []
def commit(rows):
    held = [bytearray(b"x") * (8 << 20) for _ in rows]
    sizes.append(len(rows))
report = batches(range(60), commit, size=20)
print(report.rows, max(sizes), sum(sizes), report.row_bytes >> 20)
"""
    with real_v1_group(128 * MB) as group:
        rows, largest, committed, row_mb = map(int, run_python(join(group) + code).split())
    assert (rows, committed) == (60, 60)
    assert largest < 14
    assert 4 <= row_mb <= 24


@linux
def test_what_was_freed_is_returned_between_batches() -> None:
    owns: list[int] = []
    kept: list[bytes] = []

    def commit(rows: list[int]) -> None:
        owns.append(read().own)
        blocks = [bytes(1000) for _ in range(60_000)]
        kept.append(blocks[-1])  # holds the heap in place

    batches(range(4), commit, size=1)
    assert max(owns) - owns[0] < 20 * MB


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    store = tmp_path / "rows.sqlite"
    command = [sys.executable, "-c", KILLED, str(store)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as first:
        assert first.stdout is not None
        for _ in range(3):
            first.stdout.readline()
        first.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while True:  # the kill came somewhere in the third batch, or later
        with sqlite3.connect(store) as connection:
            kept = [number for (number,) in connection.execute("SELECT number FROM rows")]
        if len(kept) % 4 == 0:
            break
        assert time.monotonic() < deadline
    assert len(kept) >= 8
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    *worked, end = done.stdout.splitlines()
    assert end == f"end {40 - len(kept)} {len(kept)}"
    assert " ".join(worked).split() == [str(number) for number in range(len(kept), 40)]
