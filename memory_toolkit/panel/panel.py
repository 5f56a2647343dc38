"""The memory panel in the sidebar: what the process holds now, and what each action took.

`debug_memory.streamlit_panel` imports it only when DEBUG_MEMORY is true.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

import streamlit as st

from memory_toolkit.measure.returning import Returned, return_memory
from memory_toolkit.measure.sizes import format_bytes
from memory_toolkit.measure.snapshot import snapshot
from memory_toolkit.panel.access import may_see
from memory_toolkit.panel.gauge import gauge
from memory_toolkit.panel.host import Host, host, introduce
from memory_toolkit.panel.parts import draw_parts
from memory_toolkit.panel.pieces import draw, facts, faint, warning
from memory_toolkit.panel.recent import recent
from memory_toolkit.panel.runs import record_runs
from memory_toolkit.panel.sessions import session_name
from memory_toolkit.panel.table import draw_actions
from memory_toolkit.panel.texts import name_of, t
from memory_toolkit.panel.timeline_chart import timeline
from memory_toolkit.panel.tools import draw_tools
from memory_toolkit.record.actions import action, actions, identify_sessions
from memory_toolkit.record.summaries import summaries
from memory_toolkit.record.timeline import Timeline

REFRESH_SECONDS = 1.0
RETURNED_KEY = "memory.returned"
FAILED_KEY = "memory.failed"
_STYLES = Path(__file__).with_name("panel.css")
timeline_kept = Timeline()
_log = logging.getLogger(__name__)


def draw_panel(app: Host) -> None:
    """Draw the panel of `app` in the sidebar, which then brings itself up to date each second.

    Nothing of it is computed for those who may not see it, nor of a view that is not open.
    """
    with st.sidebar:
        prepare(app)
        st.subheader(t("memory.title"), anchor=False)
        if may_see():
            _views()
            if app.page is not None:
                draw(f'<a class="memory-link" href="{app.page()}">{escape(t("memory.page"))}</a>')


def prepare(app: Host) -> None:
    """Draw the styles, and see to it that what `app` does is noted from now on."""
    introduce(app)
    identify_sessions(session_name)
    if app.record_runs:
        record_runs()
    timeline_kept.start()
    st.html(_STYLES)


# One fragment for all: of two, one within the other, now and then what the outer one had drawn
# before stayed on the page. A number, since a string of seconds would import pandas.
@st.fragment(run_every=REFRESH_SECONDS)
def _views() -> None:
    views = {
        "memory.view_now": _draw_now,
        "memory.view_actions": draw_actions,
        "memory.view_parts": draw_parts,
        "memory.view_tools": draw_tools,
    }
    chosen = st.segmented_control(
        t("memory.view"),
        list(views),
        default="memory.view_now",
        required=True,
        format_func=t,
        label_visibility="collapsed",
        width="stretch",
        key="memory.view",
        persist_state="session",
    )
    with in_words():
        views[chosen]()


@contextmanager
def in_words() -> Iterator[None]:
    """A sentence in place of an error: a fragment's rerun does not pass the frame of the page.

    The traceback goes to the log, once for the same error in a row.
    """
    try:
        yield
        st.session_state.pop(FAILED_KEY, None)
    except Exception as error:
        if st.session_state.get(FAILED_KEY) != repr(error):
            st.session_state[FAILED_KEY] = repr(error)
            _log.exception("the memory panel failed")
        st.error(t("memory.failure"), icon=":material/error:")


def _draw_now() -> None:
    present = st.container()
    returning("memory.now_return")
    with present:
        _draw_present()


def returning(key: str) -> None:
    """Draw the button that gives memory back, and what it gave; `key` is its own."""
    icon = ":material/recycling:"
    if st.button(t("memory.return"), icon=icon, width="stretch", key=key):
        with action("memory.return"):
            st.session_state[RETURNED_KEY] = return_memory()
    if RETURNED_KEY in st.session_state:
        draw(_returned(st.session_state[RETURNED_KEY]))


def _draw_present() -> None:
    now = snapshot()
    keeper = host().guard()
    draw(gauge(now, keeper.state() if keeper else None))
    if bars := recent(actions()):
        draw(bars)
    # Apart from the rest, since it changes less often, and what does not change keeps its tooltips.
    if picture := timeline(timeline_kept.points(), actions(), time.time(), now.limit):
        draw(picture)
    names = ", ".join(name_of(summary.name) for summary in summaries() if summary.leak)
    if names:
        draw(warning(t("memory.leaks", names=names)))


def _returned(returned: Returned) -> str:
    steps = (
        ("memory.collected", returned.collected),
        ("memory.arrow", returned.arrow),
        ("memory.trimmed", returned.trimmed),
    )
    given = [
        (t(key), t("memory.not_done") if size is None else format_bytes(size))
        for key, size in steps
    ]
    total = t("memory.returned", total=format_bytes(returned.total))
    advice = faint(t("memory.small_objects")) if returned.advice else ""
    return f'<div role="status"><b>{escape(total)}</b></div>{facts(given)}{advice}'
