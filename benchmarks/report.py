"""Results of the benchmarks: rows of figures, Markdown tables, and their places in the docs.

A place is everything between `<!-- figures: NAME -->` and `<!-- end of figures -->`.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from memory_toolkit.measure.sizes import MB

Row = dict[str, str | int | float | None]
BEGIN, END = "<!-- figures: {} -->", "<!-- end of figures -->"
SAMPLES = 600  # of the memory over time, at most


class Column(NamedTuple):
    """One column of a table.

    Attributes:
        key: of the rows.
        head: what stands above it.
        style: a format specification such as `.1f`; empty for text.
    """

    key: str
    head: str
    style: str = ""


class Table(NamedTuple):
    """A table by its name in the docs; `kind` picks its rows among those with a key `table`."""

    name: str
    columns: tuple[Column, ...]
    kind: str | None = None


def markdown(table: Table, rows: Iterable[Row]) -> str:
    """The rows that are the table's, as Markdown; what a row lacks is an empty cell."""
    lines = [
        f"| {' | '.join(column.head for column in table.columns)} |",
        f"|{'---|' * len(table.columns)}",
    ]
    for row in rows:
        if row.get("table") == table.kind:
            cells = (_cell(row.get(column.key), column.style) for column in table.columns)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def lacking(table: Table, rows: Iterable[Row]) -> list[str]:
    """The columns that none of the table's rows has."""
    known = {key for row in rows if row.get("table") == table.kind for key in row}
    return [column.key for column in table.columns if column.key not in known]


def _cell(value: str | int | float | None, style: str) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, str) else format(value, style)


def replaced(text: str, blocks: Mapping[str, str]) -> str:
    """`text` with each block in its place; places without a block, and the rest, stay."""

    def fill(place: re.Match[str]) -> str:
        block = blocks.get(place[2])
        return place[0] if block is None else f"{place[1]}\n{block}\n{END}"

    return re.sub(f"({BEGIN.format('(.+?)')}).*?{END}", fill, text, flags=re.DOTALL)


def write_places(files: Iterable[Path], blocks: Mapping[str, str]) -> list[Path]:
    """Bring the places in the files up to date; those that changed."""
    changed = []
    for file in files:
        old = file.read_text(encoding="utf-8")
        new = replaced(old, blocks)
        if new != old:
            file.write_text(new, encoding="utf-8")
            changed.append(file)
    return changed


def rows_of(found: Path) -> list[Row]:
    """The rows that a benchmark's --json wrote."""
    rows: list[Row] = json.loads(found.read_text(encoding="utf-8"))
    return rows


def evaluation(found: Path) -> list[Row]:
    """The means of each model, from the folder that `matinee evaluate` wrote."""
    models = json.loads((found / "results.json").read_text(encoding="utf-8"))["models"]
    return [
        {"name": model["name"], "seconds": model["seconds"], "peak_mb": model["peak_mb"]}
        | {name: metric["mean"] for name, metric in model["metrics"].items()}
        for model in models
    ]


def recording(found: Path) -> list[Row]:
    """Seconds and most own memory, from the CSV of `debug_memory.py run`."""
    samples = _samples(found)
    peak = max(float(sample["peak_mb"]) for sample in samples)
    return [{"what": "all", "seconds": float(samples[-1]["seconds"]), "peak_mb": peak}]


def soak(found: Path) -> list[Row]:
    """The tables of soak.py, and the memory over time from its CSV, the most of each while."""
    samples = _samples(found.with_suffix(".csv"))
    step = float(samples[-1]["seconds"]) / SAMPLES
    most: dict[int, dict[str, str]] = {}
    for sample in samples:
        which = int(float(sample["seconds"]) / step)
        if which not in most or int(sample["own"]) > int(most[which]["own"]):
            most[which] = sample
    rows = rows_of(found)
    (summary,) = (row for row in rows if row["table"] == "summary")
    (every,) = (row for row in rows if row.get("action") == "all")
    summary |= {key: every.get(key) for key in ("p50_ms", "p95_ms", "too much")}
    memory: list[Row] = [
        {"table": "memory", "phase": sample["phase"], "limit_mb": summary["limit_mb"]}
        | {"minutes": float(sample["seconds"]) / 60, "mb": int(sample["own"]) / MB}
        for sample in most.values()
    ]
    return rows + memory


def _samples(file: Path) -> list[dict[str, str]]:
    with open(file, newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
