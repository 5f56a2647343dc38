"""Limits that hold: real control groups, and what stands in for them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memory_toolkit.guard.enclosure import Enclosure, enclosure
from memory_toolkit.measure.limit import control_groups
from memory_toolkit.measure.processes import read_processes
from memory_toolkit.measure.sizes import MB
from tests.memory_toolkit.groups import V2, proc_tree
from tests.memory_toolkit.planted import ROOT, linux

pytestmark = linux
TAKE = "kept = b'x' * ({} << 20)"


def run_in(box: Enclosure, code: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*box.prefix, sys.executable, "-c", code],
        preexec_fn=box.enter,
        capture_output=True,
        cwd=ROOT,
    )


def needs_a_group(box: Enclosure) -> None:
    if not box.means.startswith("cgroup"):
        pytest.skip("no memory control group that this user may make")


def test_a_group_of_its_own_holds_the_limit_and_is_removed() -> None:
    with enclosure(64 * MB) as box:
        needs_a_group(box)
        assert box.group is not None
        directory = Path(box.group.directory)
        assert box.group.limit() == box.limit == 64 * MB
        code = "from memory_toolkit.measure.limit import enforced_limit as e; print(e().bytes)"
        assert int(run_in(box, code).stdout) == 64 * MB
        assert run_in(box, TAKE.format(16)).returncode == 0
        assert box.oom_kills() == 0
        assert run_in(box, TAKE.format(96)).returncode == -signal.SIGKILL
        assert box.oom_kills() == 1
        assert box.group.peak() == 64 * MB
    assert not directory.exists()


def test_what_was_left_behind_is_ended_with_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory_toolkit.guard.enclosure._ENDING_SECONDS", 0.5)
    with enclosure(64 * MB) as box:
        needs_a_group(box)
        assert box.group is not None
        subprocess.run(["sh", "-c", "trap '' TERM; sleep 60 &"], preexec_fn=box.enter)
        left = box.processes(0)
    assert box.left == len(left) > 0
    assert not Path(box.group.directory).exists()
    assert read_processes(left).processes == ()


def test_a_smaller_limit_that_is_there_stays(tmp_path: Path) -> None:
    proc, point = proc_tree(tmp_path, V2, "/", "/a", {"a": 32 * MB})
    with enclosure(64 * MB, proc) as box:
        assert box.limit == 32 * MB
        assert box.notes[0] == f"32.0 MB is the limit here already (cgroup v2 {point}/a)"


def test_without_a_limit_nothing_is_made() -> None:
    with enclosure(None) as box:
        assert (box.limit, box.means, box.prefix, box.group) == (None, "", (), None)
        assert box.processes(os.getpid())[0] == os.getpid()
        for group in control_groups()[:1]:
            assert not list(Path(group.directory).glob(f"debug_memory.{os.getpid()}.*"))


def test_two_at_once_have_a_limit_each() -> None:
    with enclosure(64 * MB) as box, enclosure(96 * MB) as other:
        needs_a_group(box)
        assert box.group is not None
        assert other.group is not None
        assert (box.group.limit(), other.group.limit()) == (64 * MB, 96 * MB)


def test_where_no_group_can_be_made_the_data_limit_stands_in(tmp_path: Path) -> None:
    # A parent that does not pass memory on to its children makes groups without a limit.
    proc, point = proc_tree(tmp_path, V2, "/", "/app", {"app": "max"})
    with enclosure(64 * MB, proc) as box:
        assert (box.means, box.group, box.limit) == ("RLIMIT_DATA", None, 64 * MB)
        assert "shared memory" in box.notes[0]
        done = run_in(box, TAKE.format(96))
        assert done.returncode == 1
        assert done.stderr.endswith(b"MemoryError\n")
        assert run_in(box, TAKE.format(16)).returncode == 0
    assert os.listdir(point / "app") == ["memory.max"]


SYSTEMD_RUN = """\
#!{python}
# Does what systemd-run does for the options given, in a group of version 1.
import os, sys
split = sys.argv.index("--")
assert sys.argv[1:4] == ["--user", "--scope", "--quiet"], sys.argv
limit = next(word for word in sys.argv[:split] if word.startswith("MemoryMax=")).split("=")[1]
group = os.path.join({home!r}, f"run-{{os.getpid()}}.scope")
os.mkdir(group)
open("{made}", "a").write(group + "\\n")
open(group + "/memory.limit_in_bytes", "w").write({limit})
open(group + "/cgroup.procs", "w").write(str(os.getpid()))
os.execv(sys.argv[split + 1], sys.argv[split + 1:])
"""


@pytest.mark.parametrize("works", [True, False])
def test_the_users_systemd(works: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = next(iter(control_groups()), None)
    if home is None or home.version != "v1" or not os.access(home.directory, os.W_OK):
        pytest.skip("no v1 memory control group that this user may write to")
    program, made = tmp_path / "systemd-run", tmp_path / "made"
    limit = "limit" if works else "'-1'"  # as where systemd may not limit memory
    program.write_text(
        SYSTEMD_RUN.format(python=sys.executable, home=home.directory, made=made, limit=limit)
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    try:
        with enclosure(64 * MB, str(tmp_path / "no-proc")) as box:
            assert box.means == ("systemd-run" if works else "RLIMIT_DATA")
            if not works:
                return
            process = subprocess.Popen(
                [*box.prefix, sys.executable, "-c", f"input(); {TAKE.format(96)}"],
                stdin=subprocess.PIPE,
            )
            for _ in range(1000):
                assert box.processes(process.pid)[0] == process.pid
                if box.group is not None:
                    break
                time.sleep(0.01)
            assert box.group is not None
            assert box.group.limit() == 64 * MB
            process.communicate(b"\n")
            assert process.returncode == -signal.SIGKILL
            assert box.oom_kills() == 1
    finally:
        for group in made.read_text().splitlines():
            os.rmdir(group)
