"""Forms of dates and times in files, whoever reads them.

A number counts seconds since 1970, or, where seconds would lie beyond the year 5000, milliseconds,
microseconds or nanoseconds. All else is a date with or without a time of day and the offset of
that; without one it is UTC. Where a date alone does not say which of its numbers is which, the
column does (`DateStyle`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Patterns have no backslashes, which the engines take for different things.
# An offset, a zone that is UTC, and a name in brackets, as browsers write it.
_OFFSET = (
    "(?: ?(?:Z|(?:UTC|GMT)?([+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)|UTC|GMT))?(?: [(][^)]*[)])?"
)
_HOUR, _MINUTES = "(?:[01]?[0-9]|2[0-3])", ":[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?"
_CLOCK = f"({_HOUR}{_MINUTES})(?: ?([AaPp])[.]?[Mm][.]?)?{_OFFSET}"
_TAIL = f"(?:(?:,? {{1,2}}|T| at ){_CLOCK})?$"
_DAY_OF_WEEK = "(?i)^(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]? )?"
MONTH_NAMES = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTH = "({})(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?[.]?".format(
    "|".join(MONTH_NAMES[at : at + 3] for at in range(0, len(MONTH_NAMES), 3))
)
_ORDINAL = "([0-9]{1,2})(?:st|nd|rd|th)?"
LAST_MONTH, LAST_DAY = 12, 31
# Years of two digits are of 1970 to 2069.
FIRST_SHORT_YEAR = 70


@dataclass(frozen=True)
class DateForm:
    """A form of dates.

    Attributes:
        pattern: ends with time of day, AM or PM, and offset.
        parts: the groups of year, month and day; a single one is all three with marks between them.
        clock: the group of the time of day; AM or PM and the offset are those behind it.
        named_month: whether the month is a name.
    """

    pattern: str
    parts: tuple[int, ...]
    clock: int = 4
    named_month: bool = False


# Such as 20200131, 20200131101500 or 20200131T101500Z; nothing says AM or PM.
_COMPACT = (
    "(?i)^((?:19|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
    f"(?:[T ]?((?:[01][0-9]|2[0-3]):?[0-5][0-9]:?[0-5][0-9](?:[.][0-9]{{1,9}})?)(){_OFFSET})?$"
)
COMPACT_LENGTHS = (8, 14)
# What stands between year, month and day where the year comes first, beside a hyphen and a space.
YEAR_FIRST_MARKS = "/.년年월月"
COMPACT_FORM = DateForm(_COMPACT, (1, 2, 3))
FORMS = (
    # 2020-01-31 10:00, 2020/1/31, 2020. 1. 31., 2020년 1월 31일
    DateForm(
        f"^([1-9][0-9]{{3}}[-/.년年] ?[0-9]{{1,2}}[-/.월月] ?[0-9]{{1,2}})[.일日]?{_TAIL}",
        (1,),
        clock=2,
    ),
    # 31 Jan 2020, 31-Jan-20, Fri, 31 January 2020 10:00:00 GMT
    DateForm(
        f"{_DAY_OF_WEEK}{_ORDINAL}[ ./-]{{0,2}}{_MONTH}[ .,/-]{{0,2}}([0-9]{{4}}|[0-9]{{2}})"
        f"{_TAIL}",
        (3, 2, 1),
        named_month=True,
    ),
    # January 31, 2020 10:00 PM
    DateForm(
        f"{_DAY_OF_WEEK}{_MONTH}[ -]?{_ORDINAL}(?:, ?| |-)([0-9]{{4}}){_TAIL}",
        (3, 1, 2),
        named_month=True,
    ),
    # Fri Jan 31 10:00:00 +0000 2020
    DateForm(
        f"{_DAY_OF_WEEK}{_MONTH} {{1,2}}{_ORDINAL} {_CLOCK} ([0-9]{{4}})$",
        (6, 1, 2),
        clock=3,
        named_month=True,
    ),
    # 01 31, 2020, as Amazon's reviews have it
    DateForm(f"(?i)^([0-9]{{1,2}}) ([0-9]{{1,2}}), ([0-9]{{4}}){_TAIL}", (3, 1, 2)),
    COMPACT_FORM,
)
SHORT_YEARS = "[0-9]{4}|[0-9]{2}"


def numeric_form(parts: tuple[int, ...], years: str) -> DateForm:
    """Return the form of 31/12/2020 10:00, 12.31.2020 or 31-12-98: two numbers, then the year."""
    return DateForm(f"(?i)^([0-9]{{1,2}})[/.-]([0-9]{{1,2}})[/.-]({years}){_TAIL}", parts)


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


NO_STYLE = DateStyle()


def date_style(found: Mapping[str, int]) -> DateStyle:
    """Return the style of a column, from what its times show.

    With dots alone, as in 1.2.2020, the day comes first unless a date shows another order.

    Args:
        found: how many ``times`` there are; how many are ``compact``; and of those such as
            31/12/2020, how many have a first number that is a day (``days_first``) or a day or a
            year (``days_or_years_first``), a second that is a day (``months_first``), other marks
            than dots (``undotted``), and a last of two digits that can only be a year
            (``last_is_year``).
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
