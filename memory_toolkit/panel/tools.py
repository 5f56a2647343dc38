"""The panel's tools: clear the caches, look closer at what holds memory, record an action."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import streamlit as st

from memory_toolkit.measure.returning import return_memory
from memory_toolkit.measure.sizes import format_bytes
from memory_toolkit.panel.host import Loaded, host
from memory_toolkit.panel.pieces import clock, draw, faint, heading, warning
from memory_toolkit.panel.texts import name_of, t
from memory_toolkit.record.actions import action, actions
from memory_toolkit.record.flame_graph import (
    FlameGraphError,
    record_next_action,
    recording,
    stop_recording,
)
from memory_toolkit.record.tracking import (
    count_objects,
    is_tracking,
    start_memory_tracking,
    stop_memory_tracking,
    top_lines,
)

SHOWN = 12
ALL = 1_000_000
CLEARED_KEY, FOUND_KEY, PROBLEM_KEY = (
    "memory_tools.cleared",
    "memory_tools.found",
    "memory_tools.problem",
)
_ANY = "memory_tools.any"
# The sentence for each reason of a FlameGraphError.
_SENTENCES = {
    "missing": "memory_tools.problem_missing",
    "folder": "memory_tools.problem_folder",
    "busy": "memory_tools.problem_busy",
    "tracking": "memory_tools.problem_tracking",
    "drawing": "memory_tools.problem_drawing",
}


@dataclass(frozen=True)
class Mark:
    """The state at one moment: objects by type, and bytes by line of code."""

    when: float
    objects: dict[str, int] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Inspection:
    """The result of an inspection: names, how much of each, and how much more than before.

    Attributes:
        title: the key of its heading.
        sizes: whether the figures are bytes.
        since: when the mark was that `growth` refers to; None without one.
        rows: name, amount, growth.
    """

    title: str
    sizes: bool
    since: float | None
    rows: list[tuple[str, int, int]]


# As what it compares with belongs to the process, the mark does too.
_mark: Mark | None = None


def draw_tools() -> None:
    """The tools, each with what it does and what it costs."""
    _draw_clearing()
    _draw_looking()
    _draw_recording()


def _draw_clearing() -> None:
    _heading("memory_tools.caches")
    _button("memory_tools.clear", "mop", _clear)
    for name, loaded in host().loaded.items():
        if loaded.is_loaded():
            st.button(
                host().translate(name),
                icon=":material/eject:",
                on_click=_unload,
                args=(name, loaded),
                width="stretch",
            )
    cleared = st.session_state.get(CLEARED_KEY)
    if cleared is None:
        draw(faint(t("memory_tools.clear_note")))
    else:
        sentence, given = cleared
        status = t(sentence, given=format_bytes(given))
        draw(f'<div role="status">{escape(status)}</div>')


def _clear() -> None:
    # What `st.cache_resource` holds stays: sessions that run now use it.
    with action("memory_tools.clear") as cleared:
        st.cache_data.clear()
        for clear in host().clear:
            clear()
        return_memory()
    st.session_state[CLEARED_KEY] = "memory_tools.cleared", -cleared.record.change


def _unload(name: str, loaded: Loaded) -> None:
    with action(name) as unloaded:
        loaded.unload()
    st.session_state[CLEARED_KEY] = "memory_tools.released", -unloaded.record.change


def _draw_looking() -> None:
    _heading("memory_tools.looking")
    with st.container(gap="xsmall"):
        _button("memory_tools.count", "category", _count)
        if is_tracking():
            _button("memory_tools.lines", "code", _show)
            _button("memory_tools.stop", "stop", _stop)
        else:
            _button("memory_tools.start", "play_arrow", start_memory_tracking)
        _button("memory_tools.mark", "flag", _set_mark)
    blocks = []
    if is_tracking():
        blocks.append(warning(t("memory_tools.tracking")))
    found = st.session_state.get(FOUND_KEY)
    since = found.since if found else _since()
    if since is not None:
        blocks.append(faint(t("memory_tools.marked", time=f"{clock(since):%H:%M:%S}")))
    if found is None:
        blocks.append(faint(t("memory_tools.looking_note")))
    else:
        blocks.append(_table(found))
        if not found.sizes and (kept := gc.get_freeze_count()):
            blocks.append(faint(t("memory_tools.frozen", count=f"{kept:,}")))
    draw(*blocks)


def _stop() -> None:
    stop_memory_tracking()
    found = st.session_state.get(FOUND_KEY)
    if found is not None and found.sizes:
        del st.session_state[FOUND_KEY]


def _set_mark() -> None:
    global _mark
    with action("memory_tools.mark"):
        lines = {line.place: line.size for line in top_lines(ALL)}
        _mark = Mark(time.time(), dict(count_objects(ALL)), lines)
    st.session_state.pop(FOUND_KEY, None)


def _count() -> None:
    with action("memory_tools.count"):
        counts = count_objects(ALL)
    before = _mark.objects if _mark else {}
    _keep(Inspection("memory_tools.objects", False, _since(), _grown(counts, before)))


def _show() -> None:
    with action("memory_tools.lines"):
        lines = [(line.place, line.size) for line in top_lines(ALL)]
    before = _mark.lines if _mark else {}
    _keep(Inspection("memory_tools.top_lines", True, _since(), _grown(lines, before)))


def _keep(found: Inspection) -> None:
    st.session_state[FOUND_KEY] = found


def _since() -> float | None:
    return _mark.when if _mark else None


def _grown(amounts: list[tuple[str, int]], before: dict[str, int]) -> list[tuple[str, int, int]]:
    """The first few: those that grew most since the mark, or else the largest."""
    rows = [(name, amount, amount - before.get(name, 0)) for name, amount in amounts]
    return sorted(rows, key=lambda row: row[2] if before else row[1], reverse=True)[:SHOWN]


def _table(found: Inspection) -> str:
    def figure(amount: int, signed: bool) -> str:
        if found.sizes:
            amount = round(amount / 1024)
        return f"{amount:{'+' if signed and amount else ''},}"

    columns = ["memory_tools.size" if found.sizes else "memory_tools.number"]
    if found.since is not None:
        columns.append("memory_tools.growth")
    heads = "".join(f'<th scope="col">{escape(t(key))}</th>' for key in columns)
    rows = []
    for name, amount, growth in found.rows:
        figures = [figure(amount, False)]
        if found.since is not None:
            figures.append(figure(growth, True))
        cells = "".join(f"<td>{text}</td>" for text in figures)
        rows.append(f'<tr><th scope="row">{escape(shortened(name))}</th>{cells}</tr>')
    title = escape(t(found.title))
    return (
        f'<table class="memory-found"><thead><tr><th scope="col">{title}</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def shortened(place: str) -> str:
    """A line of code by the path that its module is imported by, as far as there is one."""
    roots = sorted((root for root in sys.path if root), key=len, reverse=True)
    root = next((root for root in roots if place.startswith(f"{root.rstrip('/')}/")), "")
    return place[len(root) :].lstrip("/") if root else place


def _draw_recording() -> None:
    _heading("memory_tools.recording")
    now = recording()
    if now.state == "waiting":
        name = name_of(now.wanted) if now.wanted else t(_ANY)
        draw(faint(t("memory_tools.waiting", name=name)))
        _button("memory_tools.give_up", "close", stop_recording)
        return
    name = name_of(now.action or "")
    if now.state in ("recording", "drawing"):
        state = (
            "memory_tools.recording_now" if now.state == "recording" else "memory_tools.drawing_now"
        )
        draw(f'<div role="status">{escape(t(state, name=name))}</div>')
        return
    if now.report is not None:
        _offer(now.report, name)
        _button("memory_tools.delete", "delete", stop_recording)
    problem = st.session_state.get(PROBLEM_KEY) or (now.error and now.error.reason)
    if problem:
        draw(warning(t(_SENTENCES[problem])))
    wanted = st.selectbox(
        t("memory_tools.wanted"),
        [_ANY, *_names()],
        format_func=name_of,
        key="memory_tools.wanted",
        persist_state="session",
    )
    _button("memory_tools.record", "local_fire_department", lambda: _record(wanted))
    draw(faint(t("memory_tools.record_note")))


def _names() -> Iterable[str]:
    return sorted({record.name for record in actions()}, key=name_of)


def _record(wanted: str) -> None:
    st.session_state.pop(PROBLEM_KEY, None)
    try:
        record_next_action(None if wanted == _ANY else wanted)
    except FlameGraphError as error:
        st.session_state[PROBLEM_KEY] = error.reason


def _offer(report: Path, name: str) -> None:
    text = t("memory_tools.download", name=name)
    address = host().flame_graph
    if address is not None:
        draw(f'<a class="memory-link" href="{address()}" download>{escape(text)}</a>')
    elif report.exists():
        file_name = f"{host().file_prefix}-flame-graph.html"
        st.download_button(
            text, report.read_bytes(), file_name, "text/html", on_click="ignore", width="stretch"
        )


def _button(key: str, icon: str, on_click: Callable[[], None]) -> None:
    st.button(t(key), icon=f":material/{icon}:", on_click=on_click, width="stretch")


def _heading(key: str) -> None:
    draw(heading(t(key)))
