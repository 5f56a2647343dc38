"""The panel as a page of its own, where there is room: the last minutes large, a line an action."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from memory_toolkit.measure.sizes import format_bytes
from memory_toolkit.measure.snapshot import snapshot
from memory_toolkit.panel.access import may_see
from memory_toolkit.panel.gauge import gauge
from memory_toolkit.panel.host import Host, host
from memory_toolkit.panel.panel import REFRESH_SECONDS, in_words, prepare, returning, timeline_kept
from memory_toolkit.panel.parts import draw_parts
from memory_toolkit.panel.pieces import clock, draw, duration, faint, heading, peak, short_size
from memory_toolkit.panel.recent import recent
from memory_toolkit.panel.sessions import connected_names
from memory_toolkit.panel.table import SHOWN_ACTIONS, draw_files, in_order, notes
from memory_toolkit.panel.texts import name_of, t
from memory_toolkit.panel.timeline_chart import timeline
from memory_toolkit.record.actions import ActionRecord, actions

# How much of the timeline is shown, in seconds.
_SPANS = (60, 180, 600)
_LEVEL = 2  # of the headings
_COLUMNS = ("time", "action", "session", "before", "after", "change", "peak", "above", "duration")


def draw_page(app: Host) -> None:
    """Draw the page of `app`, which then brings itself up to date each second."""
    prepare(app)
    st.title(t("memory.title"), anchor=False)
    if may_see("memory.page"):
        _page()


@st.fragment(run_every=REFRESH_SECONDS)
def _page() -> None:
    with in_words():
        left, right = st.columns((2, 3), gap="medium")
        with left:
            _present()
        with right:
            _minutes()
        _actions()
        left, right = st.columns(2, gap="medium")
        with left:
            draw_parts(_LEVEL)
        with right:
            draw(heading(t("memory.sessions"), _LEVEL), _sessions(actions()))


def _present() -> None:
    keeper = host().guard()
    draw(gauge(snapshot(), keeper.state() if keeper else None))
    returning("memory.page_return")


def _minutes() -> None:
    seconds = st.segmented_control(
        t("memory.span"),
        _SPANS,
        default=_SPANS[-1],
        required=True,
        format_func=lambda seconds: t("memory.minutes", minutes=seconds // 60),
        key="memory.span",
        persist_state="session",
    )
    records, limit = actions(), snapshot().limit
    points = timeline_kept.points()
    if picture := timeline(points, records, time.time(), limit, seconds=seconds, large=True):
        draw(picture)
    if bars := recent(records, _LEVEL):
        draw(bars)


def _actions() -> None:
    found = actions()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.header(t("memory.view_actions"), anchor=False)
        ordered = in_order(found, "memory.page_order")
    draw(_table(ordered))
    draw_files(tuple(found), "memory.page")


def _table(records: Sequence[ActionRecord]) -> str:
    """Return a table with a line an action."""
    if not records:
        return faint(t("memory.empty"))
    rows = "".join(f"<tr>{_cells(record)}</tr>" for record in records[:SHOWN_ACTIONS])
    left = t("memory.more", shown=SHOWN_ACTIONS, total=len(records))
    return (
        f"{_wide(t('memory.view_actions'), _COLUMNS, rows)}"
        f"{faint(left) if len(records) > SHOWN_ACTIONS else ''}{faint(t('memory.page_legend'))}"
    )


def _cells(record: ActionRecord) -> str:
    said = notes(record)
    name = name_of(record.name) + (f" ({', '.join(said)})" if said else "")
    figures = (
        record.session or "",
        format_bytes(record.before),
        format_bytes(record.after),
        short_size(record.change, signed=True),
        f"{peak(record)} MB",
        short_size(record.peak - record.before, signed=True),
        duration(record.duration),
    )
    cells = "".join(f"<td>{escape(figure)}</td>" for figure in figures)
    return f'<td>{clock(record.started):%H:%M:%S}</td><th scope="row">{escape(name)}</th>{cells}'


@dataclass
class _Session:
    """The actions of a session together."""

    last: ActionRecord
    calls: int = 0
    change: int = 0
    above: int = 0


def _sessions(records: Sequence[ActionRecord]) -> str:
    """Return a table with a line a session that did something lately or is connected."""
    found: dict[str, _Session] = {}
    for record in records:  # the newest first
        if record.session is not None:
            one = found.setdefault(record.session, _Session(record))
            one.calls += 1
            one.change += record.change
            one.above = max(one.above, record.peak - record.before)
    connected = connected_names()
    quiet = [name for name in connected if name not in found]
    rows = "".join(_session(name, one, name in connected) for name, one in found.items())
    rows += "".join(_session(name, None, True) for name in quiet)
    columns = ("session", "last_action", "calls", "change", "above")
    note = faint(t("memory.sessions_legend"))
    return f"{_wide(t('memory.sessions'), columns, rows)}{note}" if rows else note


def _session(name: str, one: _Session | None, is_connected: bool) -> str:
    shown = name if is_connected else t("memory.session_gone", session=name)
    figures = ["", "0", "", ""]
    if one is not None:
        figures = [
            f"{name_of(one.last.name)}, {clock(one.last.started):%H:%M:%S}",
            f"{one.calls:,}",
            short_size(one.change, signed=True),
            short_size(one.above, signed=True),
        ]
    cells = "".join(f"<td>{escape(figure)}</td>" for figure in figures)
    return f'<tr><th scope="row">{escape(shown)}</th>{cells}</tr>'


def _wide(label: str, columns: Sequence[str], rows: str) -> str:
    """Return a table that scrolls sideways where there is no room."""
    heads = "".join(f'<th scope="col">{escape(t(f"memory.{key}"))}</th>' for key in columns)
    return (
        f'<div class="memory-wide" role="region" tabindex="0" aria-label="{escape(label)}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
