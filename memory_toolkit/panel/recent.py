"""The last actions as bars: what each took beyond what was held when it began."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from memory_toolkit.panel.pieces import PEAK_MARKS, faint, heading, short_size
from memory_toolkit.panel.texts import name_of, t
from memory_toolkit.record.actions import ActionRecord

SHOWN = 6


def recent(records: Sequence[ActionRecord], level: int = 4) -> str:
    """Return the newest of `records` as HTML, the one that took most first; nothing without any.

    The bars have a scale of their own, since beside a limit most actions cannot be seen: the
    longest is what the largest of them took at its peak, the darker part of each what it kept.

    Args:
        records: the newest first.
        level: of the heading.
    """
    shown = sorted(records[:SHOWN], key=_taken, reverse=True)
    if not shown:
        return ""
    most = max(_taken(shown[0]), 1)
    rows = "".join(_row(record, most) for record in shown)
    return (
        f"{heading(t('memory.recent'), level)}"
        f'<ol class="memory-recent">{rows}</ol>{faint(t("memory.recent_legend"))}'
    )


def _row(record: ActionRecord, most: int) -> str:
    taken, kept = _taken(record), min(max(0, record.change), _taken(record))
    peak = PEAK_MARKS[record.peak_source] + short_size(taken, signed=True)
    figures = t("memory.taken", peak=peak, change=short_size(record.change, signed=True))
    failed = ' class="memory-failed"' if record.error else ""
    return (
        f"<li><span>{escape(name_of(record.name))}</span><span>{escape(figures)}</span>"
        f'<div{failed} style="width: {max(taken / most, 0.005):.1%}">'
        f'<i style="width: {kept / taken if taken else 0:.1%}"></i></div></li>'
    )


def _taken(record: ActionRecord) -> int:
    return max(0, record.peak - record.before)
