"""Every figure of README and docs, measured on this machine: tables and plots.

    .venv/bin/python -m benchmarks.run --quick

runs each part as a process of its own and prints one line a part, with the time that is left. What
is done is kept in the folder --out, so the same command goes on where it was ended; --again
measures anew. A part that fails is one line, with the file that holds what it said, and the others
go on. The tables stand in results.md there, beside the plots.

Without --quick it takes some two hours, more than half of them Spark's, and 14 GB of disk. --data32
and --bundle32 give it a large data set and its bundle instead of making them; a bundle of an older
format is made anew. --others names a Python that has what
`benchmarks/quality/requirements.txt` names;
--write-docs brings the tables and plots of the docs up to date.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.command_line import command_line
from benchmarks.machine import describe
from benchmarks.parts import PARTS, PLACES, Part
from benchmarks.report import Column, Row, Table, lacking, markdown, write_places
from recommender.bundle.manifest import MANIFEST, read_manifest
from recommender.core.errors import BundleError

ROOT = Path(__file__).resolve().parent.parent
DOCS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
IMAGES = ROOT / "docs" / "images"
NAMES = [part.name for part in PARTS]
MACHINE = Table("machine", (Column("name", "machine"), Column("value", "")))
TIMEOUT_FACTOR, MIN_TIMEOUT, ENDING_SECONDS = 6, 300, 30
Kept = dict[str, Any]  # of a part that was measured: its rows, and how they came to be


def main() -> None:
    """Measure the parts that the command line names, and write their figures into the docs."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    (options.out / "raw").mkdir(parents=True, exist_ok=True)
    places = {place: getattr(options, place) or options.out / place for place in PLACES}
    places = {name: path.resolve() for name, path in {**places, "bundle": options.bundle}.items()}
    chosen = [part for part in PARTS if part.name in (options.only or [part.name])]
    try:
        all_well = run(chosen, places, options)
    except KeyboardInterrupt:
        sys.exit("Ended. The same command goes on with the part that was running.")
    figures = {part.name: kept for part in PARTS if (kept := _kept(part, options))}
    for file in write(figures, options):
        print(f"Written: {file}")
    sys.exit(not all_well)


def _options() -> argparse.Namespace:
    parser = command_line(__doc__, rows=False)
    parser.add_argument("--quick", action="store_true", help="less of each, in two minutes")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=NAMES, help=f"of {', '.join(NAMES)}"
    )
    parser.add_argument("--out", type=Path, default=Path("build/figures"), metavar="FOLDER")
    parser.add_argument("--again", action="store_true", help="measure what is done once more")
    parser.add_argument("--bundle", type=Path, default=Path("bundle"), help="the sample's")
    parser.add_argument("--data32", type=Path, metavar="FOLDER")
    parser.add_argument("--bundle32", type=Path, metavar="FOLDER")
    parser.add_argument("--others", type=Path, default=Path(sys.executable), metavar="PYTHON")
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    options.out = options.out.resolve()
    if options.write_docs and options.quick:
        parser.error("--write-docs: the docs hold full figures; leave out --quick")
    return options


def run(chosen: list[Part], places: dict[str, Path], options: argparse.Namespace) -> bool:
    """Run what is not done yet, and say so; whether all went well."""
    all_well = True
    pace = Pace([part for part in chosen if not _settled(part, options)], options.quick)
    for number, part in enumerate(chosen):
        reason = _reason_to_skip(part, chosen[number + 1 :], places, options)
        if reason:
            pace.skip(part)
            pace.say(part, reason)
            continue
        pace.begin(part)
        problem = measure(part, places, options, partial(pace.say, part, "…", live=True))
        pace.end(part)
        pace.say(part, f"FAILED: {problem}" if problem else "done")
        all_well &= not problem
    return all_well


class Pace:
    """Estimate of the time left, by the known times of the parts and the pace so far."""

    def __init__(self, parts: list[Part], quick: bool) -> None:
        self._left = {part.name: part.seconds[quick] for part in parts}
        self._known = self._taken = self._begun = 0.0

    def skip(self, part: Part) -> None:
        """It is not run."""
        self._left.pop(part.name, None)

    def begin(self, part: Part) -> None:
        """It begins."""
        self._begun = time.monotonic()
        self.say(part, "…", live=sys.stdout.isatty())

    def end(self, part: Part) -> None:
        """It has ended."""
        self._known += self._left.pop(part.name)
        self._taken += time.monotonic() - self._begun

    def say(self, part: Part, word: str, live: bool = False) -> None:
        """One line about a part; a live one is written over by the next."""
        running = self._left.get(part.name, 0)
        slower = self._taken / self._known if self._known else 1.0
        seconds = time.monotonic() - self._begun if self._begun else 0.0
        left = slower * sum(self._left.values())
        left -= min(seconds, slower * running) if running else 0.0
        time_left = f"{left / 60:.0f} min" if left > 90 else f"{left:.0f} s"
        took = "" if word.startswith("skipped") else f"{seconds:4.0f} s"
        line = f"{part.name:<18} {took:<7} {word} [{time_left} left]"
        if sys.stdout.isatty():
            line = f"\r{line}\x1b[K"
        print(line, flush=True, end="" if live else "\n")


def _kept(part: Part, options: argparse.Namespace) -> Kept | None:
    """Return what was measured before, on this machine and with the same options."""
    file = options.out / f"{part.name}.json"
    if not file.exists():
        return None
    kept: Kept = json.loads(file.read_text(encoding="utf-8"))
    same = kept["quick"] == options.quick and kept["machine"] == describe()
    return kept if same else None


def _settled(part: Part, options: argparse.Namespace) -> str | None:
    """Return the reason why the part is not to run, whatever the others do; None if it is."""
    if options.quick and not part.quick:
        return "not with --quick"
    return "done before" if part.tables and not options.again and _kept(part, options) else None


def _reason_to_skip(
    part: Part, later: list[Part], places: dict[str, Path], options: argparse.Namespace
) -> str | None:
    if word := _settled(part, options):
        return f"skipped: {word}"
    if part.makes and _exists(places[part.makes]):
        return f"skipped: {places[part.makes]} is there"
    if part.makes and not part.tables:
        others = (p for p in later if not (p.makes and _exists(places[p.makes])))
        if not any(part.makes in p.needs() and not _kept(p, options) for p in others):
            return "skipped: nothing that is left needs it"
    for place in part.needs():
        if not _exists(places[place]):
            return f"skipped: {places[place]} is not there; give --{place}"
    if part.package:
        python = str(options.others) if part.elsewhere else sys.executable
        asked = f"import importlib.util as i, sys; sys.exit(not i.find_spec({part.package!r}))"
        if subprocess.run([python, "-c", asked], capture_output=True).returncode:
            remedy = "; give --others" if part.elsewhere else ""
            return f"skipped: {python} has no {part.package}{remedy}"
    return None


def _exists(place: Path) -> bool:
    """Tell if the place can be used; a bundle of an older format cannot."""
    if not (place / MANIFEST).exists():
        return place.exists()
    try:
        read_manifest(place)
    except BundleError:
        return False
    return True


def measure(
    part: Part, places: dict[str, Path], options: argparse.Namespace, tick: Callable[[], None]
) -> str:
    """Run the part and keep its figures; what went wrong, in a line, if anything did."""
    found = options.out / "raw" / part.name
    words = {name: str(path) for name, path in places.items()}
    words |= {"found": str(found), "python": sys.executable, "others": str(options.others)}
    template = part.quick if options.quick else part.command
    command = [sys.executable, *(word.format(**words) for word in template.split())]
    log = options.out / "raw" / f"{part.name}.log"
    timeout = max(MIN_TIMEOUT, TIMEOUT_FACTOR * part.seconds[options.quick])
    started = time.monotonic()
    problem = _run(command, log, timeout, tick)
    if problem:
        return f"{problem}; {log} tells more"
    try:
        rows = part.read(found) if part.read else []
    except (OSError, ValueError, LookupError) as error:
        return f"its figures cannot be read: {error!r}; {log} tells more"
    for table in part.tables:
        absent = lacking(table, rows)
        if absent and not (options.quick and len(absent) == len(table.columns)):
            return f"its figures have no {', '.join(absent)} for the table {table.name}"
    kept = {"machine": describe(), "quick": options.quick, "command": shlex.join(command[1:])}
    kept |= {"seconds": round(time.monotonic() - started, 1), "rows": rows}
    text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
    (options.out / f"{part.name}.json").write_text(text, encoding="utf-8")
    return ""


def _run(command: list[str], log: Path, timeout: float, tick: Callable[[], None]) -> str:
    """Run the command, with its output in `log`; what went wrong, or nothing."""
    live, end = sys.stdout.isatty(), time.monotonic() + timeout
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with open(log, "wb") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                if time.monotonic() > end:
                    return f"not done after {timeout:.0f} s"
                if live:
                    tick()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1)
        finally:
            _end(process)
    if process.returncode == 0:
        return ""
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return f"status {process.returncode}, {lines[-1] if lines else 'without a word'}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and all that it started, if it still runs."""
    for ask in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, ask)
        with suppress(subprocess.TimeoutExpired):
            process.wait(ENDING_SECONDS)


def write(figures: dict[str, Kept], options: argparse.Namespace) -> list[Path]:
    """Write the tables and plots, into the docs too if that is asked; the files."""
    blocks = {
        table.name: markdown(table, figures[part.name]["rows"])
        for part in PARTS
        if part.name in figures
        for table in part.tables
    }
    machine: list[Row] = [{"name": name, "value": value} for name, value in describe().items()]
    blocks["machine"] = markdown(MACHINE, machine)
    file = options.out / "results.md"
    sections = (f"## {name}\n\n{block}\n" for name, block in blocks.items())
    file.write_text("\n".join(sections), encoding="utf-8")
    images = _draw(figures, IMAGES if options.write_docs else options.out)
    return [file, *images, *(write_places(DOCS, blocks) if options.write_docs else ())]


def _draw(figures: dict[str, Kept], folder: Path) -> list[Path]:
    if importlib.util.find_spec("matplotlib") is None:
        print("No plots without matplotlib: .venv/bin/pip install -e .[bench]")
        return []
    from benchmarks.plots import PLOTS, draw

    images = []
    for name, plot in PLOTS.items():
        rows = [row for part in plot.parts if part in figures for row in figures[part]["rows"]]
        rows = [row for row in rows if row.get("table") == plot.kind]
        try:
            images += draw(name, plot, rows, folder) if rows else []
        except (LookupError, ValueError, TypeError) as error:  # rows of an older benchmark
            print(f"No plot {name}: {error!r}; give --again --only {' '.join(plot.parts)}")
    return images


if __name__ == "__main__":
    main()
