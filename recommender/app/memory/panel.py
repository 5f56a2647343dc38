"""The memory panel in the sidebar: what the process holds now, and what each action took.

The app imports this package only when DEBUG_MEMORY=true.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

import streamlit as st

from debug_memory import (
    Returned,
    Timeline,
    action,
    actions,
    format_bytes,
    return_memory,
    snapshot,
    summaries,
)
from recommender.app.i18n.language import t
from recommender.app.memory.access import may_see
from recommender.app.memory.gauge import gauge
from recommender.app.memory.parts import draw_parts
from recommender.app.memory.pieces import action_name, draw, facts, faint, warning
from recommender.app.memory.table import draw_actions
from recommender.app.memory.timeline_chart import timeline
from recommender.app.memory.tools import draw_tools
from recommender.app.server.housekeeper import guard

REFRESH_SECONDS = 1.0
RETURNED_KEY = "memory.returned"
FAILED_KEY = "memory.failed"
_STYLES = Path(__file__).with_name("panel.css")
_timeline = Timeline()
_log = logging.getLogger(__name__)


def memory_panel() -> None:
    """Draw the panel, which then brings itself up to date each second.

    Call it within ``with st.sidebar:``. Nothing of it is computed for those who may not see it,
    nor of a view that is not open.
    """
    st.html(_STYLES)
    st.subheader(t("memory.title"), anchor=False)
    _timeline.start()
    if may_see():
        _views()


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
    with _in_words():
        views[chosen]()


@contextmanager
def _in_words() -> Iterator[None]:
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
    if st.button(t("memory.return"), icon=":material/recycling:", width="stretch"):
        with action("memory.return"):
            st.session_state[RETURNED_KEY] = return_memory()
    with present:
        _draw_present()
    if RETURNED_KEY in st.session_state:
        draw(_returned(st.session_state[RETURNED_KEY]))


def _draw_present() -> None:
    now = snapshot()
    keeper = guard()
    draw(gauge(now, keeper.state() if keeper else None))
    # Apart from the rest, since it changes less often, and what does not change keeps its tooltips.
    if picture := timeline(_timeline.points(), actions(), time.time(), now.limit):
        draw(picture)
    names = ", ".join(action_name(summary.name) for summary in summaries() if summary.leak)
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
