"""Times in a file of one person's ratings, read by the rule of `core.time_forms`."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

from recommender.core.time_forms import (
    COMPACT_FORM,
    COMPACT_LENGTHS,
    FIRST_SHORT_YEAR,
    FORMS,
    LAST_DAY,
    LAST_MONTH,
    MONTH_NAMES,
    SHORT_YEARS,
    YEAR_FIRST_MARKS,
    DateForm,
    DateStyle,
    date_style,
    numeric_form,
)

# Later times are in milliseconds, microseconds or nanoseconds.
_LAST_SECOND = 10**11
_MINUTES_A_HOUR = 60


def read_times(texts: Sequence[str], latest: int) -> list[int | None]:
    """Return the seconds since 1970 of each text, from 0 to `latest`; None where it is no time.

    What one date does not say, such as which number of 3/4/2024 is the month, the file as a whole
    does.
    """
    stripped = [text.strip() for text in texts]
    style = _style([text for text in stripped if text])
    times = (_seconds(text, style) for text in stripped)
    return [None if time is None else min(max(int(time), 0), latest) for time in times]


def _style(texts: Sequence[str]) -> DateStyle:
    form = numeric_form((3, 2, 1), SHORT_YEARS)
    this_year = datetime.now(UTC).year % 100
    found = dict.fromkeys(
        ("days_first", "days_or_years_first", "months_first", "undotted", "last_is_year"), 0
    )
    compact = 0
    for text in texts:
        compact += len(text) in COMPACT_LENGTHS and bool(_match(COMPACT_FORM, text))
        if (match := _match(form, text)) is None:
            continue
        first, second, last = (int(match[part]) for part in (1, 2, 3))
        short = len(match[3]) <= len("98")
        found["days_first"] += first > LAST_MONTH and not short
        found["days_or_years_first"] += first > LAST_MONTH and short
        found["months_first"] += second > LAST_MONTH
        found["undotted"] += text[match.end(1)] + text[match.end(2)] != ".."
        no_year = this_year < first < FIRST_SHORT_YEAR
        found["last_is_year"] += short and (last == 0 or last > LAST_DAY or no_year)
    return date_style({**found, "times": len(texts), "compact": compact})


def _seconds(text: str, style: DateStyle) -> float | None:
    try:
        if style.compact:
            return _moment(COMPACT_FORM, text)
        try:
            seconds = float(text)
        except ValueError:
            found = (_moment(form, text) for form in _forms(style))
            return next((one for one in found if one is not None), None)
        for _ in range(3):
            seconds /= 1000 if seconds > _LAST_SECOND else 1
        return float(int(seconds))
    except (ValueError, OverflowError):
        return None


def _forms(style: DateStyle) -> tuple[DateForm, ...]:
    if style.day_first is None:
        return FORMS
    parts = (3, 2, 1) if style.day_first else (3, 1, 2)
    return *FORMS, numeric_form(parts, SHORT_YEARS if style.short_years else "[0-9]{4}")


def _moment(form: DateForm, text: str) -> float | None:
    """Return the seconds since 1970 of a text of this form, None where it is none.

    Raises:
        ValueError: it is, but there is no such day or time of day.
    """
    match = _match(form, text)
    if match is None:
        return None
    if len(form.parts) == 1:
        year, month, day = re.split(f"[-{YEAR_FIRST_MARKS}] ?", match[1])
    else:
        year, month, day = (match[part] for part in form.parts)
    if form.named_month:
        month = str(MONTH_NAMES.index(month.lower()) // 3 + 1)
    years = int(year)
    if len(year) <= len("98"):
        years += 2000 if years < FIRST_SHORT_YEAR else 1900
    date = datetime(years, int(month), int(day), tzinfo=_zone(match[form.clock + 2] or ""))
    return (date + _time_of_day(match[form.clock] or "", match[form.clock + 1] or "")).timestamp()


def _time_of_day(clock: str, half: str) -> timedelta:
    if not clock:
        return timedelta()
    if ":" not in clock:  # 101500
        clock = f"{clock[:2]}:{clock[2:4]}:{clock[4:]}"
    hour, minute, second = (*map(float, clock.split(":")), 0.0)[:3]
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"{clock} {half}M")
        hour = hour % 12 + 12 * (half in "pP")
    return timedelta(hours=hour, minutes=minute, seconds=second)


def _zone(offset: str) -> timezone:
    digits = offset.replace(":", "")[1:]
    minutes = _MINUTES_A_HOUR * int(digits[:2] or 0) + int(digits[2:] or 0)
    return timezone(timedelta(minutes=-minutes if offset.startswith("-") else minutes))


def _match(form: DateForm, text: str) -> re.Match[str] | None:
    return _compiled(form.pattern).search(text)


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)
