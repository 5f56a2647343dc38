"""The live view: its lines, and the screen on a real terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from memory_toolkit.cli.watch import line, screen
from memory_toolkit.cli.watched import View
from memory_toolkit.measure.sizes import MB
from tests.memory_toolkit.planted import ROOT, linux

VIEW = View(
    title="app\x1b[31m",
    own=72 * MB,
    file=8 * MB,
    limit=100 * MB,
    limit_source="cgroup v1 /x",
    counts="2 processes",
    facts=(("Guard", "7 admitted"),),
    table=(("PID", "Name", "Own"), ("7", "a", "1.0 MB"), ("123", "python3", "71.0 MB")),
)
PLAIN = View("app", 72 * MB, None, None, "", "1 process")


def test_a_line() -> None:
    assert line(VIEW)[8:] == " own 72.0 MB, 72% of 100.0 MB, file 8.0 MB, 2 processes"
    assert line(PLAIN)[8:] == " own 72.0 MB, 1 process"


def test_the_screen() -> None:
    history = [10 * MB, 41 * MB, 72 * MB]
    assert screen(VIEW, history, 2.0, 60, colours=False) == [
        "app?[31m, 2 processes",  # no name of a process reaches the terminal's ears
        "",
        "Own memory 72.0 MB of 100.0 MB, 72% (high)",
        "█" * 43 + "░" * 17,
        "▁▅█",
        "10.0 MB to 72.0 MB in the last 4 s",
        "",
        "Limit                     cgroup v1 /x",
        "File pages                8.0 MB, which the kernel can take…",
        "Guard                     7 admitted",
        "",
        "PID  Name         Own",
        "  7  a         1.0 MB",
        "123  python3  71.0 MB",
        "",
        "q or Ctrl+C ends this",
    ]


@pytest.mark.parametrize(
    ("own", "colour", "word"),
    [(69, 35, "69%"), (70, 178, "(high)"), (80, 208, "(very high)"), (99, 196, "(full)")],
)
def test_the_colour_follows_the_share(own: int, colour: int, word: str) -> None:
    view = View("app", own * MB, None, 100 * MB, "", "1 process")
    lines = screen(view, [view.own], 1.0, 60, colours=True)
    assert lines[2].endswith(word)
    assert lines[3].startswith(f"\x1b[38;5;{colour}m█")


def test_what_is_not_known_is_left_out() -> None:
    lines = screen(PLAIN, [PLAIN.own] * 100, 1.0, 40, colours=False)
    assert lines[2:5] == ["Own memory 72.0 MB", "▁" * 40, "72.0 MB to 72.0 MB in the last 99 s"]
    assert not any(line.startswith(("Limit", "File")) for line in lines)
    assert all(len(line) <= 40 for line in lines)


@linux
@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_a_real_terminal(key: bytes) -> None:
    watcher, terminal = pty.fork()
    if watcher == 0:
        os.chdir(ROOT)
        command = ["debug_memory.py", "watch", str(os.getppid()), "--interval", "0.05"]
        os.execv(sys.executable, [sys.executable, *command])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    said = b""
    while said.count(b"\x1b[H") < 3:
        said += os.read(terminal, 4096)
    os.write(terminal, key)
    try:
        while block := os.read(terminal, 4096):
            said += block
    except OSError:  # what a terminal answers once all have left it
        pass
    assert os.waitpid(watcher, 0)[1] == 0
    assert said.startswith(b"\x1b[?1049h")
    assert said.rstrip().endswith(b"\x1b[?25h\x1b[?1049l")
    assert f"({os.getpid()})".encode() in said


@linux
def test_a_pipe_gets_lines_until_it_has_enough() -> None:
    command = f"{sys.executable} debug_memory.py watch {os.getpid()} --interval 0.02"
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -3; exit ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert len(done.stdout.splitlines()) == 3
    assert (done.returncode, done.stderr) == (141, "")
