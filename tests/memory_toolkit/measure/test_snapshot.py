from pathlib import Path

import pytest

from memory_toolkit.measure import reading
from memory_toolkit.measure.limit import LIMIT_VARIABLE
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB
from memory_toolkit.measure.snapshot import Snapshot, snapshot
from tests.memory_toolkit.groups import join, memory_held, real_v1_group
from tests.memory_toolkit.planted import fill, linux, near, run_python


@pytest.fixture(autouse=True)
def _no_limit_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LIMIT_VARIABLE, raising=False)


@linux
def test_it_is_a_reading_beside_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "512M")
    kept = fill(50)
    now = snapshot()
    assert near(now.own - read().own, 0)
    assert (now.limit, now.limit_source) == (512 * MB, LIMIT_VARIABLE)
    assert now.group_used is None
    assert now.headroom == now.limit - now.own
    del kept


def test_the_machine_counts_what_all_processes_hold() -> None:
    now = snapshot()
    if now.limit_source != "machine":
        pytest.skip("a control group sets the limit here")
    assert now.group_used is not None
    assert now.headroom == now.limit - max(now.own, now.group_used)


def test_headroom_takes_the_larger_of_own_and_group() -> None:
    def headroom(group_used: int | None) -> int:
        return Snapshot(rss=40, limit=100, limit_source="x", group_used=group_used).headroom

    assert (headroom(None), headroom(70), headroom(30)) == (60, 30, 60)


def test_headroom_counts_the_other_processes_of_a_real_group() -> None:
    code = "import debug_memory as d; now = d.snapshot(); print(now.own, now.headroom)"
    with real_v1_group(300 * MB) as group:
        own, alone = map(int, run_python(join(group) + code).split())
        with memory_held(group, 60 * MB):
            own_then, beside = map(int, run_python(join(group) + code).split())
        assert near(own_then, own / MB)
        assert alone <= 300 * MB - own
        # The two interpreters take some as well.
        assert 300 * MB - 90 * MB < beside < 300 * MB - 60 * MB


def test_a_kill_in_the_group_is_seen_by_the_others() -> None:
    code = (
        "import subprocess, sys, debug_memory as d\n"
        "before = d.snapshot().oom_kills\n"
        "code = subprocess.run([sys.executable, '-c', 'bytearray(200 << 20)']).returncode\n"
        "print(before, d.snapshot().oom_kills, code)"
    )
    with real_v1_group(100 * MB) as group:
        assert run_python(join(group) + code) == "0 1 -9"


def test_what_is_not_told_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "1G")
    monkeypatch.setattr(reading, "_broker", reading._Broker(str(tmp_path)))
    now = snapshot()
    assert {"anon", "shmem", "file", "swap", "peak", "data", "group_used"} <= set(now.unknown)
    assert not {"rss", "limit", "limit_source"} & set(now.unknown)
    assert now.own == now.rss > 0
    assert now.headroom == 1024 * MB - now.rss


def test_compare_tells_each_part_that_both_know() -> None:
    earlier = Snapshot(rss=9 * MB, anon=5 * MB, shmem=0, file=4 * MB, limit=1, limit_source="x")
    later = Snapshot(
        rss=14 * MB, anon=12 * MB, shmem=0, file=2 * MB, swap=MB, limit=1, limit_source="x"
    )
    assert later.compare(earlier) == (
        "own +7.0 MB, anon +7.0 MB, shmem 0.0 MB, file -2.0 MB, rss +5.0 MB"
    )


@linux
def test_compare_two_real_moments() -> None:
    before = snapshot()
    kept = fill(50)
    assert snapshot().compare(before).startswith(("own +50.", "own +49.", "own +51."))
    del kept


def test_a_wrong_limit_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "lots")
    with pytest.raises(ValueError, match=f"^{LIMIT_VARIABLE}=lots: give a size of at least 1M"):
        snapshot()
