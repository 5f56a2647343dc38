"""Times of ratings, read by one rule for every engine.

A number counts seconds since 1970, or, where seconds would lie beyond the year 5000, milliseconds,
microseconds or nanoseconds. All else is a date of ISO 8601, with or without a time of day and the
offset of that; without one it is UTC. DuckDB and Spark read dates each in their own way, so the
rule is SQL that both understand, and leaves to them only what they agree on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

# No backslashes, which the engines take for different things.
_DATE = (
    "^([1-9][0-9]{3}[-/][0-9]{1,2}[-/][0-9]{1,2})"
    "(?:[T ]((?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?)"
    " ?(Z|UTC|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)?)?$"
)
_DAY, _CLOCK, _OFFSET = (f"regexp_extract(timestamp, '{_DATE}', {group})" for group in (1, 2, 3))
# Such as 2020-1-31 9:05:00.5+02:00.
_MOMENT = f"""CASE WHEN {_DAY} <> '' THEN concat(
    replace({_DAY}, '/', '-'),
    CASE WHEN {_CLOCK} = '' THEN ' 00:00:00' ELSE concat(' ', {_CLOCK}) END,
    CASE WHEN length({_CLOCK}) BETWEEN 1 AND 5 THEN ':00' ELSE '' END,
    CASE WHEN {_OFFSET} IN ('', 'Z', 'UTC') THEN '+00:00' ELSE {_OFFSET} END
) END"""


# Such as 31/12/2020 10:00 or 12.31.2020: day and month, the year, and what follows.
_DAY_AND_MONTH = "^([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})([ T].*)?$"
_FIRST, _SECOND, _YEAR, _REST = (
    f"regexp_extract(timestamp, '{_DAY_AND_MONTH}', {group})" for group in (1, 2, 3, 4)
)
# Short of looking at each with the pattern.
_MAY_HAVE_BOTH = "({})".format(
    " OR ".join(f"timestamp LIKE '_%{mark}_%{mark}____%'" for mark in "/.-")
)
_LAST_MONTH = 12


def rewrite_dates(connection: duckdb.DuckDBPyConnection) -> None:
    """Rewrite dates such as 31/12/2020, in the table ``ratings``, as 2020-12-31.

    Day comes before month, or after it, for the whole column: as one date in it shows that has a
    day after the 12th. Where none does, or both orders are seen, the dates stay as they are.
    """
    found = f"FROM ratings WHERE {_MAY_HAVE_BOTH} AND {_YEAR} <> ''"
    ((days_first, months_first),) = connection.execute(
        f"SELECT count_if({_FIRST}::INT > {_LAST_MONTH}), count_if({_SECOND}::INT > {_LAST_MONTH}) "
        + found
    ).fetchall()
    if bool(days_first) == bool(months_first):
        return
    day, month = (_FIRST, _SECOND) if days_first else (_SECOND, _FIRST)
    connection.execute(
        f"UPDATE ratings SET timestamp = concat({_YEAR}, '-', {month}, '-', {day}, {_REST}) "
        f"WHERE {_MAY_HAVE_BOTH} AND {_YEAR} <> ''"
    )


# What Python knows a time by that stands alone: a number as large as seconds are since 1973, or
# something that begins or ends with a date.
_EARLIEST_SECONDS = 1e8
_DATED = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b.*|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d\d)\b.*"
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


def seconds(number: str, epoch: str) -> str:
    """Return SQL for the seconds since 1970 in the text ``timestamp``, a double; null for no time.

    Args:
        number: SQL of the engine for that text as a double, null where it is no number.
        epoch: the same for the seconds of a date, a time and an offset, with ``{}`` where the text
            of these goes.
    """
    return f"""CASE
        WHEN abs({number}) < 1e11 THEN {number}
        WHEN abs({number}) < 1e14 THEN {number} / 1e3
        WHEN abs({number}) < 1e17 THEN {number} / 1e6
        WHEN {number} IS NOT NULL THEN {number} / 1e9
        ELSE {epoch.format(_MOMENT)}
    END"""
