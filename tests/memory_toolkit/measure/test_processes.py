"""Other processes' memory, read from real ones."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memory_toolkit.measure.processes import process_tree, read_processes
from memory_toolkit.measure.sharing import one_memory
from memory_toolkit.measure.sizes import MB
from tests.memory_toolkit.planted import linux, near

FILL = "kept = b'x' * ({} << 20)\n"
WAIT = "print(flush=True); input()\n"


@contextmanager
def python(code: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs `code`, ready when that prints a line; it ends when it reads one."""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.communicate("\n")


@linux
def test_one_process() -> None:
    with python(WAIT) as empty, python(FILL.format(64) + WAIT) as full:
        less, more = read_processes([empty.pid]), read_processes([full.pid])
        assert near(more.own - less.own, 64)
        assert more.file > MB
        (process,) = more.processes
        assert (process.pid, process.reading.own) == (full.pid, more.own)
        assert process.name.startswith("python")


@linux
def test_what_forked_processes_share_counts_once() -> None:
    fork = "import os\nchild = os.fork()\n" + WAIT.replace("input()", "child and input()")
    waits = fork + "child or os.read(0, 1)\nchild and os.wait()\n"
    with python(FILL.format(64) + waits) as parent:
        pids = process_tree(parent.pid)
        tree = read_processes(pids)
        assert len(pids) == 2
        assert near(tree.own, 64 + 6)
        assert all(process.reading.own > 64 * MB for process in tree.processes)
        parent.stdin.write("\n")  # type: ignore[union-attr]


@linux
def test_a_child_in_its_parents_memory_counts_once(tmp_path: Path) -> None:
    """Between vfork and the start of the new program; here the file that it opens first keeps it
    there."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    opens = f"(os.POSIX_SPAWN_OPEN, 0, {str(fifo)!r}, os.O_RDONLY, 0)"
    spawn = f"os.posix_spawn('/bin/true', ['true'], {{}}, file_actions=[{opens}])"
    code = f"import os\nprint(flush=True)\n{spawn}\nos.wait()\ninput()"
    with python(FILL.format(64) + code) as parent:
        deadline = time.monotonic() + 20
        while len(pids := process_tree(parent.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        one, shared = one_memory(*pids), read_processes(pids)
        with open(fifo, "wb"):  # and it goes on
            pass
        assert one
        assert [process.pid for process in shared.processes] == [parent.pid]
        assert near(shared.own, 64 + 6)
    assert not one_memory(os.getpid(), os.getppid())


@linux
def test_the_tree_has_grandchildren_and_the_largest_comes_first() -> None:
    inner = f"import subprocess, sys\n{WAIT}"
    child = f"{FILL.format(32)}subprocess.run([sys.executable, '-c', {inner!r}])"
    with python(f"import subprocess, sys\n{child}") as parent:
        pids = process_tree(parent.pid)
        assert len(pids) == 2
        assert pids[0] == parent.pid
        tree = read_processes(pids[::-1])
        assert [process.pid for process in tree.processes] == pids


def test_a_process_that_has_ended_is_left_out() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now
    assert read_processes([ended.pid]).processes == ()
    ended.wait()
    tree = read_processes([ended.pid])
    assert (tree.own, tree.file, tree.processes) == (0, 0, ())
    assert process_tree(ended.pid) == [ended.pid]
