"""The results of an evaluation as a table for people and as a plot."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from recommender.core.errors import DataError
from recommender.core.text_table import table

_COLUMNS = (
    ("rmse", "RMSE", 4),
    ("mae", "MAE", 4),
    ("ndcg@10", "NDCG@10", 4),
    ("recall@20", "recall@20", 4),
    ("coverage@10", "coverage@10", 3),
    ("novelty", "novelty", 2),
    ("similar@20", "similar@20", 4),
)
# Those with room for their standard error in the table.
_WITH_ERROR = ("ndcg@10", "recall@20", "similar@20")
_BAR, _ROW, _LEFT = 360, 26, 150


def report_lines(results: dict[str, Any]) -> list[str]:
    """Lines of text: one a model, with a head above and notes below."""
    rows = []
    for model in results["models"]:
        cells = {
            label: _cell(model["metrics"].get(name), name, digits)
            for name, label, digits in _COLUMNS
        }
        seconds, peak = f"{model['seconds']:.1f}", f"{model['peak_mb']:.0f}"
        rows.append({"model": model["name"]} | cells | {"seconds": seconds, "peak MB": peak})
    columns = ("model", *(label for _, label, _ in _COLUMNS), "seconds", "peak MB")
    return [*table(rows, columns, left="model"), "", *_notes(results)]


def _cell(metric: dict[str, float | None] | None, name: str, digits: int) -> str:
    if metric is None:
        return ""
    text = f"{metric['mean']:.{digits}f}"
    if name in _WITH_ERROR and metric["se_users"] is not None:
        text += f" ±{metric['se_users']:.{digits}f}"
    return text


def _notes(results: dict[str, Any]) -> list[str]:
    protocol, data = results["protocol"], results["data"]
    share = f"{100 * protocol['held_out']:g}%"
    if protocol["split"] == "time":
        split = f"the latest {share} of all ratings held out"
    else:
        seeds = ", ".join(map(str, protocol["seeds"]))
        split = f"a random {share} of each user's ratings held out, mean over seeds {seeds}"
    judged = protocol["users_judged"]
    users = " to ".join(f"{count:,}" for count in sorted({min(judged), max(judged)}))
    return [
        f"{data['ratings']:,} ratings, {data['users']:,} users, {data['movies']:,} movies.",
        f"{split[0].upper()}{split[1:]}.",
        f"Lists of {users} users; relevant: {protocol['relevant_from_stars']:g} stars or more.",
        "±: standard error over users. Seconds and memory: training and judging, for one seed.",
    ]


def plot(results: dict[str, Any]) -> str:
    """NDCG@10 of each model with its standard error over users, as an SVG image."""
    models = [model for model in results["models"] if "ndcg@10" in model["metrics"]]
    highest = max(_reach(model) for model in models) or 1.0
    height = _ROW * len(models) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _BAR + 90} {height}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-weight="bold">NDCG@10</text>',
    ]
    for row, model in enumerate(models):
        metric = model["metrics"]["ndcg@10"]
        top, mean, error = 32 + row * _ROW, metric["mean"], metric["se_users"] or 0.0
        color = "#2b6cb0" if model["name"].startswith("Matinee") else "#a0aec0"
        name = escape(model["name"])
        left, right = (_LEFT + _BAR * max(0.0, x) / highest for x in (mean - error, mean + error))
        parts += [
            f'<text x="{_LEFT - 8}" y="{top + 14}" text-anchor="end">{name}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{_BAR * mean / highest:.1f}" height="18" '
            f'fill="{color}"/>',
            f'<path d="M{left:.1f} {top + 9}H{right:.1f}" stroke="black"/>',
            f'<text x="{right + 8:.1f}" y="{top + 14}">{mean:.4f}</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])


def _reach(model: dict[str, Any]) -> float:
    metric = model["metrics"]["ndcg@10"]
    return float(metric["mean"] + (metric["se_users"] or 0.0))


def write_results(results: dict[str, Any], folder: Path) -> None:
    """Write ``results.json`` and ``results.svg`` into `folder`, which is created if needed.

    Raises:
        DataError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
        (folder / "results.svg").write_text(plot(results), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}; check --out") from None
