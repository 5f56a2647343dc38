"""Figures of memory as JSON: of a recorded command or of this process, and their difference."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory_toolkit.measure.sizes import format_bytes
from memory_toolkit.measure.snapshot import snapshot
from memory_toolkit.record.tracking import count_objects, top_lines

if TYPE_CHECKING:
    from memory_toolkit.record.recorder import Recording

ALL = 1_000_000
_MEMORY = ("own", "file", "rss", "swap", "peak", "limit")
# The sections of a file, with their titles.
_SECTIONS = {"memory": "Memory", "lines": "Lines of code", "types": "Objects by type"}


class SavedError(Exception):
    """A file cannot be read, or holds something else; says which and what to do."""


def save_snapshot(path: str | Path) -> None:
    """Write what this process holds now as JSON, for `debug-memory diff`.

    That is its memory in bytes, the objects by type, and while `start_memory_tracking` is on the
    bytes by line of code.

    Raises:
        OSError: the file cannot be written.
    """
    now = snapshot()
    memory = {name: getattr(now, name) for name in _MEMORY if getattr(now, name) is not None}
    lines = {line.place: line.size for line in top_lines(ALL)}
    types = dict(count_objects(ALL))
    found = {"time": time.time(), "memory": memory, "lines": lines, "types": types}
    Path(path).write_text(json.dumps(found, indent=1), "utf-8")


def recording_as_json(recording: Recording) -> str:
    """Return a recording as JSON: how it ended, and its memory in bytes."""
    highest = recording.highest
    memory = {
        "peak": highest.peak if highest else None,
        "mean": round(recording.mean),
        "rss_peak": recording.rss_peak,
        "group_peak": recording.group_peak,
        "limit": recording.limit,
    }
    found = {
        "time": recording.started,
        "command": recording.command,
        "status": recording.ending.status,
        "ending": recording.ending.text,
        "seconds": round(recording.duration, 3),
        "processes": recording.most_processes,
        "memory": {name: size for name, size in memory.items() if size is not None},
    }
    return json.dumps(found, indent=1) + "\n"


def read_saved(path: Path) -> dict[str, Any]:
    """Return what a file holds.

    Raises:
        SavedError: it cannot be read, or is none of these files.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SavedError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("memory"), dict):
        advice = "give what `run --json` or save_snapshot wrote"
        raise SavedError(f"{path} holds no figures of memory; {advice}")
    return found


def difference(before: Mapping[str, Any], after: Mapping[str, Any], most: int) -> Iterator[str]:
    """Yield what changed, line by line: of each section that both have, `most` lines at most.

    What grew or shrank most comes first.
    """
    for section, title in _SECTIONS.items():
        if not (before.get(section) and after.get(section)):
            continue
        earlier, later = before[section], after[section]
        names = dict.fromkeys([*later, *earlier])
        changes = {name: later.get(name, 0) - earlier.get(name, 0) for name in names}
        order = sorted(names, key=lambda name: -abs(changes[name]))
        yield f"{title}:"
        for name in [name for name in order if changes[name]][:most]:
            yield f"  {_figures(section, earlier.get(name, 0), later.get(name, 0))}  {name}"
        if not any(changes.values()):
            yield "  the same"


def _figures(section: str, earlier: int, later: int) -> str:
    if section == "types":
        return f"{later - earlier:>+12,} ({earlier:,} to {later:,})"
    change = format_bytes(later - earlier, signed=True)
    return f"{change:>12} ({format_bytes(earlier)} to {format_bytes(later)})"
