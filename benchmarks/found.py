"""What the commands of `run.py` leave behind, as rows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from report import Row

from memory_toolkit.measure.sizes import MB

SAMPLES = 600  # of the memory over time, at most


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
