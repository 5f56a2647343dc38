"""Times of ratings, read by one rule for every engine.

A number counts seconds since 1970, or, where seconds would lie beyond the year 5000, milliseconds,
microseconds or nanoseconds. All else is a date of ISO 8601, with or without a time of day and the
offset of that; without one it is UTC. DuckDB and Spark read dates each in their own way, so the
rule is SQL that both understand, and leaves to them only what they agree on.
"""

from __future__ import annotations

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
