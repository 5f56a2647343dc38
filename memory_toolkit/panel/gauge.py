"""The gauge: what the process holds now, beside the limit."""

from __future__ import annotations

import math
from html import escape
from typing import NamedTuple

from memory_toolkit.guard.guard import FULL, HIGH, SHEDDING, GuardState
from memory_toolkit.measure.sizes import MB, format_bytes
from memory_toolkit.measure.snapshot import Snapshot
from memory_toolkit.panel.pieces import facts, faint, warning
from memory_toolkit.panel.texts import t


class UseLevel(NamedTuple):
    """A level of use: the share of the limit where it begins, the key of its word, its colour."""

    start: float
    key: str
    colour: str


LEVELS = (
    UseLevel(FULL, "memory.level_full", "#d93a2f"),
    UseLevel(SHEDDING, "memory.level_shedding", "#e8760c"),
    UseLevel(HIGH, "memory.level_high", "#d6a400"),
    UseLevel(0.0, "memory.level_ok", "#2a9d63"),
)
# Own memory below this share of the limit could not be seen, and has a scale of its own.
SCALED_BELOW = 0.05
# What the guard decided, in the order of the line about it.
DECISIONS = {
    "admitted": "memory.guard_admitted",
    "waited": "memory.guard_waited",
    "shrunk": "memory.guard_shrunk",
    "shed": "memory.guard_shed",
    "refused": "memory.guard_refused",
    "memory_errors": "memory.guard_memory_errors",
}


def gauge(now: Snapshot, guard: GuardState | None) -> str:
    """Return the gauge as HTML: the bar, its legend, all that is known beside it, and the guard."""
    others = max(0, (now.group_used or 0) - now.own)
    share = (now.limit - now.headroom) / now.limit
    level = next(level for level in LEVELS if share >= level.start)
    top = _top(now)
    remarks = [_limit(now), _guard(guard)]
    if top < now.limit:
        sizes = {"top": format_bytes(top), "limit": format_bytes(now.limit)}
        remarks.insert(0, t("memory.bar_scaled", **sizes))
    if now.anon is None:
        remarks.append(t("memory.parts_unknown"))
    if others:
        remarks.append(t("memory.others"))
    if guard is not None and share >= SHEDDING:
        remarks.append(t("memory.level_note", shedding=f"{SHEDDING:.0%}", full=f"{FULL:.0%}"))
    blocks = [_head(now, level), _bar(now, others, level, top), _legend(now, others, level)]
    if now.refaults is not None and now.refaults.thrashing:
        blocks.insert(0, warning(t("memory.thrashing")))
    return "".join([*blocks, facts(_known(now)), *map(faint, remarks)])


def _head(now: Snapshot, level: UseLevel) -> str:
    share = now.own / now.limit
    of_limit = t(
        "memory.of_limit",
        share=f"{share:.1%}" if share < 0.1 else f"{share:.0%}",
        limit=format_bytes(now.limit),
    )
    return (
        f'<div class="memory-head"><span>{escape(t("memory.own"))}</span>'
        f'<span class="memory-level" style="--colour: {level.colour}">{escape(t(level.key))}</span>'
        f"<b>{format_bytes(now.own)}</b><span>{escape(of_limit)}</span></div>"
    )


def _top(now: Snapshot) -> int:
    """Return the size at the end of the bar: the limit, unless that is far away."""
    used = (now.limit - now.headroom) / now.limit
    if now.own >= SCALED_BELOW * now.limit or used >= HIGH:
        return now.limit
    # A power of two, so that it seldom changes; a third of the bar at least is filled.
    return MB << max(0, math.ceil(math.log2(max(1.0, 1.5 * now.own / MB))))


def _bar(now: Snapshot, others: int, level: UseLevel, top: int) -> str:
    # On a scale of its own, what others hold would be the whole bar.
    scaled = top < now.limit
    own, beside = min(1.0, now.own / top), 0.0 if scaled else min(1.0, others / top)
    percent = min(100, now.own * 100 / now.limit)
    shares = () if scaled else (HIGH, SHEDDING, FULL)
    marks = "".join(f'<i style="left: {share:.0%}"></i>' for share in shares)
    return (
        f'<div class="memory-bar" role="meter" aria-label="{escape(t("memory.own"))}"'
        f' aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent:.0f}"'
        f' aria-valuetext="{format_bytes(now.own)}, {escape(t(level.key))}"'
        f' style="--colour: {level.colour}">'
        f'<div class="memory-own" style="width: {own:.1%}"></div>'
        f'<div class="memory-others" style="width: {min(1 - own, beside):.1%}"></div>{marks}</div>'
    )


def _legend(now: Snapshot, others: int, level: UseLevel) -> str:
    entries = [("memory-own", "memory.bar_own", now.own)]
    if others:
        entries.append(("memory-others", "memory.bar_others", others))
    entries.append(("memory-free", "memory.bar_free", max(0, now.headroom)))
    keys = (
        f'<span><i class="{name}"></i>{escape(t(key))} {format_bytes(size)}</span>'
        for name, key, size in entries
    )
    return f'<div class="memory-legend" style="--colour: {level.colour}">{"".join(keys)}</div>'


def _known(now: Snapshot) -> list[tuple[str, str]]:
    sizes = {
        "memory.rss": now.rss,
        "memory.file": now.file,
        "memory.swap": now.swap,
        "memory.highest": now.peak,
    }
    known = [(t(key), format_bytes(size)) for key, size in sizes.items() if size is not None]
    if now.oom_kills is not None:
        known.append((t("memory.oom_kills"), f"{now.oom_kills:,}"))
    if now.pressure is not None:
        known.append((t(f"memory.pressure_{now.pressure_of}"), f"{now.pressure:.1f}%"))
    if now.refaults is not None:
        known.append((t("memory.refaults"), format_bytes(now.refaults.per_second)))
    return known


def _limit(now: Snapshot) -> str:
    machine = now.limit_source == "machine"
    return t("memory.limit", source=t("memory.machine") if machine else now.limit_source)


def _guard(guard: GuardState | None) -> str:
    if guard is None:
        return t("memory.guard_off")
    decided = [
        t(key, count=f"{guard.counts[name]:,}")
        for name, key in DECISIONS.items()
        if guard.counts[name]
    ]
    present = t("memory.guard", active=guard.active, waiting=guard.waiting)
    return ", ".join([present, *decided])
