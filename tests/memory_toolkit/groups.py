"""Control groups for tests: fixture trees of both versions, and real groups of version 1."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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


@contextmanager
def real_v1_group(limit: int | None = None) -> Iterator[Path]:
    """A real v1 memory group below this process's own; the test is skipped where there is none."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        path = next(line.split(":", 2)[2] for line in lines if ":memory:" in line)
        group = Path(f"/sys/fs/cgroup/memory{path}") / f"matinee-test-{os.getpid()}"
        group.mkdir()
    except (OSError, StopIteration):
        pytest.skip("no v1 memory control group that this user may write to")
    try:
        if limit is not None:
            (group / "memory.limit_in_bytes").write_text(str(limit))
        yield group
    finally:
        group.rmdir()


def join(group: Path) -> str:
    """Code by which a process moves into `group`."""
    return f"import os; open({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))\n"


@contextmanager
def memory_held(group: Path, size: int) -> Iterator[None]:
    """Another process in `group` that holds `size` bytes."""
    code = f"{join(group)}held = bytearray(b'x') * {size}\nprint('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield
        other.communicate("\n")
