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
from memory_toolkit.panel.texts import name_of, t
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
        order = st.selectbox(
            t("memory.order"),
            list(ORDERS),
            format_func=t,
            label_visibility="collapsed",
            key="memory.order",
            persist_state="session",
        )
        draw(_each(sorted(found, key=ORDERS[order], reverse=True)))
    _buttons(tuple(found))


def _buttons(found: tuple[ActionRecord, ...]) -> None:
    # Not made on demand: that would give each button a new address each second, and a click on
    # the one before would fail.
    files = {"CSV": ("text/csv", _csv), "JSON": ("application/json", _json)}
    with st.container(horizontal=True, gap="xsmall", key="memory.files"):
        for kind, (mime, make) in files.items():
            st.download_button(
                kind,
                make(found),
                f"{host().file_prefix}-actions.{kind.lower()}",
                mime,
                icon=":material/download:",
                on_click="ignore",
                width="stretch",
            )
        st.button(
            t("memory.clear"), icon=":material/delete:", on_click=clear_actions, width="stretch"
        )


# For the seconds in which nothing new has happened.
_csv, _json = lru_cache(maxsize=1)(as_csv), lru_cache(maxsize=1)(as_json)


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
    notes = []
    if record.error:
        notes.append(t("memory.failed"))
    if record.overlaps:
        notes.append(t("memory.overlaps", count=record.overlaps))
    when = f"{clock(record.started):%H:%M:%S}"
    whose = f"{record.session} · {when}" if record.session else when
    return _row(name_of(record.name), whose, figures, notes)


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
    notes = []
    if summary.errors:
        notes.append(t("memory.errors", count=f"{summary.errors:,}"))
    mean = t("memory.mean", duration=duration(summary.seconds / summary.calls))
    return _row(name_of(summary.name), mean, figures, notes)


def _leak(summary: Summary) -> str:
    growth = format_bytes(summary.growth_per_call)
    return warning(t("memory.leak", name=name_of(summary.name), growth=growth))


def _table(columns: tuple[str, ...], rows: Iterable[str]) -> str:
    heads = "".join(f'<th scope="col">{escape(t(key))}</th>' for key in columns)
    return f"<table><thead><tr>{heads}</tr></thead>{''.join(rows)}</table>"


def _row(name: str, remark: str, figures: Sequence[str], notes: Sequence[str]) -> str:
    width = len(figures)
    note = f'<tr><td colspan="{width}" class="memory-note">{escape(", ".join(notes))}</td></tr>'
    return (
        f'<tbody><tr><th colspan="{width - 2}" scope="rowgroup">{escape(name)}</th>'
        f'<td colspan="2">{escape(remark)}</td></tr>'
        f"<tr>{''.join(f'<td>{escape(figure)}</td>' for figure in figures)}</tr>"
        f"{note if notes else ''}</tbody>"
    )
