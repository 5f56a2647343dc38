"""The recorded actions as files, in bytes and seconds, under the names that the panel shows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from memory_toolkit.panel.texts import name_of
from memory_toolkit.record.actions import ActionRecord

COLUMNS = (
    "started",
    "name",
    "action",
    "session",
    "before",
    "after",
    "change",
    "peak",
    "peak_source",
    "rss_before",
    "rss_after",
    "duration",
    "overlaps",
    "error",
)


def as_csv(records: Iterable[ActionRecord]) -> str:
    """The records as CSV with a head (RFC 4180); `started` in UTC, no session is an empty field.

    `name` is as the visitor reads it, `action` as the program calls it.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(map(_row, records))
    return text.getvalue()


def as_json(records: Iterable[ActionRecord]) -> str:
    """The records as a JSON list of objects, named as in `as_csv`; `started` in UTC (ISO 8601)."""
    return json.dumps([_row(record) for record in records], indent=1)


def _row(record: ActionRecord) -> dict[str, Any]:
    shown = {"name": name_of(record.name), "action": record.name}
    row = {column: shown.get(column) or getattr(record, column) for column in COLUMNS}
    started = datetime.fromtimestamp(record.started, timezone.utc)
    text = started.isoformat(timespec="milliseconds")
    return {**row, "started": text, "duration": round(record.duration, 6)}
