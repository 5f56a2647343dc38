"""Other processes' memory, read from real ones."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from planted import linux, near

from memory_toolkit.processes import process_tree, read_processes
from memory_toolkit.sizes import MB

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
