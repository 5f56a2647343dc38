"""Times in a file of one person's ratings: seconds and finer units, ISO 8601, and dates as people
write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

# Later times are in milliseconds, microseconds or nanoseconds.
_LAST_SECOND = 10**11
_NUMERIC = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?:[ ,T]+(\d.*))?", re.ASCII)
_LOOSE_ISO = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(.*)", re.ASCII)
_IN_WORDS = ("%a %b %d %H:%M:%S %Y", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y")


def read_times(texts: Sequence[str], latest: int) -> list[int | None]:
    """Return the seconds since 1970 of each text, from 0 to `latest`; None where it is no time.

    Without an offset a time is in UTC. Of dates such as 3/4/2024 the file as a whole tells which
    number is the month: one beyond 12 is none. Where no date tells, they are no times, but with
    dots the day comes first.
    """
    numeric = [found for text in texts if (found := _NUMERIC.fullmatch(text.strip()))]
    slashed = [found for found in numeric if found[2] != "."]
    day_first = any(int(found[1]) > 12 for found in slashed)
    month_first = any(int(found[3]) > 12 for found in slashed)
    order = None if day_first == month_first else day_first
    times = (_seconds(text.strip(), order) for text in texts)
    return [None if time is None else min(max(int(time), 0), latest) for time in times]


def _seconds(text: str, day_first: bool | None) -> float | None:
    try:
        try:
            seconds = float(text)
            for _ in range(3):
                seconds /= 1000 if seconds > _LAST_SECOND else 1
            return float(int(seconds))
        except ValueError:
            moment = _moment(text, day_first)
            if moment is None:
                return None
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _moment(text: str, day_first: bool | None) -> datetime | None:
    """Raises ValueError where `text` is no date."""
    if found := _NUMERIC.fullmatch(text):
        day_first = True if found[2] == "." else day_first
        if day_first is None:
            return None
        day, month = (found[1], found[3]) if day_first else (found[3], found[1])
        year = found[4] if len(found[4]) == 4 else f"20{found[4]}"
        return datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}{_clock(found[5])}")
    if found := _LOOSE_ISO.fullmatch(text.removesuffix(" UTC")):
        return datetime.fromisoformat(f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}{found[4]}")
    for form in _IN_WORDS:
        try:
            return datetime.strptime(" ".join(text.replace(",", " ").split()), form)
        except ValueError:
            continue
    return None


def _clock(text: str | None) -> str:
    """The time of day as ISO 8601 writes it; nothing where there is none or only with AM and PM."""
    clock = (text or "").strip()
    return f" {clock:0>5}" if re.fullmatch(r"\d{1,2}:\d\d", clock) else f" {clock}" if clock else ""
