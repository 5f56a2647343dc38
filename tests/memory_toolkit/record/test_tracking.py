import re
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from memory_toolkit.measure.limit import LIMIT_VARIABLE
from memory_toolkit.measure.sizes import MB, format_bytes
from memory_toolkit.record.actions import actions
from memory_toolkit.record.tracking import (
    count_objects,
    is_tracking,
    memory_profiler,
    print_memory_usage,
    show_top_memory_usage,
    start_memory_tracking,
    stop_memory_tracking,
    top_lines,
)
from tests.memory_toolkit.planted import fill, linux, near, resettable, run_python


@pytest.fixture
def tracking() -> Iterator[None]:
    start_memory_tracking()
    try:
        yield
    finally:
        stop_memory_tracking()


@linux
def test_memory_profiler_prints_and_records_each_call(capsys: pytest.CaptureFixture[str]) -> None:
    @memory_profiler
    def load(megabytes: int) -> np.ndarray:
        """An array."""
        if not megabytes:
            raise ValueError("nothing to load")
        return fill(megabytes)

    assert (load.__name__, load.__doc__) == ("load", "An array.")
    kept = load(50)
    record = actions()[0]
    assert (record.name, record.error) == ("load", False)
    assert near(record.rss_after - record.rss_before, 50)
    change = format_bytes(record.rss_after - record.rss_before, signed=True)
    peak = format_bytes(record.peak - record.before, signed=True)
    assert capsys.readouterr().out == (
        f"load: {format_bytes(record.rss_before)} before, {format_bytes(record.rss_after)} after, "
        f"{change}, {peak} of own memory at its peak ({record.peak_source}), "
        f"{record.duration:.3f} s\n"
    )
    with pytest.raises(ValueError, match="nothing to load"):
        load(0)
    assert capsys.readouterr().out.startswith("load: ")
    assert actions()[0].error
    assert near(kept.nbytes, 50)


@linux
@resettable
def test_memory_profiler_prints_a_peak_of_which_nothing_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(60).sum()  # what it needs of program files is in memory from now on
    memory_profiler(lambda: fill(60).sum())()
    printed = capsys.readouterr().out
    match = re.search(r"([+-][0-9.]+) MB of own memory at its peak \(exact\)", printed)
    assert match
    assert near(int(float(match[1]) * MB), 60)


def test_memory_profiler_says_that_child_processes_are_not_in_its_figures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    memory_profiler(lambda: subprocess.run([sys.executable, "-c", ""], check=True))()
    assert ", without its child processes), " in capsys.readouterr().out


def test_print_memory_usage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "1G")
    print_memory_usage("after loading")
    printed = capsys.readouterr().out
    assert printed.startswith("after loading: ")
    assert printed.endswith(f" own of 1,024.0 MB ({LIMIT_VARIABLE})\n")


def test_without_tracking_it_says_how_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert not is_tracking()
    assert top_lines() == []
    show_top_memory_usage()
    assert "call start_memory_tracking()" in capsys.readouterr().out


@pytest.mark.usefixtures("tracking")
def test_tracking_names_the_line_that_holds_most(capsys: pytest.CaptureFixture[str]) -> None:
    assert is_tracking()
    held = [bytes(1000) for _ in range(20_000)]
    line = sys._getframe().f_lineno - 1
    (top,) = top_lines(1)
    show_top_memory_usage(limit=1)
    assert top.place == f"{__file__}:{line}"
    assert 20_000 <= top.blocks <= 20_002  # the list itself is one, its frame may be another
    least = sum(map(sys.getsizeof, held))
    assert least <= top.size <= least + 2 * sys.getsizeof(held)
    (printed,) = capsys.readouterr().out.splitlines()
    place, size = printed.rsplit(": ", 1)
    assert place == top.place
    assert float(size.removesuffix(" MB")) > 19


@pytest.mark.usefixtures("tracking")
def test_the_lines_are_ordered_by_size_and_what_was_freed_is_not_listed() -> None:
    freed = [bytes(1000) for _ in range(30_000)]
    gone = sys._getframe().f_lineno - 1
    large = [bytes(1000) for _ in range(9_000)]
    small = [bytes(1000) for _ in range(3_000)]
    line = sys._getframe().f_lineno - 1
    del freed
    places = [top.place for top in top_lines(1000)]
    assert places.index(f"{__file__}:{line - 1}") < places.index(f"{__file__}:{line}")
    assert f"{__file__}:{gone}" not in places
    sizes = [top.size for top in top_lines(5)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 5
    assert len(large) == 3 * len(small)


def test_stopping_forgets_what_was_noted() -> None:
    start_memory_tracking()
    held = [bytes(1000) for _ in range(1000)]
    assert top_lines()
    stop_memory_tracking()
    assert not is_tracking()
    assert top_lines() == []
    start_memory_tracking()
    try:
        assert sum(top.size for top in top_lines(1000)) < sum(map(len, held))
    finally:
        stop_memory_tracking()


class Planted:
    """A type that nothing else makes."""


def test_count_objects_counts_planted_ones() -> None:
    held = [Planted() for _ in range(5000)]
    everything = count_objects(100_000)
    assert (f"{__name__}.Planted", 5000) in everything
    counts = [count for _, count in everything]
    assert counts == sorted(counts, reverse=True)
    assert len(count_objects(3)) == 3
    assert min(count for _, count in count_objects(3)) >= counts[3]
    del held
    assert f"{__name__}.Planted" not in dict(count_objects(100_000))


def test_tracemalloc_is_imported_only_when_tracking_starts() -> None:
    printed = run_python(
        "import sys, debug_memory as d\n"
        "first = 'tracemalloc' in sys.modules; d.start_memory_tracking()\n"
        "print(first, 'tracemalloc' in sys.modules)"
    )
    assert printed == "False True"
