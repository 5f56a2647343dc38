import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from memory_toolkit.measure.limit import (
    LIMIT_VARIABLE,
    Group,
    configure_memory_limit,
    enforced_limit,
    memory_limit,
    read_pressure,
)
from memory_toolkit.measure.sizes import MB
from tests.memory_toolkit.groups import (
    NO_LIMIT_V1,
    V1,
    V2,
    join,
    memory_held,
    proc_tree,
    real_v1_group,
)
from tests.memory_toolkit.planted import near, run_python

MACHINE = psutil.virtual_memory().total


@pytest.fixture(autouse=True)
def _no_limit_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LIMIT_VARIABLE, raising=False)


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proc, point = proc_tree(tmp_path, V2, "/", "/app", {"app": 100 * MB})
    monkeypatch.setenv(LIMIT_VARIABLE, " 1.5g ")
    limit = memory_limit(proc)
    assert (limit.bytes, limit.source, limit.group) == (1536 * MB, LIMIT_VARIABLE, None)
    assert limit.home == Group(f"{point}/app", "v2")
    assert limit.used() is None


def test_more_than_the_machine_has_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, str(MACHINE + 1))
    assert memory_limit() == enforced_limit()


def test_what_the_application_says_comes_before_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc, _ = proc_tree(tmp_path, V2, "/", "/app", {"app": 100 * MB})
    monkeypatch.setenv(LIMIT_VARIABLE, "lots")
    configure_memory_limit(300 * MB, "SHOP_LIMIT")
    limit = memory_limit(proc)
    assert (limit.bytes, limit.source, limit.used()) == (300 * MB, "SHOP_LIMIT", None)
    configure_memory_limit(None, "SHOP_LIMIT")
    assert memory_limit(proc).bytes == 100 * MB


def test_an_empty_variable_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proc, _ = proc_tree(tmp_path, V2, "/", "/app", {"app": 100 * MB})
    monkeypatch.setenv(LIMIT_VARIABLE, " ")
    assert memory_limit(proc).bytes == 100 * MB


@pytest.mark.parametrize("text", ["lots", "-1", "0", "12Q", "256", "9" * 400])
def test_a_wrong_limit_is_refused_by_name(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    with pytest.raises(
        ValueError, match=f"^{LIMIT_VARIABLE}={text}: give a size of at least 1M, such as 256M"
    ):
        memory_limit()


@pytest.mark.parametrize(
    ("mount", "root", "group", "limits", "expected_mb", "directory", "home"),
    [
        pytest.param(
            *(V1, "/", "/docker/abc"),
            {"": NO_LIMIT_V1, "docker": 256 * MB, "docker/abc": 512 * MB},
            *(256, "docker", "docker/abc"),
            id="v1-smaller-ancestor",
        ),
        pytest.param(
            *(V1, "/", "/a/b/c/d"),
            {
                "": NO_LIMIT_V1,
                "a": 512 * MB,
                "a/b": 128 * MB,
                "a/b/c": 256 * MB,
                "a/b/c/d": 1024**3,
            },
            *(128, "a/b", "a/b/c/d"),
            id="v1-smallest-of-many",
        ),
        pytest.param(
            *(V1, "/docker/abc", "/docker/abc", {"": 300 * MB}, 300, "", ""),
            id="v1-container-mounts-its-own-group",
        ),
        pytest.param(
            *(V1, "/docker/abc", "/docker/abc/worker"),
            {"": 300 * MB, "worker": 90 * MB},
            *(90, "worker", "worker"),
            id="v1-group-inside-a-container",
        ),
        pytest.param(
            *(V1, "/", "/docker/abc", {"": 300 * MB}, 300, "", "docker/abc"),
            id="v1-group-not-visible",
        ),
        pytest.param(
            *(V2, "/", "/user/app", {"user": 200 * MB, "user/app": "max"}),
            *(200, "user", "user/app"),
            id="v2-smaller-ancestor",
        ),
        pytest.param(
            *(V2, "/", "/user/app", {"user": "max", "user/app": 128 * MB}),
            *(128, "user/app", "user/app"),
            id="v2-own-group",
        ),
        pytest.param(*(V2, "/", "/", {"": 100 * MB}, 100, "", ""), id="v2-private-namespace"),
        pytest.param(
            *(V2, "/..", "/../app", {"": "max", "app": 100 * MB, "other": MB}, 100, "app", "app"),
            id="v2-climbs-out-of-the-namespace",
        ),
        pytest.param(
            *(V2, "/", "/../app", {"": 100 * MB, "app": MB, "../app": MB}, 100, "", ""),
            id="v2-group-outside-the-mount",
        ),
        pytest.param(
            *(V2, "/..", "/here/app", {"": 100 * MB, "app": MB}, 100, "", ""),
            id="v2-mount-from-outside-the-namespace",
        ),
    ],
)
def test_the_smallest_limit_of_the_groups(
    tmp_path: Path,
    mount: str,
    root: str,
    group: str,
    limits: dict[str, object],
    expected_mb: int,
    directory: str,
    home: str,
) -> None:
    proc, point = proc_tree(tmp_path, mount, root, group, limits)
    version = "v2" if mount == V2 else "v1"
    limit = memory_limit(proc)
    assert limit.bytes == expected_mb * MB
    assert limit.source == f"cgroup {version} {point / directory}"
    assert limit.group is not None
    assert Path(limit.group.directory) == point / directory
    assert limit.home is not None
    assert Path(limit.home.directory) == point / home


@pytest.mark.parametrize(
    ("mount", "limit"), [(V1, NO_LIMIT_V1), (V2, "max"), (V2, MACHINE + 1), (V1, MACHINE * 2)]
)
def test_without_a_limit_the_machine_is_the_limit(
    tmp_path: Path, mount: str, limit: object
) -> None:
    proc, point = proc_tree(tmp_path, mount, "/", "/app", {"": limit, "app": limit})
    found = memory_limit(proc)
    assert (found.bytes, found.source, found.group) == (MACHINE, "machine", None)
    assert found.home is not None
    assert found.home.directory == f"{point}/app"
    used = found.used()
    assert used is not None
    assert 0 < used < MACHINE


def test_without_proc_the_machine_is_the_limit(tmp_path: Path) -> None:
    found = memory_limit(str(tmp_path / "no-such-proc"))
    assert (found.bytes, found.source, found.home) == (MACHINE, "machine", None)


def test_a_mount_point_with_a_space(tmp_path: Path) -> None:
    proc, point = proc_tree(tmp_path, V2, "/", "/app", {"app": 90 * MB}, folder="c g")
    assert memory_limit(proc).source == f"cgroup v2 {point}/app"


# What a group tells


def write(directory: Path, **files: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / f"memory.{name}").write_text(text)


def test_a_v1_group_counts_its_children_and_not_the_pages_of_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        limit_in_bytes=f"{200 * MB}\n",
        usage_in_bytes=f"{150 * MB}\n",
        stat="inactive_file 7\nactive_file 7\nrss 99\n"
        f"total_inactive_file {30 * MB}\ntotal_active_file {20 * MB}\ntotal_rss 99\n",
        oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    )
    group = Group(str(tmp_path), "v1")
    assert (group.limit(), group.used(), group.oom_kills()) == (200 * MB, 100 * MB, 3)
    assert group.pressure() is None


def test_a_v2_group_counts_the_same_from_its_own_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        max=f"{200 * MB}\n",
        current=f"{150 * MB}\n",
        stat=f"anon 99\ninactive_anon 5\ninactive_file {30 * MB}\nactive_file {20 * MB}\n",
        events="low 0\nhigh 4\nmax 9\noom 6\noom_kill 5\noom_group_kill 1\n",
        pressure="some avg10=12.50 avg60=3.00 avg300=1.00 total=5\nfull avg10=9.00 total=1\n",
    )
    group = Group(str(tmp_path), "v2")
    assert (group.limit(), group.used(), group.oom_kills()) == (200 * MB, 100 * MB, 5)
    assert group.pressure() == 12.5


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_group_without_files_tells_nothing(tmp_path: Path, version: str) -> None:
    group = Group(str(tmp_path), version)
    assert (group.limit(), group.used(), group.oom_kills(), group.pressure()) == (None,) * 4


def test_more_pages_of_files_than_usage_is_nothing_used(tmp_path: Path) -> None:
    write(tmp_path, current="4096\n", stat="inactive_file 8192\n")
    assert Group(str(tmp_path), "v2").used() == 0


@pytest.mark.parametrize("text", ["", "full avg10=1.00\n", "some avg60=1.00\n"])
def test_a_pressure_file_in_other_words_is_unknown(tmp_path: Path, text: str) -> None:
    (tmp_path / "memory.pressure").write_text(text)
    assert read_pressure(str(tmp_path / "memory.pressure")) is None


# The least room of all levels


def group_of(directory: Path, most: object, current: int, **more: object) -> None:
    files = {"max": most, "current": current, "stat": "anon 1", **more}
    write(directory, **{name: f"{value}\n" for name, value in files.items()})


@pytest.mark.parametrize(
    ("inner", "outer", "limit", "room"),
    [
        pytest.param((250, 40, {}), (300, 290, {}), 250, 10, id="outer-group-nearly-full"),
        pytest.param((250, 40, {}), ("max", 290, {}), 250, 210, id="outer-group-without-a-limit"),
        pytest.param((300, 40, {"high": 100 * MB}), (400, 50, {}), 100, 60, id="own-memory.high"),
        pytest.param(
            (250, 40, {}), (400, 180, {"high": 200 * MB}), 200, 20, id="memory.high-outside"
        ),
        pytest.param(
            (250, 40, {"high": "max"}), (300, 60, {"high": "max"}), 250, 210, id="no-high"
        ),
        pytest.param((250, 260, {}), (300, 270, {}), 250, -10, id="beyond-its-limit"),
    ],
)
def test_what_is_left_is_the_least_at_any_level(
    inner: tuple[int, int, dict[str, object]],
    outer: tuple[int | str, int, dict[str, object]],
    limit: int,
    room: int,
    tmp_path: Path,
) -> None:
    proc, point = proc_tree(tmp_path, V2, "/", "/pod/app", {})
    for directory, (most, current, more) in (("pod/app", inner), ("pod", outer)):
        size = most if isinstance(most, str) else most * MB
        group_of(point / directory, size, current * MB, **more)
    found = memory_limit(proc)
    assert found.bytes == limit * MB
    assert found.source.endswith("memory.high") == (limit in (100, 200))
    used = found.used()
    assert used is not None
    assert found.bytes - used == room * MB


def test_a_variable_does_not_hide_that_less_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc, point = proc_tree(tmp_path, V2, "/", "/pod", {})
    group_of(point / "pod", 300 * MB, 290 * MB)
    monkeypatch.setenv(LIMIT_VARIABLE, "200M")
    assert memory_limit(proc).used() == 190 * MB


def test_the_hosts_hierarchy_under_a_private_namespace(tmp_path: Path) -> None:
    """As in a container that was given /sys/fs/cgroup of the host: its own group has no name."""
    proc, point = proc_tree(
        tmp_path,
        V2,
        "/../..",
        "/",
        {"": "max", "system.slice": 900 * MB, "system.slice/a": 70 * MB, "system.slice/b": 90 * MB},
    )
    for name, member in (("a", 1), ("b", os.getpid())):
        (point / "system.slice" / name / "cgroup.procs").write_text(f"2\n{member}\n")
    found = memory_limit(proc)
    assert (found.bytes, found.home) == (90 * MB, Group(f"{point}/system.slice/b", "v2"))
    assert [most for _, most in found.levels] == [90 * MB, 900 * MB]


def test_a_group_below_the_container_under_the_hosts_hierarchy(tmp_path: Path) -> None:
    limits: dict[str, object] = {"docker/x": 200 * MB, "docker/x/worker": 80 * MB}
    proc, point = proc_tree(tmp_path, V2, "/../..", "/worker", limits)
    (point / "docker/x/worker/cgroup.procs").write_text(f"{os.getpid()}\n")
    found = memory_limit(proc)
    assert (found.bytes, found.home) == (80 * MB, Group(f"{point}/docker/x/worker", "v2"))


# A real group


def test_the_limit_of_a_real_group() -> None:
    code = "import debug_memory as d; limit = d.memory_limit(); print(limit.bytes, limit.source)\n"
    with real_v1_group(200 * MB) as outer:
        inner = outer / "inner"
        inner.mkdir()
        try:
            (inner / "memory.limit_in_bytes").write_text(str(400 * MB))
            printed = run_python(join(inner) + code)
        finally:
            inner.rmdir()
        assert printed == f"{200 * MB} cgroup v1 {outer}"


def test_a_sibling_that_fills_the_outer_group_leaves_less_in_the_inner_one() -> None:
    code = """
import debug_memory as d
print(d.snapshot().limit, d.snapshot().headroom)
try:
    with d.Guard(wait=0).admit("large", 120 << 20):
        print("admitted")
except d.Busy:
    print("refused")
"""
    with real_v1_group(300 * MB) as outer:
        inner, sibling = outer / "inner", outer / "sibling"
        try:
            for group in (inner, sibling):
                group.mkdir()
                (group / "memory.limit_in_bytes").write_text(str(250 * MB))
            with memory_held(sibling, 200 * MB):
                limit, headroom, answer = run_python(join(inner) + code).split()
        finally:
            inner.rmdir()
            sibling.rmdir()
    assert int(limit) == 250 * MB
    assert 60 * MB < int(headroom) < 100 * MB
    assert answer == "refused"


def test_a_real_group_counts_own_memory_and_not_the_file_that_was_written(tmp_path: Path) -> None:
    code = (
        "import sys, debug_memory as d\n"
        "group = d.memory_limit().group\n"
        "used = [group.used()]\n"
        "kept = bytearray(50 << 20); used.append(group.used())\n"
        "with open(sys.argv[1], 'wb') as file: file.write(kept)\n"
        "used.append(group.used())\n"
        "print(used[1] - used[0], used[2] - used[1], group._fields('memory.stat', 'total_cache'))"
    )
    with real_v1_group(200 * MB) as group:
        own, file, cache = run_python(join(group) + code, str(tmp_path / "file")).split(maxsplit=2)
    assert near(int(own), 50)
    assert near(int(file), 0)
    assert int(re.sub(r"\D", "", cache)) >= 50 * MB


def test_a_kill_for_want_of_memory_is_counted() -> None:
    with real_v1_group(40 * MB) as directory:
        if (directory / "memory.memsw.limit_in_bytes").exists():
            (directory / "memory.memsw.limit_in_bytes").write_text(str(40 * MB))
        group = Group(str(directory), "v1")
        assert group.oom_kills() == 0
        ended = subprocess.run(
            [sys.executable, "-c", join(directory) + "bytearray(80 << 20)"], timeout=60
        )
        assert ended.returncode == -9
        assert group.oom_kills() == 1
