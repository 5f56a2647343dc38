"""The commands of `debug-memory`, and of `python debug_memory.py`: run, watch, check, diff."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from memory_toolkit.cli.check import check
from memory_toolkit.cli.watch import watch
from memory_toolkit.cli.watched import WatchError, process_source, url_source
from memory_toolkit.measure.sizes import format_bytes, parse_limit
from memory_toolkit.record.page import page
from memory_toolkit.record.recorder import CommandError, Recording, record
from memory_toolkit.record.report import SampleTable, UnwritableError, WholeFile, summary
from memory_toolkit.record.saved import SavedError, difference, read_saved, recording_as_json

# The name by which it was started: the script of an installation, or the file of a copy.
PROGRAM = "debug_memory.py" if sys.argv[0].endswith("debug_memory.py") else "debug-memory"
# Of the time between two looks, in seconds.
MIN_INTERVAL, MAX_INTERVAL = 0.01, 3600.0
_RUN = """Run a command and record the memory of it and of all that it starts.

When it has ended, a few lines on standard error say how it ended and what it took. The exit
status is the command's own, or 128 and the number of the signal that ended it. Ctrl+C ends the
command; the report is written all the same.

With --limit the command really gets no more memory than that: in a control group where one can be
made (as root, or in a container that allows it), else by the user's systemd, else by RLIMIT_DATA;
the report says which. A command that takes more is killed, or refused, and the report tells that
from a crash. Of a Python program that uses this toolkit's actions or guard it says what ran then.
Without run, such a program tells that itself at its next start if DEBUG_MEMORY_FLIGHT_RECORDER
names a folder to keep it in.

With --max-peak the exit status is 1 if a command that ended well took more at its peak, for tests
in CI; --json writes the figures to a file, which diff compares with another.

  debug-memory run -- python train.py
  debug-memory run --max-peak 300M --json after.json -- python train.py
  debug-memory run --limit 512M --html memory.html -- ./run.sh
"""
_WATCH = """Show the memory of a running process, with all that it started, until q or Ctrl+C.

Given an address instead of a process, what an app's /metrics page tells is shown. When the output
is no terminal, each look is one line.

  debug-memory watch 4242
  debug-memory watch --url http://localhost:8501/metrics
"""
_CHECK = """Say what memory limit holds here, who set it, and what is in use.

Applications that are installed here and registered a module to measure them (entry points of the
group debug_memory.checks) are also measured, and the answer says whether what they serve fits into
256 MB, 512 MB, 1 GB and the limit found.

  debug-memory check
"""


_DIFF = """Say what changed from one file to another, what changed most first.

The files are those of `run --json`, or of save_snapshot in a Python program, which also holds the
objects by type and, while lines are tracked, the bytes by line of code.

  debug-memory diff before.json after.json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name (those of the process by default); its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except BrokenPipeError:  # whoever reads the output, head for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return status


def _run(options: argparse.Namespace) -> int:
    if not hasattr(signal, "sigtimedwait"):
        return _complain("run", "works on Linux only; import debug_memory elsewhere")
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        return _complain("run", "which command? write it behind --, as in: run -- python train.py")
    try:
        with ExitStack() as files:
            html = files.enter_context(WholeFile(options.html)) if options.html else None
            rows = files.enter_context(WholeFile(options.csv)) if options.csv else None
            figures = files.enter_context(WholeFile(options.json)) if options.json else None
            table = SampleTable(rows.file) if rows else None
            recording = record(
                command,
                options.limit,
                options.interval,
                begun=_announce,
                each=table.add if table else lambda sample: None,
            )
            if html:
                html.file.write(page(recording))
            if figures:
                figures.file.write(recording_as_json(recording))
            print(summary(recording), file=sys.stderr)
    except UnwritableError as error:
        return _complain("run", str(error))
    except CommandError as error:
        return _complain("run", str(error), error.status)
    for file in filter(None, (options.csv, options.html, options.json)):
        print(f"  {'Written:':18} {file}", file=sys.stderr)
    return _over_budget(recording, options.max_peak) or recording.ending.status


def _over_budget(recording: Recording, most: int | None) -> int:
    """Return 1, and say so, if a command that ended well took more than `most` bytes; else 0."""
    highest = recording.highest
    if most is None or recording.ending.status:
        return 0
    if highest is None:
        return _complain("run", "--max-peak: the command ended too soon to know its peak", 1)
    if highest.peak <= most:
        return 0
    peak, budget = format_bytes(highest.peak), format_bytes(most)
    return _complain("run", f"the peak of {peak} is over the budget of {budget}", 1)


def _announce(recording: Recording) -> None:
    for note in recording.notes:
        print(f"{PROGRAM} run: {note}", file=sys.stderr)
    sys.stderr.flush()


def _watch(options: argparse.Namespace) -> int:
    if (options.pid is None) == (options.url is None):
        return _complain("watch", "give a process's number, or --url")
    try:
        source = (
            url_source(options.url, options.token) if options.url else process_source(options.pid)
        )
        watch(source, options.interval)
    except WatchError as error:
        return _complain("watch", str(error), 1)
    return 0


def _check(options: argparse.Namespace) -> int:
    try:
        for line in check():
            print(line, flush=True)
    except ValueError as error:  # a variable that sets the limit
        return _complain("check", str(error))
    return 0


def _diff(options: argparse.Namespace) -> int:
    try:
        for line in difference(read_saved(options.before), read_saved(options.after), options.most):
            print(line)
    except SavedError as error:
        return _complain("diff", str(error))
    return 0


def _complain(command: str, text: str, status: int = 2) -> int:
    print(f"{PROGRAM} {command}: {text}", file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, without the usage."""
        self.exit(2, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="Where the memory of a program is: measured from outside, on the command line.",
        epilog="Each command has its own --help. MB means 1024 x 1024 bytes. In a Python program, "
        "import debug_memory instead.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    run = _add(commands, "run", _run, "run a command, record its memory, say how it ended", _RUN)
    run.add_argument("--limit", type=_size, metavar="SIZE", help="memory it may use, such as 512M")
    run.add_argument("--csv", type=Path, metavar="FILE", help="write one row for each sample")
    run.add_argument("--html", type=Path, metavar="FILE", help="write a page with the picture")
    run.add_argument("--json", type=Path, metavar="FILE", help="write the figures, for diff")
    run.add_argument("--max-peak", type=_size, metavar="SIZE", help="exit with 1 above this peak")
    _add_interval(run, 0.1)
    run.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- COMMAND …", help="what to run"
    )

    command = _add(commands, "watch", _watch, "show a running program's memory live", _WATCH)
    command.add_argument("pid", type=int, nargs="?", metavar="PID", help="the process's number")
    command.add_argument("--url", metavar="URL", help="the address of an app's /metrics page")
    command.add_argument(
        "--token",
        default=os.environ.get("DEBUG_MEMORY_TOKEN"),
        metavar="TOKEN",
        help="what that page asks for (default: DEBUG_MEMORY_TOKEN, which others cannot see)",
    )
    _add_interval(command, 1.0)

    _add(commands, "check", _check, "say what limit holds here and what fits", _CHECK)

    diff = _add(commands, "diff", _diff, "say what changed between two files of figures", _DIFF)
    diff.add_argument("before", type=Path, metavar="BEFORE", help="the earlier file")
    diff.add_argument("after", type=Path, metavar="AFTER", help="the later file")
    diff.add_argument("--most", type=int, default=20, metavar="N", help="lines of each kind")
    return parser


def _add(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
    description: str,
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def _add_interval(command: argparse.ArgumentParser, seconds: float) -> None:
    command.add_argument(
        "--interval",
        type=_interval,
        default=seconds,
        metavar="SECONDS",
        help=f"time between two looks (default: {seconds:g})",
    )


def _size(text: str) -> int:
    try:
        return parse_limit(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not MIN_INTERVAL <= seconds <= MAX_INTERVAL:
        raise argparse.ArgumentTypeError(
            f"{text}: give seconds from {MIN_INTERVAL:g} to {MAX_INTERVAL:g}, such as 0.1"
        )
    return seconds
