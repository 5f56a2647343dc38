import mmap
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from memory_toolkit.measure import reading
from memory_toolkit.measure.reading import Reading, close_window, open_window, read
from memory_toolkit.measure.sizes import MB
from tests.memory_toolkit.planted import fill, linux, near, resettable, run_python


@pytest.fixture
def without_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts are known here, but the kernel's mark cannot be reset."""
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").symlink_to("/proc/self/status")
    monkeypatch.setattr(reading, "_broker", reading._Broker(str(tmp_path)))


def wait_for_the_sampler_to_end() -> None:
    deadline = time.monotonic() + 5
    while reading._broker._sampler is not None:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@linux
def test_the_parts_add_up() -> None:
    before = read()
    kept = fill(50)
    after = read()
    assert None not in vars(after).values()
    assert near(after.own - before.own, 50)
    assert after.own == after.anon + after.shmem
    assert near(after.rss - after.own, after.file / MB)
    assert after.peak >= after.rss
    assert after.data > after.anon
    del kept


@linux
def test_it_reads_what_the_kernel_writes(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text(
        "Name:\tVmRSS: 9 kB\nVmHWM:\t  60 kB\nVmRSS:\t  50 kB\nRssAnon:\t  30 kB\n"
        "RssFile:\t  15 kB\nRssShmem:\t   5 kB\nVmData:\t  80 kB\nVmSwap:\t   2 kB\n"
    )
    now = reading._Broker(str(tmp_path)).read()
    assert now == Reading(*(1024 * count for count in (50, 30, 5, 15, 2, 60, 80)))
    assert now.own == 35 * 1024


def test_where_the_parts_are_not_known_own_memory_is_rss(tmp_path: Path) -> None:
    # In a process of its own: nothing else moves its RSS.
    code = """
import sys
from memory_toolkit.measure import reading
from tests.memory_toolkit.planted import fill
reading._broker = reading._Broker(sys.argv[1])
before = reading.read()
assert before == reading.Reading(before.rss), before
kept = fill(50)
print(reading.read().own - before.own)
"""
    assert near(int(run_python(code, str(tmp_path))), 50)


@linux
def test_mapped_file_pages_are_not_own(tmp_path: Path) -> None:
    np.save(tmp_path / "mapped.npy", fill(50))
    before = read()
    mapped = np.load(tmp_path / "mapped.npy", mmap_mode="r")
    assert mapped.sum() == mapped.size
    after = read()
    assert near(after.file - before.file, 50)
    assert near(after.own - before.own, 0)


@resettable
def test_the_life_long_peak_survives_the_resets() -> None:
    start = read().rss
    temporary = fill(100)
    del temporary
    close_window(open_window())
    assert read().peak >= start + 95 * MB


@resettable
def test_between_two_windows_neither_a_peak_nor_shared_memory_is_missed() -> None:
    close_window(open_window())
    start = read()
    fill(100).sum()
    shared = mmap.mmap(-1, 40 * MB)  # anonymous and shared: RssShmem, not RssAnon
    shared.write(bytes(40 * MB))
    window = open_window()
    close_window(window)
    assert near(window.before.own - start.own, 40)
    assert near(window.before.own, read().own / MB)
    assert near(window.before.file, start.file / MB)
    assert read().peak >= start.rss + 95 * MB
    shared.close()


@resettable
def test_a_window_sees_the_peak_that_another_has_reset() -> None:
    outer = open_window()
    fill(100).sum()
    inner = open_window()
    close_window(inner)
    close_window(outer)
    assert outer.marked
    assert inner.marked
    assert near(outer.peak - outer.before.rss, 100)
    assert near(inner.peak - inner.before.rss, 0)
    assert (outer.overlaps, inner.overlaps) == (0, 0)


def test_overlaps_are_windows_of_other_threads() -> None:
    mine = open_window()
    seen = []

    def work() -> None:
        for _ in range(2):
            window = open_window()
            close_window(window)
            seen.append(window.overlaps)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    close_window(mine)
    assert seen == [1, 1]
    assert mine.overlaps == 2


@linux
@pytest.mark.usefixtures("without_mark")
def test_the_sampler_sees_what_is_held_for_a_while() -> None:
    window = open_window()
    assert not window.marked
    held = fill(50)
    time.sleep(0.3)  # ten times the interval and more, without the interpreter lock
    del held
    close_window(window)
    assert near(window.own_peak - window.before.own, 50)
    wait_for_the_sampler_to_end()


@linux
@pytest.mark.usefixtures("without_mark")
def test_one_sampler_serves_all_windows_and_ends_by_itself() -> None:
    first, second = open_window(), open_window()
    sampler = reading._broker._sampler
    assert sampler is not None
    assert sampler.is_alive()
    close_window(first)
    time.sleep(5 * reading.SAMPLE_SECONDS)
    assert reading._broker._sampler is sampler
    close_window(second)
    wait_for_the_sampler_to_end()
    sampler.join(5)
    assert not sampler.is_alive()
    close_window(third := open_window())
    assert third.own_peak >= third.before.own
    wait_for_the_sampler_to_end()


@linux
def test_with_the_mark_there_is_no_sampler() -> None:
    window = open_window()
    assert (reading._broker._sampler is None) == window.marked
    close_window(window)


@linux
def test_a_forked_child_reads_itself_even_while_the_lock_is_held() -> None:
    printed = run_python(
        "import os, debug_memory as d\n"
        "from memory_toolkit.measure import reading\n"
        "before = d.snapshot().own\n"
        "with reading._broker._lock:\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        kept = bytearray(80 << 20)\n"
        "        print(d.snapshot().own - before, flush=True)\n"
        "        os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    assert near(int(printed), 80)


@linux
def test_an_action_open_at_the_fork_ends_well_in_both() -> None:
    printed = run_python(
        "import os, debug_memory as d\n"
        "with d.action('both') as both:\n"
        "    child = os.fork()\n"
        "    kept = bytearray((80 if child == 0 else 40) << 20)\n"
        "if child: os.waitpid(child, 0)\n"
        "print(both.record.peak - both.record.before, flush=True)\n"
        "if child == 0: os._exit(0)\n"
    )
    child, parent = printed.split()
    assert near(int(child), 80)
    assert near(int(parent), 40)


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_where_the_reset_is_forbidden_the_peak_is_sampled() -> None:
    """A process that may not be dumped may not write to its own clear_refs."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import ctypes, os, time, debug_memory as d\n"
            "ctypes.CDLL(None).prctl(4, 0)\n"  # PR_SET_DUMPABLE
            "os.setuid(65534)\n"
            "with d.action('held') as held:\n"
            "    kept = bytearray(50 << 20)\n"
            "    time.sleep(0.2)\n"
            "    del kept\n"
            "record = held.record\n"
            "print(record.peak_source, record.peak - record.before)",
        ],
        cwd=Path(reading.__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    source, peak = done.stdout.split()
    assert source == "sampled"
    assert near(int(peak), 50)


@linux
def test_what_a_thread_touched_is_its_own() -> None:
    told: dict[str, int] = {}
    together = threading.Barrier(2)

    def work(name: str, megabytes: int) -> None:
        mine = threading.get_native_id()
        together.wait()
        before = reading.touched(mine)
        kept = fill(megabytes)
        after = reading.touched(mine)
        assert before is not None
        assert after is not None
        assert reading.touched_here() == pytest.approx(after, abs=MB)
        told[name] = after - before
        del kept

    threads = [threading.Thread(target=work, args=pair) for pair in (("much", 60), ("little", 40))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Of large pages each counts as a small one, so it may be less, but never the other one's.
    assert told["much"] < 62 * MB
    assert told["little"] < 42 * MB
    assert reading.touched(2**22 + 1) is None
