"""The command line: what it prints, writes and returns."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memory_toolkit.cli import commands
from tests.memory_toolkit.planted import ROOT, linux

PROGRAM = str(ROOT / "debug_memory.py")
KILL = "import time; time.sleep(.2); kept = b'x' * (96 << 20)"


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, PROGRAM, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)


@linux
def test_run_keeps_the_commands_output_and_status(tmp_path: Path) -> None:
    done = run("run", "--", "sh", "-c", "echo out; echo err >&2; exit 7", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (7, "out\n")
    assert done.stderr.startswith("err\nsh exited with status 7\n")
    assert os.listdir(tmp_path) == []


@linux
def test_run_writes_both_files(tmp_path: Path) -> None:
    done = run(
        *("run", "--csv", "a.csv", "--html", "a.html", "--interval", "0.02"),
        *("--", sys.executable, "-c", "import time; time.sleep(.3)"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "Written:           a.csv\n" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "a.html"]
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 5
    assert float(rows[-1]["own_mb"]) > 3
    assert (tmp_path / "a.html").read_text("utf-8").endswith("</html>\n")


@linux
def test_run_under_a_limit(tmp_path: Path) -> None:
    done = run(
        "run", "--limit", "64M", "--html", "a.html", "--", sys.executable, "-c", KILL, cwd=tmp_path
    )
    if "cgroup" not in done.stderr:
        pytest.skip("no memory control group that this user may make")
    assert done.returncode == 137
    assert "was killed by the limit of 64.0 MB, not by a crash" in done.stderr
    assert "It was killed by the limit" in (tmp_path / "a.html").read_text("utf-8")


@linux
def test_ctrl_c_ends_the_command_and_the_report_is_written(tmp_path: Path) -> None:
    # Without exec a signal is lost that comes while the shell starts its command.
    sleeping = ("sh", "-c", "echo ready; exec sleep 60")
    command = ["run", "--limit", "64M", "--csv", "a.csv", "--", *sleeping]
    with subprocess.Popen(
        [sys.executable, PROGRAM, *command],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert os.listdir(tmp_path) == [f".a.csv.{process.pid}"]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "sh ended after Ctrl+C" in said or "sh exited with status 130" in said
    assert os.listdir(tmp_path) == ["a.csv"]
    groups = [word for word in said.split() if word.startswith("/sys/fs/cgroup")]
    assert not any(Path(group.rstrip(")")).exists() for group in groups)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["run"], 2, "run: which command? write it behind --, as in: run -- python train.py"),
        (
            ["run", "--limit", "lots", "--", "ls"],
            2,
            "run: argument --limit: lots: give a size",
        ),
        (
            ["run", "--limit", "256", "--", "ls"],
            2,
            "run: argument --limit: 256: give a size",
        ),
        (["run", "--interval", "0", "--", "ls"], 2, "run: argument --interval: 0: give seconds"),
        (["run", "--csv", "/no/where.csv", "--", "ls"], 2, "run: /no/where.csv cannot be written"),
        (["watch"], 2, "watch: give a process's number, or --url"),
        (["watch", "1", "--url", "http://x/"], 2, "watch: give a process's number, or --url"),
        (["watch", "--url", "x"], 1, "watch: x is no address"),
        (["watch", "x"], 2, "watch: argument PID: invalid int value: 'x'"),
        (["watch", "999999999"], 1, "watch: there is no process 999999999"),
        ([], 2, "the following arguments are required: COMMAND"),
        (["dance"], 2, "argument COMMAND: invalid choice: 'dance'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str],
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(commands, "PROGRAM", "debug_memory.py")
    with pytest.raises(SystemExit, match=rf"^{status}$"):
        raise SystemExit(commands.main(arguments))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert printed.err.startswith("debug_memory.py")
    assert said in printed.err


@linux
def test_a_program_that_is_not_there_is_one_line() -> None:
    done = run("run", "--", "no-such-program")
    assert (done.returncode, done.stdout) == (127, "")
    assert "run: no-such-program: there is no such program" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ["run", "watch", "check", "import debug_memory"]),
        (["run"], ["--limit SIZE", "--csv", "--html", "--interval", "python train.py"]),
        (["watch"], ["--url", "--token", "watch 4242"]),
        (["check"], ["256 MB", "debug-memory check"]),
    ],
)
def test_help(command: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        commands.main([*command, "--help"])
    said = capsys.readouterr().out
    assert all(word in said for word in words)


TAKE = "kept = b'x' * (64 << 20); import time; time.sleep(.5)"


@linux
def test_a_budget_for_the_peak(tmp_path: Path) -> None:
    command = ("--", sys.executable, "-c", TAKE)
    over = run("run", "--max-peak", "48M", "--json", "a.json", *command, cwd=tmp_path)
    assert over.returncode == 1
    assert re.search(
        r"run: the peak of [67]\d\.\d MB is over the budget of 48\.0 MB\n", over.stderr
    )
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["status"] == 0
    assert run("run", "--max-peak", "512M", *command).returncode == 0
    failed = run("run", "--max-peak", "1M", "--", sys.executable, "-c", "raise SystemExit(7)")
    assert failed.returncode == 7


@linux
def test_what_changed_from_one_recording_to_another(tmp_path: Path) -> None:
    for name, code in (("a", TAKE.replace("64", "32")), ("b", TAKE)):
        done = run("run", "--json", f"{name}.json", "--", sys.executable, "-c", code, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    said = run("diff", "a.json", "b.json", cwd=tmp_path).stdout
    assert said.startswith("Memory:\n")
    assert re.search(r" \+3\d\.\d MB \([\d.]+ MB to [\d.]+ MB\)  peak\n", said)
    same = run("diff", "a.json", "a.json", cwd=tmp_path)
    assert (same.returncode, same.stdout) == (0, "Memory:\n  the same\n")


def test_what_changed_within_a_program_by_line_and_type(tmp_path: Path) -> None:
    (tmp_path / "grow.py").write_text(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from debug_memory import save_snapshot, start_memory_tracking\n"
        "class Row: pass\n"
        "start_memory_tracking()\n"
        "rows = [Row() for _ in range(10)]\n"
        "save_snapshot('a.json')\n"
        "rows += [Row() for _ in range(50_000)]\n"
        "save_snapshot('b.json')\n"
    )
    command = [sys.executable, "grow.py", str(ROOT)]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    said = run("diff", "a.json", "b.json", "--most", "3", cwd=tmp_path).stdout
    lines, types = said.split("Lines of code:\n")[1].split("Objects by type:\n")
    assert re.match(r" +\+\d\.\d MB \(0\.0 MB to \d\.\d MB\)  .*grow\.py:7\n", lines)
    assert "+50,000 (10 to 50,010)  __main__.Row\n" in types
    assert len(types.splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "cannot be read: No such file"), ("{", "no figures"), ("[]", "no figures")],
)
def test_a_file_without_figures_is_one_line(text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    done = run("diff", "a.json", "a.json", cwd=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert said in done.stderr
