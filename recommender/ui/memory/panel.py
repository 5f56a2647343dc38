"""The memory panel in the sidebar: what the process holds now, and what each action took.

The app imports this module only when DEBUG_MEMORY=true. Drawn as HTML, since Streamlit's own
tables and charts would bring pandas into the very process that is being measured.
"""

from datetime import datetime, timedelta, timezone
from html import escape

import streamlit as st

from debug_memory import (
    MB,
    ActionRecord,
    Returned,
    Snapshot,
    action,
    actions,
    format_bytes,
    return_memory,
    snapshot,
)
from recommender.ui.language import t
from recommender.ui.texts import TEXTS

REFRESH_SECONDS = 2.0
SHOWN_ACTIONS = 50
RETURNED_KEY = "memory.returned"
# Share of the limit from which the gauge takes a colour.
COLOURS = ((0.95, "#d93a2f"), (0.80, "#e8760c"), (0.70, "#d6a400"), (0.0, "#2a9d63"))

STYLE = """<style>
.memory { font-size: 0.8125rem; line-height: 1.45; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; word-break: keep-all; }
.memory-facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.125rem 0.75rem; }
.memory-facts > :nth-child(even) { text-align: right; }
.memory-facts > :nth-child(odd), .memory-faint { opacity: 0.7; }
.memory-bar { height: 0.5rem; margin: 0.375rem 0 0.5rem; border-radius: 0.25rem; overflow: hidden;
  background: color-mix(in srgb, currentColor 14%, transparent); }
.memory-bar div { height: 100%; border-radius: 0.25rem; }
.memory table { width: 100%; border-collapse: collapse; table-layout: fixed;
  margin: 0.375rem 0;  font-size: 0.75rem; }
.memory th, .memory td { padding: 0.0625rem 0; border: 0; text-align: right; vertical-align: top;
  font-weight: 400; color: inherit; }
.memory thead th { opacity: 0.7; padding-bottom: 0.25rem; }
.memory tbody { border-top: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
.memory tr > :first-child { text-align: left; }
.memory tbody tr:first-child > * { padding-top: 0.3125rem; }
.memory tbody tr:last-child > * { padding-bottom: 0.3125rem; }
.memory tbody th { font-weight: 600; }
</style>"""


@st.fragment(run_every=REFRESH_SECONDS)
def memory_panel() -> None:
    """Draw the panel, which then brings itself up to date every two seconds.

    Call it within ``with st.sidebar:``. Source: Streamlit's `st.fragment`; `run_every` is a number
    because a string of seconds would import pandas.
    """
    st.subheader(t("memory.title"), anchor=False)
    try:
        now = snapshot()
    except ValueError as error:  # MATINEE_MEMORY_LIMIT
        st.error(str(error))
        return
    gauge = st.container()
    if st.button(t("memory.return"), icon=":material/recycling:", width="stretch"):
        with action("memory.return"):
            st.session_state[RETURNED_KEY] = return_memory()
        now = snapshot()
    gauge.html(f'{STYLE}<div class="memory">{_present(now)}</div>')
    if RETURNED_KEY in st.session_state:
        st.html(f'<div class="memory">{_returned(st.session_state[RETURNED_KEY])}</div>')
    st.html(f'<div class="memory">{_actions(actions())}</div>')


def _present(now: Snapshot) -> str:
    share = now.own / now.limit
    colour = next(colour for start, colour in COLOURS if share >= start)
    of_limit = t("memory.of_limit", own=format_bytes(now.own), limit=format_bytes(now.limit))
    source = t("memory.machine") if now.limit_source == "machine" else now.limit_source
    facts = [(t("memory.rss"), format_bytes(now.rss))]
    if now.file is not None:
        facts.append((t("memory.file"), format_bytes(now.file)))
    note = f"<div>{escape(t('memory.parts_unknown'))}</div>" if now.anon is None else ""
    return (
        f"<div><b>{escape(t('memory.own'))}</b> {share:.0%}"
        f'<span style="float: right">{escape(of_limit)}</span></div>'
        f'<div class="memory-bar" role="meter" aria-label="{escape(t("memory.own"))}"'
        f' aria-valuemin="0" aria-valuemax="100" aria-valuenow="{share * 100:.0f}">'
        f'<div style="width: {min(share, 1):.1%}; background: {colour}"></div></div>'
        f"{_facts(facts)}"
        f'<div class="memory-faint">{escape(t("memory.limit", source=source))}{note}</div>'
    )


def _returned(returned: Returned) -> str:
    steps = (
        ("memory.collected", returned.collected),
        ("memory.arrow", returned.arrow),
        ("memory.trimmed", returned.trimmed),
    )
    facts = [
        (t(key), t("memory.not_done") if given is None else format_bytes(given))
        for key, given in steps
    ]
    total = f"<b>{escape(t('memory.returned'))}: {format_bytes(returned.total)}</b>"
    return f'<div role="status">{total}</div>{_facts(facts)}'


def _facts(facts: list[tuple[str, str]]) -> str:
    pairs = (f"<span>{escape(name)}</span><span>{escape(value)}</span>" for name, value in facts)
    return f'<div class="memory-facts">{"".join(pairs)}</div>'


def _actions(records: list[ActionRecord]) -> str:
    title = f"<div><b>{escape(t('memory.actions'))}</b></div>"
    if not records:
        return f'{title}<div class="memory-faint">{escape(t("memory.empty"))}</div>'
    columns = ("memory.before", "memory.after", "memory.change", "memory.peak", "memory.duration")
    heads = "".join(f'<th scope="col">{escape(t(key))}</th>' for key in columns)
    shown = records[:SHOWN_ACTIONS]
    newest = t("memory.newest", shown=len(shown), total=len(records))
    more = f'<div class="memory-faint">{escape(newest)}</div>' if len(records) > len(shown) else ""
    return (
        f'{title}<div class="memory-faint">{escape(t("memory.legend"))}</div>'
        f"<table><thead><tr>{heads}</tr></thead>{''.join(map(_row, shown))}</table>{more}"
    )


def _row(record: ActionRecord) -> str:
    """One action in two lines, name and time above the figures, and a third for what disturbed."""
    offset = st.context.timezone_offset  # minutes from the visitor's clock to UTC
    zone = None if offset is None else timezone(timedelta(minutes=-offset))
    name = t(record.name) if record.name in TEXTS else record.name
    least = "" if record.peak_source == "exact" else "≥"
    figures = (
        f"{record.before / MB:,.1f}",
        f"{record.after / MB:,.1f}",
        format_bytes(record.change, signed=True).removesuffix(" MB"),
        f"{least}{record.peak / MB:,.1f}",
        f"{record.duration * 1000:.0f} ms" if record.duration < 1 else f"{record.duration:.1f} s",
    )
    notes = []
    if record.error:
        notes.append(t("memory.failed"))
    if record.overlaps:
        notes.append(t("memory.overlaps", count=record.overlaps))
    note = f'<tr><td colspan="5" class="memory-faint">{escape(", ".join(notes))}</td></tr>'
    return (
        f'<tbody><tr><th colspan="4" scope="rowgroup">{escape(name)}</th>'
        f"<td>{datetime.fromtimestamp(record.started, zone):%H:%M:%S}</td></tr>"
        f"<tr>{''.join(f'<td>{figure}</td>' for figure in figures)}</tr>"
        f"{note if notes else ''}</tbody>"
    )
