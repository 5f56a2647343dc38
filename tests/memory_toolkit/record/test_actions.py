import asyncio
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from memory_toolkit.measure import reading
from memory_toolkit.record.actions import KEPT, action, actions, clear_actions, identify_sessions
from memory_toolkit.record.summaries import summaries
from tests.memory_toolkit.planted import fill, linux, near, resettable, run_python


@pytest.fixture(autouse=True)
def _forget() -> None:
    clear_actions()


@linux
@resettable
@pytest.mark.parametrize("megabytes", [50, 100])
def test_a_kept_and_a_temporary_allocation(megabytes: int) -> None:
    with action("warm up"):
        fill(megabytes).sum()
    with action("temporary") as temporary:
        fill(megabytes).sum()
    with action("kept") as kept:
        array = fill(megabytes)
    for record, change in ((temporary.record, 0), (kept.record, megabytes)):
        assert record.peak_source == "exact"
        assert near(record.peak - record.before, megabytes)
        assert near(record.change, change)
        assert near(record.rss_after - record.rss_before, change)
    del array


@linux
@resettable
def test_file_pages_do_not_pass_for_own_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "mapped.npy", fill(50))
    with action("scan") as scan:
        mapped = np.load(tmp_path / "mapped.npy", mmap_mode="r")
        assert mapped.sum() == mapped.size
    assert near(scan.record.peak - scan.record.before, 0)
    # A peak before the pages came in could have been 50 MB higher.
    assert scan.record.peak_source == "at least"


@linux
@resettable
def test_at_least_is_never_more_than_the_truth(tmp_path: Path) -> None:
    np.save(tmp_path / "mapped.npy", fill(30))
    with action("both") as both:
        mapped = np.load(tmp_path / "mapped.npy", mmap_mode="r")
        assert mapped.sum() == mapped.size
        fill(80).sum()
    assert both.record.peak_source == "at least"
    assert near(both.record.peak - both.record.before, 80)


@linux
@resettable
def test_pages_of_files_that_stay_leave_the_peak_exact(tmp_path: Path) -> None:
    np.save(tmp_path / "mapped.npy", fill(50))
    mapped = np.load(tmp_path / "mapped.npy", mmap_mode="r")
    total = mapped.sum()
    with action("beside") as beside:
        fill(60).sum()
    assert beside.record.peak_source == "exact"
    assert near(beside.record.peak - beside.record.before, 60)
    assert total == mapped.size


@linux
def test_without_the_reset_the_peak_is_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").symlink_to("/proc/self/status")
    monkeypatch.setattr(reading, "_broker", reading._Broker(str(tmp_path)))
    with action("held") as held:
        array = fill(50)
        time.sleep(0.3)
        del array
    assert held.record.peak_source == "sampled"
    assert near(held.record.peak - held.record.before, 50)
    assert near(held.record.change, 0)


@linux
@resettable
def test_the_record_says_that_child_processes_are_not_in_it() -> None:
    """In a process of its own, since other tests may have children."""
    code = """
import subprocess, sys
from debug_memory import action
import time
greedy = [sys.executable, "-c", "b'x' * (60 << 20)"]
subprocess.run(greedy, check=True)
earlier = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
time.sleep(0.05)  # clock ticks, in which the system counts a process's age, are of 10 ms
with action("before") as before:
    sum(range(100_000))
earlier.communicate(b"\\n")
with action("alone") as alone:
    sum(range(100_000))
with action("waits") as waits:
    subprocess.run(greedy, check=True)
with action("starts") as starts:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
with action("beside") as beside:
    sum(range(100_000))
child.communicate(b"\\n")
with action("after") as after:
    sum(range(100_000))
for done in (before, alone, waits, starts, beside, after):
    print(done.record.name, done.record.children, done.record.peak_source != "exact")
"""
    assert run_python(code).splitlines() == [
        "before False False",
        "alone False False",
        "waits True True",
        "starts True True",
        "beside False False",
        "after False False",
    ]


def test_where_the_parts_are_not_known_rss_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_broker", reading._Broker(str(tmp_path)))
    with action("load") as load:
        kept = fill(50)
    assert load.record.peak_source == "sampled"
    assert near(load.record.change, 50)
    assert near(load.record.rss_after - load.record.rss_before, 50)
    assert load.record.peak >= load.record.after
    del kept


def test_a_record_says_when_how_long_and_whether_it_failed() -> None:
    earliest = time.time()
    with action("waits") as waits:
        time.sleep(0.02)
    assert earliest <= waits.record.started <= time.time()
    assert waits.record.duration >= 0.02
    assert not waits.record.error
    with pytest.raises(ZeroDivisionError), action("fails"):
        _ = 1 / 0
    assert actions()[0].error
    with pytest.raises(KeyboardInterrupt), action("is stopped"):
        raise KeyboardInterrupt
    assert not actions()[0].error


def test_each_record_is_of_the_session_that_its_thread_says() -> None:
    here = threading.local()
    here.session = "first"
    identify_sessions(lambda: getattr(here, "session", None))
    try:
        with action("mine"):
            pass
        thread = threading.Thread(target=action("of no session")(lambda: None))
        thread.start()
        thread.join()
        with action("moved"):
            here.session = "second"
    finally:
        identify_sessions(lambda: None)
    sessions = {record.name: record.session for record in actions()}
    assert sessions == {"mine": "first", "of no session": None, "moved": "second"}


def test_the_decorator_keeps_the_function() -> None:
    @action("double")
    def double(number: int, *, fail: bool = False) -> int:
        """Twice the number."""
        if fail:
            raise ValueError("asked to")
        return 2 * number

    assert (double.__name__, double.__doc__) == ("double", "Twice the number.")
    threads = [threading.Thread(target=double, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert double(21) == 42
    with pytest.raises(ValueError, match="asked to"):
        double(1, fail=True)
    assert [record.name for record in actions()] == ["double"] * 10
    assert [record.error for record in actions()] == [True] + [False] * 9


def test_the_newest_are_kept() -> None:
    for number in range(KEPT + 10):
        with action(str(number)):
            pass
    newest = [str(number) for number in range(KEPT + 9, 9, -1)]
    assert [record.name for record in actions()] == newest


def test_clearing_forgets_records_and_summaries() -> None:
    with action("gone"):
        pass
    assert len(actions()) == len(summaries()) == 1
    clear_actions()
    assert actions() == []
    assert summaries() == []


def test_an_action_that_was_interrupted_does_not_stay_open() -> None:
    """An interruption may come between the steps of its own code, so that it never ends."""

    def interrupted() -> None:
        call = action("interrupted")
        call.__enter__()
        raise MemoryError

    with pytest.raises(MemoryError):
        interrupted()
    run_in_thread = threading.Thread(target=lambda: action("next")(int)())
    run_in_thread.start()
    run_in_thread.join()
    assert (actions()[0].name, actions()[0].overlaps) == ("next", 0)


def test_coroutines_at_once_overlap() -> None:
    arrived: list[str] = []

    async def visit(name: str, together: asyncio.Event) -> None:
        with action(name), action("part"):
            arrived.append(name)
            if len(arrived) == 2:
                together.set()
            await together.wait()

    async def both() -> None:
        together = asyncio.Event()
        await asyncio.gather(visit("first", together), visit("second", together))

    asyncio.run(both())
    assert [record.overlaps for record in actions()] == [2, 2, 2, 2]  # the other's two


def test_what_an_action_does_in_another_thread_is_part_of_it() -> None:
    async def outer() -> None:
        with action("outer"):
            await asyncio.to_thread(action("inner")(lambda: None))

    asyncio.run(outer())
    found = [(record.name, record.overlaps) for record in actions()]
    assert found == [("inner", 0), ("outer", 0)][::-1]
