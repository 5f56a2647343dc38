import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_toolkit.measure import reading
from memory_toolkit.record.timeline import SECONDS_KEPT, Timeline
from tests.memory_toolkit.planted import MB, fill, linux, near, run_python


@pytest.fixture
def quick() -> Iterator[Timeline]:
    """A timeline that notes every 10 ms."""
    found = Timeline(seconds_apart=0.01)
    found.start()
    yield found
    found.stop()


def wait_for(found: Timeline, count: int) -> None:
    """Until `count` more notes were taken; the first of them may have begun before."""
    last, deadline = len(found.points()) + count, time.monotonic() + 10
    while len(found.points()) < last:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@linux
def test_it_follows_the_memory(quick: Timeline) -> None:
    wait_for(quick, 2)
    before = quick.points()[-1]
    began = time.time()
    kept = fill(60)
    wait_for(quick, 2)
    after = quick.points()[-1]
    assert near(after.own - before.own, 60)
    assert before.time < began < after.time <= time.time()
    assert after.file is not None
    times = [point.time for point in quick.points()]
    assert times == sorted(times)
    del kept


def test_off_linux_there_are_no_file_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_broker", reading._Broker(str(tmp_path)))
    found = Timeline(seconds_apart=0.01)
    found.start()
    wait_for(found, 1)
    found.stop()
    assert found.points()[0].file is None
    assert found.points()[0].own > MB


def test_ten_minutes_are_kept_in_little_memory() -> None:
    code = (
        "import tracemalloc\n"
        "from memory_toolkit.record.timeline import SECONDS_KEPT, Timeline\n"
        "found = Timeline()\n"
        "found._note()\n"
        "tracemalloc.start()\n"
        "for _ in range(SECONDS_KEPT + 50): found._note()\n"
        "first, last = found.points()[0], found.points()[-1]\n"
        "print(len(found.points()), tracemalloc.get_traced_memory()[0], first.time < last.time)"
    )
    count, size, in_order = run_python(code).split()
    assert int(count) == SECONDS_KEPT
    assert int(size) < 0.2 * MB
    assert in_order == "True"


def test_starting_twice_is_starting_once(quick: Timeline) -> None:
    threads = threading.active_count()
    quick.start()
    assert threading.active_count() == threads


def test_it_stops_keeps_what_it_has_and_starts_again(quick: Timeline) -> None:
    wait_for(quick, 1)
    quick.stop()
    quick.stop()
    kept = quick.points()
    time.sleep(0.05)
    assert quick.points() == kept
    quick.start()
    wait_for(quick, 2)
    assert quick.points()[: len(kept)] == kept


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_a_fork_it_can_be_started_anew() -> None:
    code = (
        "import os, time\n"
        "from memory_toolkit.record.timeline import Timeline\n"
        "found = Timeline(seconds_apart=0.01)\n"
        "found.start()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    before = len(found.points())\n"
        "    found.start()\n"
        "    time.sleep(0.3)\n"
        "    os._exit(0 if len(found.points()) > before else 3)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert run_python(code) == "0"
