"""The actions of all sessions: each one, or what those of one name took together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from html import escape

import streamlit as st

from memory_toolkit.measure.sizes import format_bytes
from memory_toolkit.panel.exporting import as_csv, as_json
from memory_toolkit.panel.host import host
from memory_toolkit.panel.pieces import (
    clock,
    draw,
    duration,
    faint,
    megabytes,
    peak,
    warning,
)
from memory_toolkit.panel.texts import language, name_of, t
from memory_toolkit.record.actions import ActionRecord, actions, clear_actions
from memory_toolkit.record.summaries import Summary, summaries

SHOWN_ACTIONS = 50
EACH, TOTALS = "memory.each", "memory.totals"
# What is largest in the first row.
ORDERS: dict[str, Callable[[ActionRecord], float]] = {
    "memory.order_newest": lambda record: record.started,
    "memory.order_change": lambda record: record.change,
    "memory.order_peak": lambda record: record.peak,
    "memory.order_duration": lambda record: record.duration,
}


def draw_actions() -> None:
    """The table of actions, with what sorts, filters, clears and downloads it."""
    shown = st.segmented_control(
        t("memory.shown"),
        (EACH, TOTALS),
        default=EACH,
        required=True,
        format_func=t,
        label_visibility="collapsed",
        width="stretch",
        key="memory.shown",
        persist_state="session",
    )
    part = st.text_input(
        t("memory.filter"),
        placeholder=t("memory.filter"),
        icon=":material/search:",
        label_visibility="collapsed",
        key="memory.filter",
        persist_state="session",
    )
    found = [record for record in actions() if _matches(record.name, part)]
    if shown == TOTALS:
        draw(_totals([summary for summary in summaries() if _matches(summary.name, part)]))
    else:
        draw(_each(in_order(found, "memory.order")))
    draw_files(tuple(found))


def in_order(found: Sequence[ActionRecord], key: str) -> list[ActionRecord]:
    """Return `found` in the order that is chosen in a list, which this draws with its `key`."""
    order = st.selectbox(
        t("memory.order"),
        list(ORDERS),
        format_func=t,
        label_visibility="collapsed",
        key=key,
        persist_state="session",
    )
    return sorted(found, key=ORDERS[order], reverse=True)


def draw_files(found: tuple[ActionRecord, ...], key: str = "memory") -> None:
    """Draw the buttons that download `found` and that clear all; `key` begins their keys."""
    # Not made on demand: that would give each button a new address each second, and a click on
    # the one before would fail.
    with st.container(horizontal=True, gap="xsmall", key=f"{key}.files"):
        for kind, (mime, content) in _files(found, language()).items():
            st.download_button(
                kind,
                content,
                f"{host().file_prefix}-actions.{kind.lower()}",
                mime,
                icon=":material/download:",
                on_click="ignore",
                width="stretch",
                key=f"{key}.{kind}",
            )
        st.button(
            t("memory.clear"),
            icon=":material/delete:",
            on_click=clear_actions,
            width="stretch",
            key=f"{key}.clear",
        )


@lru_cache(maxsize=1)  # for the seconds in which nothing new has happened
def _files(found: tuple[ActionRecord, ...], _language: str) -> dict[str, tuple[str, str]]:
    """Return type and content of each file by its kind, with the names in a language."""
    return {"CSV": ("text/csv", as_csv(found)), "JSON": ("application/json", as_json(found))}


def _matches(name: str, part: str) -> bool:
    return part.strip().lower() in name_of(name).lower()


def _each(records: list[ActionRecord]) -> str:
    if not records:
        return faint(t("memory.empty"))
    columns = ("memory.before", "memory.after", "memory.change", "memory.peak", "memory.duration")
    shown = records[:SHOWN_ACTIONS]
    left = t("memory.more", shown=len(shown), total=len(records))
    return (
        f"{_table(columns, map(_record, shown))}"
        f"{faint(left) if len(shown) < len(records) else ''}{faint(t('memory.legend'))}"
    )


def _record(record: ActionRecord) -> str:
    """One action: name, session and time, below them the figures, and then what disturbed."""
    figures = (
        megabytes(record.before),
        megabytes(record.after),
        megabytes(record.change, signed=True),
        peak(record),
        duration(record.duration),
    )
    when = f"{clock(record.started):%H:%M:%S}"
    whose = f"{record.session} · {when}" if record.session else when
    return _row(name_of(record.name), whose, figures, notes(record))


def notes(record: ActionRecord) -> list[str]:
    """Return what disturbed an action, in words."""
    found = [t("memory.failed")] if record.error else []
    return [*found, t("memory.overlaps", count=record.overlaps)] if record.overlaps else found


def _totals(found: list[Summary]) -> str:
    if not found:
        return faint(t("memory.empty"))
    columns = ("memory.calls", "memory.median", "memory.worst", "memory.growth")
    found = sorted(found, key=lambda summary: (summary.leak, summary.worst_peak), reverse=True)
    leaks = "".join(map(_leak, filter(lambda summary: summary.leak, found)))
    table = _table(columns, map(_summary, found))
    return f"{leaks}{table}{faint(t('memory.totals_legend'))}"


def _summary(summary: Summary) -> str:
    figures = (
        f"{summary.calls:,}",
        megabytes(summary.median_peak),
        megabytes(summary.worst_peak),
        megabytes(summary.growth_per_call, signed=True),
    )
    failed = [t("memory.errors", count=f"{summary.errors:,}")] if summary.errors else []
    mean = t("memory.mean", duration=duration(summary.seconds / summary.calls))
    return _row(name_of(summary.name), mean, figures, failed)


def _leak(summary: Summary) -> str:
    growth = format_bytes(summary.growth_per_call)
    return warning(t("memory.leak", name=name_of(summary.name), growth=growth))


def _table(columns: tuple[str, ...], rows: Iterable[str]) -> str:
    heads = "".join(f'<th scope="col">{escape(t(key))}</th>' for key in columns)
    return f"<table><thead><tr>{heads}</tr></thead>{''.join(rows)}</table>"


def _row(name: str, remark: str, figures: Sequence[str], said: Sequence[str]) -> str:
    width = len(figures)
    note = f'<tr><td colspan="{width}" class="memory-note">{escape(", ".join(said))}</td></tr>'
    return (
        f'<tbody><tr><th colspan="{width - 2}" scope="rowgroup">{escape(name)}</th>'
        f'<td colspan="2">{escape(remark)}</td></tr>'
        f"<tr>{''.join(f'<td>{escape(figure)}</td>' for figure in figures)}</tr>"
        f"{note if said else ''}</tbody>"
    )
