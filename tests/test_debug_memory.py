"""The memory toolkit against real allocations, real control groups and fixture trees."""

import gc
import os
import shutil
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

import debug_memory
from debug_memory import (
    LIMIT_VARIABLE,
    MB,
    action,
    actions,
    clear_actions,
    format_bytes,
    memory_limit,
    memory_profiler,
    print_memory_usage,
    return_memory,
    show_top_memory_usage,
    snapshot,
    start_memory_tracking,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="the parts are known on Linux only")
resettable = pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="the peak cannot be reset here"
)
MACHINE = psutil.virtual_memory().total
SOURCE = Path(debug_memory.__file__)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LIMIT_VARIABLE, raising=False)
    clear_actions()


def fill(megabytes: int) -> np.ndarray:
    """An array whose every page is resident.

    From 32 MB on glibc always maps anew; below, it may use free pages that count already.
    """
    return np.ones(megabytes * MB // 8)


def near(measured: int, expected_mb: float) -> bool:
    return abs(measured - expected_mb * MB) <= max(2 * MB, 0.02 * expected_mb * MB)


def run_python(code: str) -> str:
    """What `code` prints in a process of its own, with debug_memory importable."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=SOURCE.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()


# Sizes


def test_format_bytes() -> None:
    assert format_bytes(round(61.2 * MB)) == "61.2 MB"
    assert format_bytes(1536 * MB) == "1,536.0 MB"
    assert format_bytes(MB, signed=True) == "+1.0 MB"
    assert format_bytes(-MB, signed=True) == "-1.0 MB"
    assert format_bytes(-1000, signed=True) == format_bytes(-1000) == "0.0 MB"


# The limit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("256M", 256 * MB),
        ("1G", 1024 * MB),
        ("1.5g", 1536 * MB),
        ("512 MiB", 512 * MB),
        ("64kb", 64 * 1024),
        ("1048576", MB),
    ],
)
def test_limit_from_the_environment(
    text: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    assert memory_limit() == (expected, LIMIT_VARIABLE)


@pytest.mark.parametrize("text", ["lots", "-1", "0", "0.1", "12Q", "1..5G", "M"])
def test_a_wrong_limit_is_refused_by_name(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    with pytest.raises(ValueError, match=f"^{LIMIT_VARIABLE}={text}: write a size such as 256M"):
        snapshot()


V1 = "36 31 0:32 {root} {point} rw,relatime shared:9 - cgroup cgroup rw,memory"
V2 = "41 31 0:38 {root} {point} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
NO_LIMIT_V1 = 9223372036854771712


def proc_tree(
    tmp_path: Path,
    mount: str,
    root: str,
    group: str,
    limits: dict[str, object],
    folder: str = "cg",
) -> tuple[str, Path]:
    """A /proc whose process is in `group`, and the mount point that holds the `limits`."""
    point = tmp_path / folder
    file = "memory.max" if mount == V2 else "memory.limit_in_bytes"
    for directory, limit in limits.items():
        (point / directory).mkdir(parents=True, exist_ok=True)
        (point / directory / file).write_text(f"{limit}\n")
    process = tmp_path / "proc" / "self"
    process.mkdir(parents=True)
    shown = str(point).replace(" ", "\\040")
    (process / "mountinfo").write_text(
        "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
        "35 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        + mount.format(root=root, point=shown)
        + "\n"
    )
    prefix = "0::" if mount == V2 else "5:cpu,cpuacct:/\n4:memory:"
    (process / "cgroup").write_text(f"9:name=systemd:/\n{prefix}{group}\n")
    return str(tmp_path / "proc"), point


@pytest.mark.parametrize(
    ("mount", "root", "group", "limits", "expected_mb", "directory"),
    [
        pytest.param(
            *(V1, "/", "/docker/abc"),
            {"": NO_LIMIT_V1, "docker": 256 * MB, "docker/abc": 512 * MB},
            *(256, "docker"),
            id="v1-smaller-ancestor",
        ),
        pytest.param(
            *(V1, "/docker/abc", "/docker/abc", {"": 300 * MB}, 300, ""),
            id="v1-container-mounts-its-own-group",
        ),
        pytest.param(
            *(V1, "/", "/docker/abc", {"": 300 * MB}, 300, ""),
            id="v1-group-not-visible",
        ),
        pytest.param(
            *(V2, "/", "/user/app", {"user": 200 * MB, "user/app": "max"}, 200, "user"),
            id="v2-smaller-ancestor",
        ),
        pytest.param(
            *(V2, "/", "/user/app", {"user": "max", "user/app": 128 * MB}, 128, "user/app"),
            id="v2-own-group",
        ),
        pytest.param(*(V2, "/", "/", {"": 100 * MB}, 100, ""), id="v2-private-namespace"),
        pytest.param(
            *(V2, "/..", "/../app", {"": "max", "app": 100 * MB, "other": MB}, 100, "app"),
            id="v2-climbs-out-of-the-namespace",
        ),
        pytest.param(
            *(V2, "/", "/../app", {"": 100 * MB, "app": MB, "../app": MB}, 100, ""),
            id="v2-group-outside-the-mount",
        ),
        pytest.param(
            *(V2, "/..", "/here/app", {"": 100 * MB, "app": MB}, 100, ""),
            id="v2-mount-from-outside-the-namespace",
        ),
    ],
)
def test_limit_from_the_groups(
    tmp_path: Path,
    mount: str,
    root: str,
    group: str,
    limits: dict[str, object],
    expected_mb: int,
    directory: str,
) -> None:
    proc, point = proc_tree(tmp_path, mount, root, group, limits)
    version = "v2" if mount == V2 else "v1"
    assert memory_limit(proc) == (expected_mb * MB, f"cgroup {version} {point / directory}")


@pytest.mark.parametrize(
    ("mount", "limit"), [(V1, NO_LIMIT_V1), (V2, "max"), (V2, MACHINE + 1), (V1, MACHINE * 2)]
)
def test_without_a_limit_the_machine_is_the_limit(
    tmp_path: Path, mount: str, limit: object
) -> None:
    proc, _ = proc_tree(tmp_path, mount, "/", "/app", {"": limit, "app": limit})
    assert memory_limit(proc) == (MACHINE, "machine")
    assert memory_limit(str(tmp_path / "no-such-proc")) == (MACHINE, "machine")


def test_a_mount_point_with_a_space(tmp_path: Path) -> None:
    proc, point = proc_tree(tmp_path, V2, "/", "/app", {"app": 90 * MB}, folder="c g")
    assert memory_limit(proc) == (90 * MB, f"cgroup v2 {point}/app")


@pytest.fixture
def v1_group() -> Iterator[Path]:
    """A real v1 memory group below this process's own, removed afterwards."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        path = next(line.split(":", 2)[2] for line in lines if ":memory:" in line)
        outer = Path(f"/sys/fs/cgroup/memory{path}") / f"matinee-test-{os.getpid()}"
        outer.mkdir()
    except (OSError, StopIteration):
        pytest.skip("no v1 memory control group that this user may write to")
    inner = outer / "inner"
    try:
        inner.mkdir()
        yield inner
    finally:
        inner.rmdir()
        outer.rmdir()


def test_limit_in_a_real_v1_group(v1_group: Path) -> None:
    outer = v1_group.parent
    (outer / "memory.limit_in_bytes").write_text(str(200 * MB))
    (v1_group / "memory.limit_in_bytes").write_text(str(400 * MB))
    printed = run_python(
        f"import os; open({str(v1_group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))\n"
        "import debug_memory; print(*debug_memory.memory_limit(), sep='|')"
    )
    assert printed == f"{200 * MB}|cgroup v1 {outer}"


# The present


@linux
def test_snapshot_tells_the_parts() -> None:
    before = snapshot()
    kept = fill(50)
    after = snapshot()
    assert near(after.own - before.own, 50)
    assert near(after.rss - after.own, after.file / MB)
    assert after.headroom == after.limit - after.own
    assert after.peak >= after.rss
    del kept


@linux
def test_mapped_file_pages_are_not_own(tmp_path: Path) -> None:
    np.save(tmp_path / "mapped.npy", fill(50))
    before = snapshot()
    mapped = np.load(tmp_path / "mapped.npy", mmap_mode="r")
    assert mapped.sum() == mapped.size
    after = snapshot()
    assert near(after.file - before.file, 50)
    assert near(after.own - before.own, 0)


@resettable
def test_the_life_long_peak_survives_the_resets_of_actions() -> None:
    start = snapshot().rss
    temporary = fill(100)
    del temporary
    with action("resets the mark"):
        pass
    assert snapshot().peak >= start + 95 * MB


def test_where_the_parts_are_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug_memory, "_broker", debug_memory._Broker(str(tmp_path)))
    now = snapshot()
    assert (now.anon, now.shmem, now.file, now.swap, now.peak) == (None,) * 5
    assert now.own == now.rss > 0
    with action("load") as load:
        kept = fill(50)
    assert near(load.record.change, 50)
    assert load.record.peak == load.record.after
    assert not load.record.exact
    del kept


@linux
def test_a_forked_child_reads_itself() -> None:
    printed = run_python(
        "import os, debug_memory as d\n"
        "before = d.snapshot().own\n"
        "if os.fork() == 0:\n"
        "    kept = bytearray(80 << 20)\n"
        "    print(d.snapshot().own - before, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    assert near(int(printed), 80)


def test_it_is_importable_alone(tmp_path: Path) -> None:
    shutil.copy(SOURCE, tmp_path)
    heavy = {"streamlit", "numpy", "pyarrow", "tracemalloc", "recommender"}
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import debug_memory; debug_memory.return_memory()\n"
        f"print(debug_memory.__file__, sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == f"{tmp_path / 'debug_memory.py'} []"


# Actions


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
        assert record.exact
        assert near(record.peak - record.before, megabytes)
        assert near(record.change, change)
        assert near(record.rss_after - record.rss_before, change)
    del array


@linux
@resettable
def test_the_peak_of_bytes_in_a_thread() -> None:
    def work() -> None:
        with action("bytes"):
            payload = b"x" * (60 * MB)
            payload = payload[: 40 * MB]
            assert len(payload) == 40 * MB

    work()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    record = actions()[0]
    assert record.exact
    # Both sizes live for the moment of the slice.
    assert near(record.peak - record.before, 100)


@linux
@resettable
def test_file_pages_do_not_pass_for_own_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "mapped.npy", fill(50))
    with action("scan") as scan:
        mapped = np.load(tmp_path / "mapped.npy", mmap_mode="r")
        assert mapped.sum() == mapped.size
    assert near(scan.record.peak - scan.record.before, 0)
    assert not scan.record.exact  # a peak before the pages came in could have been 50 MB higher


@resettable
def test_a_later_action_does_not_take_the_peak_of_an_open_one() -> None:
    with action("outer") as outer:
        fill(100).sum()
        with action("inner") as inner:
            pass
    assert near(outer.record.peak - outer.record.before, 100)
    assert near(inner.record.peak - inner.record.before, 0)
    assert outer.record.overlaps == inner.record.overlaps == 0
    assert [record.name for record in actions()] == ["outer", "inner"]


@resettable
def test_four_threads_at_once() -> None:
    """All four are open while each in turn holds 40 MB and, later, all hold 40 MB together."""
    together = threading.Barrier(4)
    turn = threading.Lock()

    def work(name: str) -> None:
        with action(name):
            together.wait()
            with turn, action(f"{name} alone"):
                fill(40).sum()
            together.wait()
            kept = fill(40)
            together.wait()
        del kept
        together.wait()

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    start = snapshot().own
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = {record.name: record for record in actions()}
    assert len(records) == 8
    for number in range(4):
        whole, alone = records[f"t{number}"], records[f"t{number} alone"]
        assert near(whole.peak - start, 160)
        assert near(alone.peak - alone.before, 40)
        assert alone.overlaps == 3
        assert whole.overlaps >= 3


@linux
def test_without_the_reset_the_peak_is_said_not_to_be_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").symlink_to("/proc/self/status")
    monkeypatch.setattr(debug_memory, "_broker", debug_memory._Broker(str(tmp_path)))
    with action("temporary") as temporary:
        fill(50).sum()
    record = temporary.record
    assert not record.exact
    assert record.peak == max(record.before, record.after)


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


def test_the_newest_500_are_kept() -> None:
    for number in range(510):
        with action(str(number)):
            pass
    assert [record.name for record in actions()] == [str(n) for n in range(509, 9, -1)]
    clear_actions()
    assert actions() == []


# Giving memory back


def garbage(megabytes: int) -> list[object]:
    """Cycles of small and middling objects that only the collector can free."""
    ring: list[object] = []
    for size in (100, 700, 5_000, 60_000):
        for _ in range(megabytes * MB // 4 // size):
            knot: list[object] = [bytes(size)]
            knot.append(knot)
            ring.append(knot)
    ring.append(ring)
    return ring


@linux
@pytest.mark.parametrize("trim", ["psutil", "ctypes"])
def test_most_of_mixed_garbage_comes_back(trim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if trim == "ctypes":
        monkeypatch.delattr(psutil, "heap_trim", raising=False)
    return_memory()
    before = snapshot().own
    gc.disable()
    try:
        held = garbage(100)
        pin = bytes(2000)  # at the top of the heap, which then cannot shrink by itself
        taken = snapshot().own - before
        del held
        returned = return_memory()
    finally:
        gc.enable()
    assert taken > 95 * MB
    assert returned.total > 0.8 * taken
    assert returned.trimmed is not None
    assert (returned.arrow is None) == ("pyarrow" not in sys.modules)
    parts = (returned.collected, returned.arrow or 0, returned.trimmed)
    assert returned.total == sum(parts)
    assert len(pin) == 2000


@linux
def test_arrow_gives_its_pool_back() -> None:
    printed = run_python(
        "import debug_memory as d, pyarrow as pa\n"
        "d.return_memory()\n"
        "before = d.snapshot().own\n"
        "held = [pa.allocate_buffer(1 << 18) for _ in range(400)]\n"
        "for buffer in held: memoryview(buffer).cast('B')[:] = bytes(1 << 18)\n"
        "taken = d.snapshot().own - before\n"
        "del held, buffer\n"
        "returned = d.return_memory()\n"
        "print(taken, returned.arrow, d.snapshot().own - before)"
    )
    taken, arrow, left = map(int, printed.split())
    assert taken > 95 * MB
    assert left < 0.2 * taken
    assert arrow >= 0


# The functions of the original guide


def test_memory_profiler_prints_each_call(capsys: pytest.CaptureFixture[str]) -> None:
    @memory_profiler
    def load(megabytes: int) -> np.ndarray:
        """An array."""
        if not megabytes:
            raise ValueError("nothing to load")
        return fill(megabytes)

    assert (load.__name__, load.__doc__) == ("load", "An array.")
    kept = load(50)
    record = actions()[0]
    assert near(record.rss_after - record.rss_before, 50)
    change = format_bytes(record.rss_after - record.rss_before, signed=True)
    assert capsys.readouterr().out == (
        f"load: {format_bytes(record.rss_before)} before, {format_bytes(record.rss_after)} after, "
        f"{change}, {record.duration:.3f} s\n"
    )
    with pytest.raises(ValueError, match="nothing to load"):
        load(0)
    assert capsys.readouterr().out.startswith("load: ")
    assert kept.size == 50 * MB // 8


def test_print_memory_usage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "1G")
    print_memory_usage("after loading")
    printed = capsys.readouterr().out
    assert printed.startswith("after loading: ")
    assert printed.endswith(f" own of 1,024.0 MB ({LIMIT_VARIABLE})\n")


def test_tracking_names_the_line_that_holds_most(capsys: pytest.CaptureFixture[str]) -> None:
    show_top_memory_usage()
    assert "call start_memory_tracking()" in capsys.readouterr().out
    start_memory_tracking()
    try:
        held = [bytes(1000) for _ in range(20_000)]
        line = sys._getframe().f_lineno - 1
        show_top_memory_usage(limit=1)
    finally:
        tracemalloc.stop()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 1
    place, size = printed[0].rsplit(": ", 1)
    assert place == f"{__file__}:{line}"
    assert float(size.removesuffix(" MB")) > 19
    assert len(held) == 20_000
