"""Small pieces of HTML that several views of the panel are made of.

HTML, since Streamlit's own tables and charts would bring pandas into the very process that is
being measured. Every text from outside is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from html import escape

import streamlit as st

from memory_toolkit.measure.sizes import MB, format_bytes
from memory_toolkit.record.actions import ActionRecord

# Before a peak: what the figure is when it is not exact.
PEAK_MARKS = {"exact": "", "at least": "≥", "sampled": "~"}


def draw(*blocks: str) -> None:
    """Draw the blocks as one piece, in the panel's style."""
    st.html(f'<div class="memory">{"".join(blocks)}</div>')


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names and values in two columns."""
    rows = (f"<span>{escape(name)}</span><span>{escape(value)}</span>" for name, value in pairs)
    return f'<div class="memory-facts">{"".join(rows)}</div>'


def faint(text: str) -> str:
    """Return a remark in a paler colour."""
    return f'<div class="memory-faint">{escape(text)}</div>'


def warning(text: str) -> str:
    """Return a sentence as a warning."""
    return f'<div class="memory-warning" role="note">{escape(text)}</div>'


def heading(text: str, level: int = 4) -> str:
    """Return a heading within a view, of a level that follows those around it."""
    return f'<h{level} class="memory-heading">{escape(text)}</h{level}>'


def short_size(count: int, *, signed: bool = False) -> str:
    """Return bytes in KB, or in MB from 1 MB on: ``"140 KB"``, ``"+3.2 MB"``."""
    if abs(count) >= MB:
        return format_bytes(count, signed=signed)
    return f"{round(count / 1024):{'+' if signed and abs(count) >= 512 else ''},} KB"


def clock(seconds: float) -> datetime:
    """Return a moment, in seconds since the epoch, by the visitor's clock."""
    offset = st.context.timezone_offset  # minutes from the visitor's clock to UTC
    zone = None if offset is None else timezone(timedelta(minutes=-offset))
    return datetime.fromtimestamp(seconds, zone)


def megabytes(count: int, *, signed: bool = False) -> str:
    """Return bytes as MB without the unit, for columns whose legend names it."""
    figure = f"{count / MB:{'+' if signed else ''},.1f}"
    return "0.0" if figure in ("+0.0", "-0.0") else figure


def peak(record: ActionRecord) -> str:
    """Return an action's peak in MB, marked unless it is exact."""
    return PEAK_MARKS[record.peak_source] + megabytes(record.peak)


def duration(seconds: float) -> str:
    """Return ``"45 ms"`` or ``"3.2 s"``."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:,.1f} s"
