"""Sums up the jobs of all seeds: a row for each data set, meaning of relevance, and model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from benchmarks.report import Column, Row, Table, markdown
from memory_toolkit.measure.sizes import MB
from recommender.bundle.history import History
from recommender.evaluation.metrics import ListMetrics

METRICS = ("ndcg@10", "recall@20", "coverage@10")
_COLUMNS = (
    *(Column("name", "model"), Column("ndcg", "NDCG@10"), Column("recall", "recall@20")),
    *(Column("coverage@10", "coverage@10", ".3f"), Column("model_mb", "model, MB", ",.1f")),
    *(
        Column("seconds", "fit, CPU s", ",.1f"),
        Column("choosing_seconds", "choosing, CPU s", ",.0f"),
    ),
    Column("peak_mb", "peak, MB", ",.0f"),
)


def judged(
    lists: np.ndarray, users: np.ndarray, test: History, relevant_from: float, information: Any
) -> dict[str, float]:
    """Return the figures of one job's lists.

    Args:
        lists: movies of each of `users`, best first, −1 where there are none, shape (users, n).
        relevant_from: the least stars that count; users who gave none such are not judged.
        information: from `self_information`.
    """
    metrics = ListMetrics(information)
    for user, top in zip(users.tolist(), lists, strict=True):
        movies, ratings = test.of(user)
        relevant = movies[ratings >= relevant_from]
        if len(relevant):
            metrics.add(top[top >= 0], relevant)
    return {name: float(values.mean()) for name, values in metrics.result().items()}


def summed_up(label: str, comparison: str, seeds: Sequence[dict[str, Any]]) -> Row:
    """Return the row of one model: means over the seeds and their standard errors."""
    row: Row = {"comparison": comparison, "name": label, "seeds": len(seeds)}
    for name in METRICS:
        row[name] = mean = float(np.mean([seed[name] for seed in seeds]))
        row[f"{name} se"] = error = _standard_error([seed[name] for seed in seeds])
        short = name.partition("@")[0]
        row[short] = f"{mean:.4f}" if error is None else f"{mean:.4f} ±{error:.4f}"
    for name in ("seconds", "choosing_seconds"):
        row[name] = float(np.mean([seed[name] for seed in seeds]))
    row["model_mb"] = float(np.mean([seed["bytes"] for seed in seeds])) / MB
    row["peak_mb"] = max(seed["peak"] for seed in seeds) / MB
    row["settings"] = " | ".join(_words(seed["settings"]) for seed in seeds)
    return row


def _standard_error(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def _words(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def tables(rows: Iterable[Row], ours: str) -> str:
    """Return the tables in Markdown, each with a line that compares `ours` with the best other."""
    parts = []
    rows = list(rows)
    for name in dict.fromkeys(str(row["comparison"]) for row in rows):
        own = [row for row in rows if row["comparison"] == name]
        parts.append(f"### {name}\n\n{markdown(Table(name, _COLUMNS), own)}\n")
        if line := verdict(own, ours):
            parts.append(f"{line}\n")
    return "\n".join(parts)


def verdict(rows: Sequence[Row], ours: str) -> str:
    """Return how `ours` compares with the best other model less one standard error."""
    found = {str(row["name"]): row for row in rows}
    others = [row for name, row in found.items() if name != ours]
    if ours not in found or not others:
        return ""
    best = max(others, key=lambda row: float(row["ndcg@10"] or 0))
    wanted = float(best["ndcg@10"] or 0) - float(best["ndcg@10 se"] or 0)
    mean = float(found[ours]["ndcg@10"] or 0)
    word = "reached" if mean >= wanted else "not reached"
    return (
        f"Best other: {best['name']}; its mean less one standard error, {wanted:.4f}, is {word} "
        f"by {ours} with {mean:.4f}."
    )
