import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.flight_recorder import (
    FOLDER_VARIABLE,
    Flight,
    FlightRecorder,
    InFlight,
    describe_flight,
    read_flights,
)
from memory_toolkit.record.recorder import record
from memory_toolkit.record.report import facts
from tests.memory_toolkit.planted import ROOT, linux, near

# Two actions wait; a third fills memory piece by piece until it is killed.
GREEDY = """
import threading, time
from debug_memory import Guard, action
guard = Guard()
began = threading.Barrier(3)
def wait(name):
    with guard.admit(name, 1 << 20), action(name):
        began.wait()
        time.sleep(60)
for name in ("/users", "/news"):
    threading.Thread(target=wait, args=(name,), daemon=True).start()
began.wait()
with guard.admit("/analyze", 5 << 20), action("/analyze"):
    held = []
    while True:
        held.append(bytearray(b"x") * (1 << 20))
        time.sleep(0.004)
"""
FLIGHT = Flight(9, 100.0, 103.0, 90 * MB, 256 * MB, False, 0, (), ())


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), FOLDER_VARIABLE: str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )


@linux
def test_run_says_which_action_was_killed_by_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    found = record([sys.executable, "-c", GREEDY], 100 * MB)
    if not found.limit_source.startswith("cgroup"):
        pytest.skip("no memory control group that this user may make")
    told = re.fullmatch(
        r"was killed by the limit of 100\.0 MB, not by a crash, "
        r"while /analyze \(\+([0-9.]+) MB in [0-9.]+ s\) and 2 others ran",
        found.ending.text,
    )
    assert told, found.ending.text
    assert 60 < float(told[1]) < 100
    decisions = [value for name, value in facts(found) if name == "Guard"]
    assert len(decisions) == 3
    assert decisions[-1].startswith("admitted /analyze (5.0 MB), ")


@linux
def test_the_next_start_says_once_what_ran_before_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "flights"
    killed = python(
        "import os, signal\n"
        "from debug_memory import action\n"
        "with action('embed'):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)",
        folder,
    )
    assert killed.returncode == -signal.SIGKILL
    start = "from debug_memory import Guard\nguard = Guard(); guard.start(); guard.stop()"
    first, second = python(start, folder), python(start, folder)
    assert re.fullmatch(
        r"process \d+, which ran before, did not end by itself while embed "
        r"\([+0-9.]+ MB in 0\.\d s\) ran; it held [0-9.]+ MB when it was last seen\n",
        first.stderr,
    )
    assert second.stderr == ""
    assert list(folder.iterdir()) == []


@linux
def test_forked_processes_have_files_of_their_own_and_an_ended_one_has_none(
    tmp_path: Path,
) -> None:
    code = """
import os, signal, sys
from debug_memory import action
with action("parent"):
    child = os.fork()
    if not child:
        with action("child"):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
print(child)
"""
    done = python(code, tmp_path)
    (flight,) = read_flights(tmp_path)
    assert flight.pid == int(done.stdout)
    assert [one.name for one in flight.actions] == ["child"]


@linux
def test_actions_that_run_are_in_the_file_and_those_that_ended_are_not(tmp_path: Path) -> None:
    recorder = FlightRecorder(tmp_path)
    places = [recorder.begin(f"action {number}", 10 * MB) for number in range(70)]
    assert places[64:] == [None] * 6  # more than it has room for are not noted
    for place in places[1:64]:
        assert place is not None
        recorder.end(place)
    assert recorder.begin("é" * 100, 20 * MB) is not None
    for number in range(20):
        recorder.note("admitted", f"action {number}", number)
    (flight,) = read_flights(tmp_path)
    assert sorted(one.name for one in flight.actions) == ["action 0", "é" * 44]
    assert [note.need for note in flight.notes] == list(range(4, 20))
    deadline = time.monotonic() + 30
    held = bytearray(b"x") * (30 * MB)
    while not any(one.touched for one in read_flights(tmp_path)[0].actions):
        held += bytearray(b"x") * MB
        assert time.monotonic() < deadline
        time.sleep(0.01)
    recorder.end_well()
    assert read_flights(tmp_path) == []


def test_what_is_no_file_of_it_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "1.flight").write_bytes(b"")
    (tmp_path / "2.flight").write_bytes(bytes(20_000))
    assert read_flights(tmp_path) == []


def test_the_action_that_took_most_is_named_with_what_nobody_saw() -> None:
    def ran(*actions: InFlight, own: int = 90 * MB) -> str:
        return describe_flight(FLIGHT._replace(actions=actions), 104.0, own)

    worst = InFlight("/analyze", 1, 102.5, 20 * MB, 50 * MB)
    other = InFlight("/news", 2, 101.0, 10 * MB, 0)
    assert ran() == ""
    assert ran(worst) == "/analyze (+50.0 MB in 1.5 s)"
    assert ran(worst, other) == "/analyze (+50.0 MB in 1.5 s) and 1 other"
    assert ran(worst, other, other, own=256 * MB) == "/analyze (+216.0 MB in 1.5 s) and 2 others"
    assert ran(other) == "/news (+80.0 MB in 3.0 s)"  # of its thread nothing was seen
    assert near(FLIGHT.own, 90)
