"""Times of ratings, read by one rule for every engine.

A number counts seconds since 1970, or, where seconds would lie beyond the year 5000, milliseconds,
microseconds or nanoseconds. All else is a date with or without a time of day and the offset of
that; without one it is UTC. Where a date alone does not say which of its numbers is which, the
column does (`DateStyle`). DuckDB and Spark read dates each in their own way, so the rule is SQL
that both understand, and leaves to them only what they agree on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

# Patterns have no backslashes, which the engines take for different things.
# An offset, a zone that is UTC, and a name in brackets, as browsers write it.
_OFFSET = (
    "(?: ?(?:Z|(?:UTC|GMT)?([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)|UTC|GMT))?(?: [(][^)]*[)])?"
)
_HOUR, _MINUTES = "(?:[01]?[0-9]|2[0-3])", ":[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?"
_CLOCK = f"({_HOUR}{_MINUTES})(?: ?([AaPp])[.]?[Mm][.]?)?{_OFFSET}"
_TAIL = f"(?:(?:,? {{1,2}}|T| at ){_CLOCK})?$"
_DAY_OF_WEEK = "(?i)^(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]? )?"
_NAMES = "janfebmaraprmayjunjulaugsepoctnovdec"
_NUMBERS = "01 02 03 04 05 06 07 08 09 10 11 12 "
_MONTH = "({})(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?[.]?".format(
    "|".join(_NAMES[at : at + 3] for at in range(0, len(_NAMES), 3))
)
_ORDINAL = "([0-9]{1,2})(?:st|nd|rd|th)?"
_LAST_MONTH, _LAST_DAY = 12, 31
# Years of two digits are of 1970 to 2069.
_FIRST_SHORT_YEAR = 70


@dataclass(frozen=True)
class _Form:
    """A form of dates.

    Attributes:
        pattern: ends with time of day, AM or PM, and offset.
        parts: the groups of year, month and day; a single one is all three with marks between them.
        clock: the group of the time of day.
        named_month: whether the month is a name.
    """

    pattern: str
    parts: tuple[int, ...]
    clock: int = 4
    named_month: bool = False

    def group(self, number: int) -> str:
        """Return SQL for what the group matches; empty where the form is another."""
        return f"regexp_extract(timestamp, '{self.pattern}', {number})"

    def moment(self) -> str:
        """Return SQL for the date as 2020-01-31 09:05:00.5+02:00; no such text where the hour does
        not fit AM or PM."""
        clock, half, offset = (self.group(self.clock + n) for n in range(3))
        if self.pattern == _COMPACT:
            digits = f"replace({clock}, ':', '')"
            clock = f"""CASE {clock} WHEN '' THEN '' ELSE concat(substr({digits}, 1, 2), ':',
                substr({digits}, 3, 2), ':', substr({digits}, 5)) END"""
        hour, minutes = f"split_part({clock}, ':', 1)", f"substr({clock}, instr({clock}, ':'))"
        return f"""concat({self._date()}, ' ',
            CASE WHEN {clock} = '' THEN '00:00:00' ELSE concat(
                CASE WHEN {half} = '' THEN lpad({hour}, 2, '0')
                    WHEN try_cast({hour} AS INT) BETWEEN 1 AND 12 THEN lpad(concat('', try_cast(
                    {hour} AS INT) % 12 + CASE lower({half}) WHEN 'p' THEN 12 ELSE 0 END), 2, '0')
                    END,
                {minutes}, CASE length({minutes}) WHEN 3 THEN ':00' ELSE '' END) END,
            CASE {offset} WHEN '' THEN '+00:00' ELSE {offset} END)"""

    def _date(self) -> str:
        if len(self.parts) == 1:
            return f"replace(replace({self.group(1)}, '/', '-'), '.', '-')"
        year, month, day = map(self.group, self.parts)
        if self.named_month:
            month = f"substr('{_NUMBERS}', instr('{_NAMES}', lower({month})), 2)"
        return f"""concat(CASE WHEN length({year}) > 2 THEN {year}
            WHEN {year} < '{_FIRST_SHORT_YEAR}' THEN concat('20', {year})
            ELSE concat('19', {year}) END, '-', lpad({month}, 2, '0'), '-', lpad({day}, 2, '0'))"""


# Such as 20200131, 20200131101500 or 20200131T101500Z; nothing says AM or PM.
_COMPACT = (
    "(?i)^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
    f"(?:[T ]?((?:[01][0-9]|2[0-3]):?[0-5][0-9]:?[0-5][0-9](?:[.][0-9]{{1,9}})?)(){_OFFSET})?$"
)
# Characters that are shown of a time that cannot be read.
MAX_TIME_LENGTH = 60
_COMPACT_LENGTHS = "(8, 14)"
_COMPACT_FORM = _Form(_COMPACT, (1, 2, 3))
_FORMS = (
    # 2020-01-31 10:00, 2020/1/31
    _Form(f"^([1-9][0-9]{{3}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}){_TAIL}", (1,), clock=2),
    # 31 Jan 2020, 31-Jan-20, Fri, 31 January 2020 10:00:00 GMT
    _Form(
        f"{_DAY_OF_WEEK}{_ORDINAL}[ ./-]{{0,2}}{_MONTH}[ .,/-]{{0,2}}([0-9]{{4}}|[0-9]{{2}})"
        f"{_TAIL}",
        (3, 2, 1),
        named_month=True,
    ),
    # January 31, 2020 10:00 PM
    _Form(
        f"{_DAY_OF_WEEK}{_MONTH}[ -]?{_ORDINAL}(?:, ?| |-)([0-9]{{4}}){_TAIL}",
        (3, 1, 2),
        named_month=True,
    ),
    # Fri Jan 31 10:00:00 +0000 2020
    _Form(
        f"{_DAY_OF_WEEK}{_MONTH} {{1,2}}{_ORDINAL} {_CLOCK} ([0-9]{{4}})$",
        (6, 1, 2),
        clock=3,
        named_month=True,
    ),
    # 01 31, 2020, as Amazon's reviews have it
    _Form(f"(?i)^([0-9]{{1,2}}) ([0-9]{{1,2}}), ([0-9]{{4}}){_TAIL}", (3, 1, 2)),
    _COMPACT_FORM,
)
# The commonest form, which one look tells: 2020-01-31 10:00:00.
_PLAIN = (
    "regexp_extract(timestamp, '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2} "
    "(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}$', 0)"
)
_SHORT_YEARS = "[0-9]{4}|[0-9]{2}"


def _numeric(parts: tuple[int, ...], years: str) -> _Form:
    """The form of 31/12/2020 10:00, 12.31.2020 or 31-12-98: two numbers, then the year."""
    return _Form(f"(?i)^([0-9]{{1,2}})[/.-]([0-9]{{1,2}})[/.-]({years}){_TAIL}", parts)


@dataclass(frozen=True)
class DateStyle:
    """DateStyle says what the times of a column are together, where one alone does not say it.

    Attributes:
        day_first: whether 1/2/2020 is the first of February; None where no date shows it (a day
            after the 12th does) or both orders are seen: such dates are no times then.
        short_years: whether the last number of 31/12/98 is the year; it is not where the first may
            be one, too.
        compact: whether all are numbers such as 20200131 or 20200131101500, and these are dates.
    """

    day_first: bool | None = None
    short_years: bool = False
    compact: bool = False


_FIRST, _MIDDLE, _LAST = map(_numeric((3, 2, 1), _SHORT_YEARS).group, (1, 2, 3))
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
    no_year = f"{first} BETWEEN {this_year + 1} AND {_FIRST_SHORT_YEAR - 1}"
    short = f"length({_LAST}) = 2"
    return {
        "times": "count(timestamp)",
        "compact": f"count_if(CASE WHEN length(timestamp) IN {_COMPACT_LENGTHS} "
        f"THEN {_COMPACT_FORM.group(1)} <> '' ELSE false END)",
        "days_first": count(f"{first} > {_LAST_MONTH} AND NOT {short}"),
        "days_or_years_first": count(f"{first} > {_LAST_MONTH} AND {short}"),
        "months_first": count(f"{second} > {_LAST_MONTH}"),
        "undotted": count(f"{_FIRST} <> '' AND timestamp NOT LIKE '_%.%.__%'"),
        "last_is_year": count(f"{short} AND ({last} = 0 OR {last} > {_LAST_DAY} OR {no_year})"),
    }


def date_style(found: Mapping[str, int]) -> DateStyle:
    """Return the style of a column, from the aggregates of `evidence`.

    With dots alone, as in 1.2.2020, the day comes first unless a date shows another order.
    """
    months, unclear = found["months_first"], found["days_or_years_first"]
    days = found["days_first"] or (unclear and found["last_is_year"])
    day_first = None
    if days and not months:
        day_first = True
    elif months and not days and not unclear:
        day_first = False
    elif not (days or months or unclear or found["undotted"]):
        day_first = True
    return DateStyle(
        day_first,
        day_first is not None and any((days, months, found["last_is_year"])),
        found["times"] > 0 and found["compact"] == found["times"],
    )


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


def seconds(number: str, epoch: str, style: DateStyle = DateStyle()) -> str:
    """Return SQL for the seconds since 1970 in the text ``timestamp``, a double; null for no time.

    Args:
        number: SQL of the engine for that text as a double, null where it is no number.
        epoch: the same for the seconds of a date, a time and an offset, with ``{}`` where the text
            of these goes.
        style: of the dates of the column.
    """
    if style.compact:
        return epoch.format(_COMPACT_FORM.moment())
    forms = list(_FORMS)
    if style.day_first is not None:
        parts = (3, 2, 1) if style.day_first else (3, 1, 2)
        forms.append(_numeric(parts, _SHORT_YEARS if style.short_years else "[0-9]{4}"))
    plain = f"WHEN {_PLAIN} <> '' THEN concat(timestamp, '+00:00')"
    moments = " ".join(
        f"WHEN {form.group(form.parts[0])} <> '' THEN {form.moment()}" for form in forms
    )
    return f"""CASE
        WHEN abs({number}) < 1e11 THEN {number}
        WHEN abs({number}) < 1e14 THEN {number} / 1e3
        WHEN abs({number}) < 1e17 THEN {number} / 1e6
        WHEN {number} IS NOT NULL THEN {number} / 1e9
        ELSE {epoch.format(f"CASE {plain} {moments} END")}
    END"""
