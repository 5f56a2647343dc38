"""The recorded actions as files, in bytes and seconds, under the names that the program uses."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from memory_toolkit.record.actions import ActionRecord

COLUMNS = (
    "started",
    "name",
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
    """The records as CSV with a head (RFC 4180); `started` in UTC, no session is an empty field."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(map(_row, records))
    return text.getvalue()


def as_json(records: Iterable[ActionRecord]) -> str:
    """The records as a JSON list of objects; `started` in UTC (ISO 8601)."""
    return json.dumps([_row(record) for record in records], indent=1)


def _row(record: ActionRecord) -> dict[str, Any]:
    row = {column: getattr(record, column) for column in COLUMNS}
    started = datetime.fromtimestamp(record.started, timezone.utc)
    text = started.isoformat(timespec="milliseconds")
    return {**row, "started": text, "duration": round(record.duration, 6)}
