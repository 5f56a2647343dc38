"""Times of ratings, read by one rule for every engine.

The forms are those of `core.time_forms`. DuckDB and Spark read dates each in their own way, so the
rule is SQL that both understand, and leaves to them only what they agree on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from recommender.core.time_forms import (
    COMPACT_FORM,
    COMPACT_LENGTHS,
    FIRST_SHORT_YEAR,
    FORMS,
    LAST_DAY,
    LAST_MONTH,
    MONTH_NAMES,
    NO_STYLE,
    SHORT_YEARS,
    YEAR_FIRST_MARKS,
    DateForm,
    DateStyle,
    numeric_form,
)

# Characters that are shown of a time that cannot be read.
MAX_TIME_LENGTH = 60
# The commonest form, which one look tells: 2020-01-31 10:00:00.
_PLAIN = (
    "regexp_extract(timestamp, '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2} "
    "(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}$', 0)"
)
_MONTH_NUMBERS = "01 02 03 04 05 06 07 08 09 10 11 12 "


def _group(form: DateForm, number: int) -> str:
    """Return SQL for what the group matches; empty where the form is another."""
    return f"regexp_extract(timestamp, '{form.pattern}', {number})"


_FIRST, _MIDDLE, _LAST = (
    _group(numeric_form((3, 2, 1), SHORT_YEARS), number) for number in (1, 2, 3)
)
# Short of looking at each with the pattern: a mark follows one or two characters.
_MAY_BE_NUMERIC = (
    "(substr(timestamp, 2, 1) IN ('/', '.', '-') OR substr(timestamp, 3, 1) IN ('/', '.', '-'))"
)


def evidence() -> dict[str, str]:
    """Return SQL of aggregates over the column ``timestamp`` by which `date_style` decides."""

    def count(condition: str) -> str:
        counted = f"coalesce({condition}, false)"  # DuckDB gives null for nulls alone
        return f"count_if(CASE WHEN {_MAY_BE_NUMERIC} THEN {counted} ELSE false END)"

    first, second, last = (f"try_cast({text} AS INT)" for text in (_FIRST, _MIDDLE, _LAST))
    this_year = datetime.now(UTC).year % 100
    no_year = f"{first} BETWEEN {this_year + 1} AND {FIRST_SHORT_YEAR - 1}"
    short = f"length({_LAST}) = 2"
    return {
        "times": "count(timestamp)",
        "compact": f"count_if(CASE WHEN length(timestamp) IN {COMPACT_LENGTHS} "
        f"THEN {_group(COMPACT_FORM, 1)} <> '' ELSE false END)",
        "days_first": count(f"{first} > {LAST_MONTH} AND NOT {short}"),
        "days_or_years_first": count(f"{first} > {LAST_MONTH} AND {short}"),
        "months_first": count(f"{second} > {LAST_MONTH}"),
        "undotted": count(f"{_FIRST} <> '' AND timestamp NOT LIKE '_%.%.__%'"),
        "last_is_year": count(f"{short} AND ({last} = 0 OR {last} > {LAST_DAY} OR {no_year})"),
    }


def _moment(form: DateForm) -> str:
    """Return SQL for the date as 2020-01-31 09:05:00.5+02:00; no such text where the hour does not
    fit AM or PM."""
    clock, half, offset = (_group(form, form.clock + n) for n in range(3))
    if form == COMPACT_FORM:
        digits = f"replace({clock}, ':', '')"
        clock = f"""CASE {clock} WHEN '' THEN '' ELSE concat(substr({digits}, 1, 2), ':',
            substr({digits}, 3, 2), ':', substr({digits}, 5)) END"""
    hour, minutes = f"split_part({clock}, ':', 1)", f"substr({clock}, instr({clock}, ':'))"
    return f"""concat({_date(form)}, ' ',
        CASE WHEN {clock} = '' THEN '00:00:00' ELSE concat(
            CASE WHEN {half} = '' THEN lpad({hour}, 2, '0')
                WHEN try_cast({hour} AS INT) BETWEEN 1 AND 12 THEN lpad(concat('', try_cast(
                {hour} AS INT) % 12 + CASE lower({half}) WHEN 'p' THEN 12 ELSE 0 END), 2, '0')
                END,
            {minutes}, CASE length({minutes}) WHEN 3 THEN ':00' ELSE '' END) END,
        CASE {offset} WHEN '' THEN '+00:00' ELSE {offset} END)"""


def _date(form: DateForm) -> str:
    if len(form.parts) == 1:
        hyphens = "-" * len(YEAR_FIRST_MARKS)
        return f"translate({_group(form, 1)}, '{YEAR_FIRST_MARKS} ', '{hyphens}')"
    year, month, day = (_group(form, part) for part in form.parts)
    if form.named_month:
        month = f"substr('{_MONTH_NUMBERS}', instr('{MONTH_NAMES}', lower({month})), 2)"
    return f"""concat(CASE WHEN length({year}) > 2 THEN {year}
        WHEN {year} < '{FIRST_SHORT_YEAR}' THEN concat('20', {year})
        ELSE concat('19', {year}) END, '-', lpad({month}, 2, '0'), '-', lpad({day}, 2, '0'))"""


# What Python knows a time by that stands alone: a number as large as seconds are since 1973, or
# something that begins or ends with a date.
_EARLIEST_SECONDS = 1e8
_DATED = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d).*|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d\d)(?!\d).*"
    r"|\d{1,2}-[A-Za-z]{3}-\d\d(?!\d).*|(19|20)\d{6}[T ]?\d\d:?\d\d.*"
    r"|(?=.*\b[A-Za-z]{3,9}\b)(?=.*\b\d{1,2}\b).*\b(19|20)\d\d\b.*|\d{2} \d{1,2}, \d{4}"
)


def looks_like_time(values: Sequence[str]) -> bool:
    """Return whether the values of a column are times, at least most of them."""

    def is_time(value: str) -> bool:
        try:
            return abs(float(value)) >= _EARLIEST_SECONDS / 10
        except ValueError:
            return bool(_DATED.fullmatch(value))

    return 2 * sum(map(is_time, values)) > len(values)


def seconds(number: str, epoch: str, style: DateStyle = NO_STYLE) -> str:
    """Return SQL for the seconds since 1970 in the text ``timestamp``, a double; null for no time.

    Args:
        number: SQL of the engine for that text as a double, null where it is no number.
        epoch: the same for the seconds of a date, a time and an offset, with ``{}`` where the text
            of these goes.
        style: of the dates of the column.
    """
    if style.compact:
        return epoch.format(_moment(COMPACT_FORM))
    forms = list(FORMS)
    if style.day_first is not None:
        parts = (3, 2, 1) if style.day_first else (3, 1, 2)
        forms.append(numeric_form(parts, SHORT_YEARS if style.short_years else "[0-9]{4}"))
    plain = f"WHEN {_PLAIN} <> '' THEN concat(timestamp, '+00:00')"
    moments = " ".join(
        f"WHEN {_group(form, form.parts[0])} <> '' THEN {_moment(form)}" for form in forms
    )
    return f"""CASE
        WHEN abs({number}) < 1e11 THEN {number}
        WHEN abs({number}) < 1e14 THEN {number} / 1e3
        WHEN abs({number}) < 1e17 THEN {number} / 1e6
        WHEN {number} IS NOT NULL THEN {number} / 1e9
        ELSE {epoch.format(f"CASE {plain} {moments} END")}
    END"""
