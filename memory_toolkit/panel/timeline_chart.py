"""The last minutes as a picture: own memory, the limit, and the actions with their peaks.

Drawn with CSS alone: `st.html` takes SVG out, and Streamlit's charts would bring pandas.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from memory_toolkit.guard.usage import FULL, HIGH, SHEDDING
from memory_toolkit.measure.sizes import MB, format_bytes
from memory_toolkit.panel.pieces import clock, duration, megabytes, peak
from memory_toolkit.panel.texts import name_of, t
from memory_toolkit.record.actions import ActionRecord
from memory_toolkit.record.timeline import Point

# Drawn anew no more often than this, so that a tooltip has the time to appear.
STEP_SECONDS = 5
MIN_SECONDS, MAX_SECONDS = 60, 600
COLUMNS = 120
SHOWN_ACTIONS = 100
# The limit is drawn when what was used reaches at least this share of it.
LIMIT_IN_RANGE = 0.4
# So that the label in the corner does not cover anything.
ROOM_ABOVE = 1.25
# The times below the picture are multiples of one of these, in seconds, and so many at most.
LABEL_SECONDS = (15, 30, 60, 120)
MAX_LABELS = 5
STROKE = "1.5px"


@dataclass(frozen=True)
class _Frame:
    """The position of a moment and a size in the picture, in per cent from its upper left."""

    start: float
    end: float
    top: int

    def across(self, time: float) -> float:
        return 100 * (time - self.start) / (self.end - self.start)

    def down(self, size: int) -> float:
        return 100 * (1 - size / self.top)


def timeline(
    points: Sequence[Point],
    records: Sequence[ActionRecord],
    now: float,
    limit: int,
    *,
    seconds: int = MAX_SECONDS,
    large: bool = False,
) -> str:
    """Return the picture as HTML; nothing as long as there are no points.

    Args:
        points: what was noted, oldest first.
        records: the actions.
        now: in seconds since the epoch.
        limit: in bytes. Where it is in the picture, so are the shares of it from which memory is
            high, caches are given up, and actions are refused.
        seconds: show these last ones at most.
        large: there is room for the names of these shares.
    """
    end = math.floor(now / STEP_SECONDS) * STEP_SECONDS
    points = [point for point in points if end - seconds <= point.time <= end]
    if not points:
        return ""
    start = end - min(seconds, max(MIN_SECONDS, end - math.floor(points[0].time)))
    newest = sorted(records, key=lambda record: -record.started)
    shown = [record for record in newest if start <= record.started <= end][:SHOWN_ACTIONS]
    highest = max(*(point.own for point in points), *(record.peak for record in shown), 0)
    limited = highest >= LIMIT_IN_RANGE * limit
    top = max(highest, limit) if limited else highest
    frame = _Frame(start, end, _round_up(int(top * ROOM_ABOVE)))
    text = t("memory.timeline", minutes=f"{(end - start) / 60:.0f}", highest=format_bytes(highest))
    kind = " memory-large" if large else ""
    marks = _thresholds(limit, frame, large) if limited else ""
    return (
        f'<div class="memory-faint">{escape(text)}</div>'
        f'<div class="memory-chart{kind}" role="img" aria-label="{escape(text)}">'
        f"{_area(points, frame)}{marks}"
        f"{''.join(_mark(record, frame) for record in shown)}"
        f"<span>{frame.top // MB:,} MB</span></div>"
        f'<div class="memory-axis" aria-hidden="true">{"".join(_labels(frame))}</div>'
    )


def _area(points: Sequence[Point], frame: _Frame) -> str:
    """Return what was held as an area with a line on top of it."""
    highest: dict[int, Point] = {}  # of each column
    for point in points:
        column = int(frame.across(point.time) / 100 * COLUMNS)
        highest[column] = max(highest.get(column, point), point, key=lambda p: p.own)
    corners = [(frame.across(p.time), frame.down(p.own)) for p in highest.values()]
    (left, first), (right, last) = corners[0], corners[-1]
    edge = [f"{x:.1f}% {y:.1f}%" for x, y in [(left, first), *corners, (right, last)]]
    below = [f"{x:.1f}% calc({y:.1f}% + {STROKE})" for x, y in reversed(corners)]
    area = ", ".join([f"{left:.1f}% 100%", *edge, f"{right:.1f}% 100%"])
    return (
        f'<div class="memory-area" style="clip-path: polygon({area})"></div>'
        f'<div class="memory-line" style="clip-path: polygon({", ".join([*edge, *below])})"></div>'
    )


def _thresholds(limit: int, frame: _Frame, large: bool) -> str:
    """Return the limit, and the shares of it that mean something, as lines."""
    lines = "".join(
        f'<u class="memory-share" style="top: {frame.down(int(share * limit)):.1f}%">'
        f"{f'{share:.0%}' if large else ''}</u>"
        for share in (HIGH, SHEDDING, FULL)
    )
    name = escape(t("memory.timeline_limit"))
    return f'{lines}<u style="top: {frame.down(limit):.1f}%">{name}</u>'


def _mark(record: ActionRecord, frame: _Frame) -> str:
    """Return an action as HTML: as wide as it took time, as high as it took memory."""
    width = min(100 * record.duration / (frame.end - frame.start), 100.0)
    height = 100 * max(0, record.peak - record.before) / frame.top
    title = t(
        "memory.timeline_action",
        name=name_of(record.name),
        time=f"{clock(record.started):%H:%M:%S}",
        change=megabytes(record.change, signed=True),
        peak=peak(record),
        duration=duration(record.duration),
    )
    return (
        f'<i{" class=memory-failed" if record.error else ""} title="{escape(title)}" style="'
        f"left: {frame.across(record.started):.1f}%; top: {frame.down(record.peak):.1f}%; "
        f'width: {width:.1f}%; height: {height:.1f}%"></i>'
    )


def _labels(frame: _Frame) -> Iterator[str]:
    """The times below the picture."""
    seconds = next(s for s in LABEL_SECONDS if (frame.end - frame.start) / s <= MAX_LABELS)
    first = math.ceil(frame.start / seconds) * seconds
    for time in range(first, int(frame.end) + 1, seconds):
        if 6 <= frame.across(time) <= 94:  # further out a label would leave the picture
            text = f"{clock(time):{'%H:%M' if seconds >= 60 else '%H:%M:%S'}}"
            yield f'<span style="left: {frame.across(time):.1f}%">{text}</span>'


def _round_up(size: int) -> int:
    """The next size in whole MB that has at most two digits worth reading."""
    megabytes = math.ceil(size / MB)
    step = max(1, 10 ** (len(str(megabytes)) - 1) // 2)
    return math.ceil(megabytes / step) * step * MB
