"""Metrics of a program's memory as text for Prometheus, without any web server in it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from memory_toolkit.measure.snapshot import Snapshot

if TYPE_CHECKING:  # only those who have a guard or summaries import them
    from memory_toolkit.guard.guard import GuardState
    from memory_toolkit.record.summaries import ActionTotals, Summary

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Metric:
    """One metric with all its samples.

    Attributes:
        name: without the prefix; a counter's ends in ``_total``.
        kind: a gauge goes up and down, a counter goes up only.
        help: one sentence.
        samples: a value for each set of labels; one with no label is ``({}, value)``.
    """

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def gauge(name: str, help_text: str, value: float | None) -> Metric:
    """A gauge without labels; without a sample if its value is not known."""
    return Metric(name, "gauge", help_text, () if value is None else (({}, value),))


def labelled(
    name: str,
    kind: Literal["gauge", "counter"],
    help_text: str,
    label: str,
    values: Mapping[str, float | None],
) -> Metric:
    """A metric with one label; what is not known is left out."""
    samples = tuple(({label: key}, value) for key, value in values.items() if value is not None)
    return Metric(name, kind, help_text, samples)


def metrics_text(metrics: Iterable[Metric], prefix: str = "") -> str:
    """The metrics in Prometheus's text format 0.0.4; those without a sample are left out.

    Each name begins with `prefix` and an underscore, unless that is empty. Source: Prometheus's
    documentation, "Exposition formats".

    Raises:
        ValueError: a name or a label is not made of letters, digits and underscores.
    """
    return "".join(f"{line}\n" for metric in metrics for line in _lines(metric, prefix))


def memory_metrics(now: Snapshot) -> list[Metric]:
    """Metrics of the process: what it holds, its limit, and its distance from it."""
    kinds = ("own", "anon", "shmem", "file", "rss", "swap", "peak")
    kills = now.oom_kills
    return [
        labelled(
            "memory_bytes",
            "gauge",
            "Memory of the process; own is anon and shmem, peak is the highest rss so far.",
            "kind",
            {kind: getattr(now, kind) for kind in kinds},
        ),
        labelled(
            "memory_limit_bytes",
            "gauge",
            "Memory that the process may use, and what says so.",
            "source",
            {now.limit_source: now.limit},
        ),
        gauge("memory_headroom_bytes", "Memory that can be taken until the limit.", now.headroom),
        Metric(
            "oom_kills_total",
            "counter",
            "Processes of the control group that were killed for want of memory.",
            () if kills is None else (({}, kills),),
        ),
        gauge(
            "memory_pressure_percent",
            "Part of the last ten seconds that some task waited for memory.",
            now.pressure,
        ),
        gauge(
            "memory_refault_bytes_per_second",
            "Pages that were given up for want of memory and had to be read again.",
            None if now.refaults is None else now.refaults.per_second,
        ),
        gauge(
            "memory_thrashing",
            "1 while so many pages are read again that everything waits for them.",
            None if now.refaults is None else int(now.refaults.thrashing),
        ),
    ]


def action_metrics(summaries: Iterable[Summary | ActionTotals]) -> list[Metric]:
    """Metrics of actions: the runs of each, and what they took."""
    found = list(summaries)

    def by_action(
        name: str, kind: Literal["gauge", "counter"], help_text: str, field: str
    ) -> Metric:
        values = {summary.name: getattr(summary, field) for summary in found}
        return labelled(name, kind, help_text, "action", values)

    return [
        by_action("actions_total", "counter", "Actions that ended.", "calls"),
        by_action(
            "action_errors_total", "counter", "Actions that ended in an exception.", "errors"
        ),
        by_action("action_seconds_total", "counter", "Time that actions took.", "seconds"),
        by_action(
            "action_peak_bytes",
            "gauge",
            "The most own memory that one call of the action took at its peak.",
            "worst_peak",
        ),
    ]


def guard_metrics(state: GuardState) -> list[Metric]:
    """Metrics of the guard: its decisions so far, and the actions it has before it."""
    return [
        labelled(
            "guard_decisions_total",
            "counter",
            "Decisions of the memory guard.",
            "decision",
            state.counts,
        ),
        gauge("guard_active", "Actions that run now.", state.active),
        gauge("guard_waiting", "Actions that wait for memory now.", state.waiting),
    ]


def worker_metrics(held: Mapping[str, int]) -> list[Metric]:
    """Metrics of the processes that serve under one limit: the own memory of each."""
    help_text = "Own memory of each process that serves under the limit, by its number."
    return [labelled("worker_bytes", "gauge", help_text, "worker", held)]


def _lines(metric: Metric, prefix: str) -> Iterator[str]:
    if not metric.samples:
        return
    name = f"{prefix}_{metric.name}" if prefix else metric.name
    help_text = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    yield f"# HELP {_checked(name)} {help_text}"
    yield f"# TYPE {name} {metric.kind}"
    for labels, value in metric.samples:
        pairs = ",".join(f'{_checked(key)}="{_escaped(text)}"' for key, text in labels.items())
        yield f"{name}{{{pairs}}} {_number(value)}" if pairs else f"{name} {_number(value)}"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a metric: use letters, digits and underscores")
    return name


def _escaped(text: str) -> str:
    # A path may hold bytes that are not UTF-8; these are shown in place of an unreadable page.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(value)
