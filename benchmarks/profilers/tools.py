"""The tools: each with its command, and what can be read from its report."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from memory_toolkit.measure.sizes import MB

HERE = Path(__file__).parent
Command = Sequence[str]


@dataclass(frozen=True)
class Report:
    """A tool's account of a run: its highest figure of memory in bytes, None if it tells none,
    and all its words."""

    peak: float | None
    words: str


@dataclass(frozen=True)
class Tool:
    """A tool that runs a program.

    Attributes:
        command: from the interpreter with all tools, the folder for its report, the limit in
            bytes and the program with its arguments.
        report: reads the folder and what was printed; the interpreter runs the tool's own reader.
    """

    command: Callable[[str, Path, int, Command], Command]
    report: Callable[[str, Path, str], Report]


def _peak_in(pattern: str, text: str, unit: float = 1) -> float | None:
    found = [float(value) for value in re.findall(pattern, text, re.M)]
    return max(found) * unit if found else None


def _script(python: str, name: str) -> str:
    return str(Path(python).with_name(name))


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""


def _memray(python: str, folder: Path, printed: str) -> Report:
    for command in (("stats", "--json"), ("flamegraph",)):
        options = ("-f", "-o", str(folder / command[0]), str(folder / "memray.bin"))
        subprocess.run([python, "-m", "memray", *command, *options], capture_output=True)
    text = _read(folder / "stats")
    peak = json.loads(text)["metadata"]["peak_memory"] if text else None
    return Report(peak, _read(folder / "flamegraph") + printed)


def _scalene(python: str, folder: Path, printed: str) -> Report:
    text = _read(folder / "scalene.json")
    peak = json.loads(text)["max_footprint_mb"] * MB if text else None
    return Report(peak, text + printed)


def _fil(python: str, folder: Path, printed: str) -> Report:
    stacks = "".join(_read(path) for path in folder.rglob("*.prof"))
    sizes = [int(size) for size in re.findall(r" (\d+)$", stacks, re.M)]
    return Report(sum(sizes) if sizes else None, stacks + printed)


def _mprof(python: str, folder: Path, printed: str) -> Report:
    return Report(_peak_in(r"^MEM ([\d.]+)", _read(folder / "mprof.dat"), MB), printed)


def _psrecord(python: str, folder: Path, printed: str) -> Report:
    log = _read(folder / "psrecord.log")
    return Report(_peak_in(r"^ +[\d.]+ +[\d.]+ +([\d.]+)", log, MB), printed)


def _dask(python: str, folder: Path, printed: str) -> Report:
    return Report(_peak_in(r"^peak (\d+)", printed), printed)


def _debug_memory(python: str, folder: Path, printed: str) -> Report:
    text = _read(folder / "run.json")
    peak = json.loads(text)["memory"]["rss_peak"] if text else None
    return Report(peak, printed)


TOOLS = {
    "memray": Tool(
        lambda python, folder, limit, program: [
            *(python, "-m", "memray", "run", "-q", "-o", str(folder / "memray.bin"), *program)
        ],
        _memray,
    ),
    "scalene": Tool(
        lambda python, folder, limit, program: [
            *(python, "-m", "scalene", "run", "-o", str(folder / "scalene.json")),
            *(program[0], *(("---", *program[1:]) if program[1:] else ())),
        ],
        _scalene,
    ),
    "Fil": Tool(
        lambda python, folder, limit, program: [
            *(python, "-m", "filprofiler", "--no-browser", "-o", str(folder), "run", *program)
        ],
        _fil,
    ),
    "mprof": Tool(
        lambda python, folder, limit, program: [
            *(_script(python, "mprof"), "run", "-o", str(folder / "mprof.dat"), python, *program)
        ],
        _mprof,
    ),
    "psrecord": Tool(
        lambda python, folder, limit, program: [
            *(_script(python, "psrecord"), " ".join((python, *program)), "--include-children"),
            *("--interval", "0.1", "--log", str(folder / "psrecord.log")),
        ],
        _psrecord,
    ),
    "Dask": Tool(
        lambda python, folder, limit, program: [
            *(python, str(HERE / "dask_worker.py"), str(limit), *program)
        ],
        _dask,
    ),
    "debug-memory": Tool(
        lambda python, folder, limit, program: [
            *(sys.executable, "-m", "debug_memory", "run", "--json", str(folder / "run.json")),
            *("--", python, *program),
        ],
        _debug_memory,
    ),
}
