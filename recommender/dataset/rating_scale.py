"""The scale that ratings are on, the first rating that is not on it, and counts that are none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import duckdb

from recommender.bundle.feedback import COUNTS, STARS
from recommender.core.column_names import COUNT, plain_name
from recommender.core.errors import DataError, SettingsError, one_line
from recommender.core.rating_words import read_ratings
from recommender.dataset.columns import ColumnUse
from recommender.dataset.lists import NULL_WORDS
from recommender.dataset.staging import StagingTable

# A staged rating as a number; null where it is none.
RATING = "try_cast(rating AS DOUBLE)"
# A staged count as a rating: twice as often is one more.
COUNT_AS_RATING = "log2(1 + rating::DOUBLE)"

# From narrow to wide; the first that holds nearly all ratings is the scale.
USUAL_SCALES = (
    *((0.0, 1.0), (-1.0, 1.0), (1.0, 5.0), (0.5, 5.0), (0.0, 5.0)),
    *((1.0, 10.0), (0.0, 10.0), (0.0, 100.0), (-10.0, 10.0)),
)
_WHOLE_NUMBERS_ONLY = (1.0, 5.0)
_NEARLY_ALL = 0.99
# What --unrated calls a cell with nothing in it.
EMPTY = "empty"
# After `rating_values`; the order of the other rows stays. A null is equal to no text.
DELETE_UNRATED = """
    DELETE FROM ratings WHERE rating IN (
        SELECT rating FROM rating_values WHERE unrated AND rating IS NOT NULL
    ) OR rating IS NULL AND (SELECT bool_or(unrated) FROM rating_values WHERE rating IS NULL)
"""
# Distinct values between which one can stand out.
MIN_VALUES, MAX_VALUES = 4, 1_000
# So many ratings, and so many of all, have the value; a zero, so many times as its neighbours.
_MIN_RATINGS, _FREQUENT, _SPIKE = 2, 0.01, 3
_LEAST_STARS = 0.5
# The lowest of the other ratings lies so far above a zero that is no rating, however rare.
_FAR_STARS = 2
# So many whole negative values may say why there is no rating.
_MAX_NEGATIVE = 2
# Numbers on a scale that ends here or higher are counts if three quarters of them, and not of too
# few, are in its lowest tenth.
_WIDE, _LOWEST_PART, _COUNTS_SHARE, _MIN_COUNTS = 10.0, 0.1, 0.75, 20
# Of so many ratings some are in the upper quarter of their scale.
_MIN_TELLING, _UPPER_PART = 100, 0.25
MAX_RATING = 2**24  # where 32-bit floats, as which they are kept, begin to leave numbers out


Scale = tuple[float, float]
# Called with a scale and advice; raises DataError if a rating lies outside the scale.
Outside = Callable[[Scale, str], None]

NO_NUMBER = "is not a number; correct or remove the row, or give --unrated"
NO_COUNT = "is below 0, which no count is; correct or remove the row, or give --unrated"
TOO_LARGE = f"is beyond {MAX_RATING:,}; correct the row, or divide all ratings"


def check_unrated(values: Sequence[str]) -> None:
    """Check what --unrated says.

    Raises:
        SettingsError: a value is neither a number nor a word for nothing.
    """
    for value in values:
        if _number(value) is None and value != EMPTY and value.lower() not in NULL_WORDS:
            raise SettingsError(
                f"--unrated {one_line(value, 40)!r}: give numbers, {EMPTY}, or words such as NA"
            )


def is_unrated(values: Sequence[str], number: str) -> str:
    """Return SQL that is true where the text ``rating`` says that there is no rating.

    Args:
        values: of --unrated: numbers; "empty" and words such as "NA" mean all words for nothing.
        number: SQL of the engine for that text as a double, null where it is no number.
    """
    numbers = [found for value in values if (found := _number(value)) is not None]
    conditions = [f"coalesce({number} IN ({', '.join(map(repr, numbers))}), false)"] * bool(numbers)
    if len(numbers) < len(values):
        words = ", ".join(f"'{word}'" for word in sorted(NULL_WORDS) if "\\" not in word)
        conditions += ["rating IS NULL", f"coalesce(lower(rating) IN ({words}), false)"]
        conditions.append("coalesce(lower(rating) = concat(chr(92), 'n'), false)")  # a backslash
    return " OR ".join(conditions) or "false"


def rating_values(
    connection: duckdb.DuckDBPyConnection, unrated: Sequence[str]
) -> tuple[int, float | None]:
    """Count the ratings by what they say, and mark those that are none.

    The table ``rating_values`` has each distinct text ``rating`` of the table ``ratings``, null
    included, the ``value`` that it is as a number, ``n`` ratings that have it, the ``first_row`` of
    them, and whether it is ``unrated``. Where all others are in signs or words (`rating_words`),
    the table ``ratings`` has their numbers then.

    Returns:
        How many ratings are none, and the highest of the scale, where signs or words say it.
    """
    count = (
        f"CREATE OR REPLACE TABLE rating_values AS "
        f"SELECT *, {is_unrated(unrated, 'value')} AS unrated FROM "
        f"(SELECT rating, {RATING} AS value, count(*) AS n, min(rowid) AS first_row "
        "FROM ratings GROUP BY rating)"
    )
    connection.execute(count)
    rated = "FROM rating_values WHERE NOT unrated AND rating IS NOT NULL"
    if not connection.execute(f"SELECT 1 {rated} AND value IS NULL LIMIT 1").fetchall():
        return count_of(connection, "unrated"), None
    texts = connection.execute(f"SELECT rating {rated} LIMIT {MAX_VALUES + 1}").fetchall()
    words = [text for (text,) in texts if text.lower() not in NULL_WORDS]
    found = read_ratings(words) if len(texts) <= MAX_VALUES else None
    if found is None:
        return count_of(connection, "unrated"), None
    numbers, highest = found
    connection.execute("CREATE TABLE spelled (text VARCHAR, number VARCHAR)")
    connection.executemany("INSERT INTO spelled VALUES (?, ?)", [*numbers.items()])
    connection.execute("UPDATE ratings SET rating = number FROM spelled WHERE rating = text")
    connection.execute(count)
    return count_of(connection, "unrated"), highest


def scale_up_to(highest: float, lowest: float, whole: bool) -> Scale:
    """Return the usual scale that ends at `highest` and has `lowest` on it; else one from there."""
    usual = (
        scale
        for scale in USUAL_SCALES
        if scale[1] == highest and scale[0] <= lowest and (whole or scale != _WHOLE_NUMBERS_ONLY)
    )
    return next(usual, (min(1.0, lowest), highest))


def count_of(connection: duckdb.DuckDBPyConnection, condition: str) -> int:
    """Return how many ratings have a value of the table ``rating_values`` that fits."""
    query = f"SELECT coalesce(sum(n), 0) FROM rating_values WHERE {condition}"
    return int(connection.execute(query).fetchall()[0][0])


def find_scale(
    connection: duckdb.DuckDBPyConnection,
    ratings: StagingTable,
    given: Scale | None,
    feedback: str = STARS,
    spelled: float | None = None,
) -> Scale:
    """Return the scale's lowest and highest rating, and check that all ratings are on it.

    Args:
        connection: after `rating_values`.
        given: what --scale says; see `choose_scale`.
        feedback: ``stars`` or ``counts``; the scale of counts is that of `COUNT_AS_RATING`.
        spelled: the highest rating of the scale, where the ratings' own spelling says it.

    Raises:
        DataError: a rating is empty, no finite number, beyond 2^24, or off the scale, or a count
            is below 0; names its row and value. Or one value looks as if it stood for no rating,
            or the ratings seem to be counts.
    """

    def refuse(condition: str, advice: str) -> None:
        found = connection.execute(
            f"SELECT first_row, rating FROM rating_values WHERE NOT unrated AND ({condition}) "
            "ORDER BY first_row LIMIT 1"
        ).fetchall()
        for row, value in found:
            raise DataError(off_scale(ratings.place(row), value, advice))

    def outside(scale: Scale, advice: str) -> None:
        refuse(f"value NOT BETWEEN {scale[0]} AND {scale[1]}", advice)

    refuse("NOT coalesce(isfinite(value), false)", NO_NUMBER)
    refuse(f"abs(value) > {MAX_RATING}", TOO_LARGE)
    place = str(ratings.file)
    rated = "FROM rating_values WHERE NOT unrated"
    held = ", ".join(
        f"coalesce(sum(n) FILTER (value BETWEEN {low} AND {high}), 0)" for low, high in USUAL_SCALES
    )
    ((rows, lowest, highest, whole, *counts),) = connection.execute(
        "SELECT coalesce(sum(n), 0), min(value), max(value), bool_and(value = round(value)), "
        f"{held} {rated}"
    ).fetchall()
    if not rows:
        raise DataError(f"{place}: no row has a rating; check --unrated")
    if feedback == COUNTS:
        refuse("value < 0", NO_COUNT)
        return 0.0, math.log2(1 + max(1.0, highest))
    if spelled and given and given[1] != spelled:
        raise DataError(
            f"{place}: the ratings are written as parts of {spelled:g}, and --scale is "
            f"{_text(given)}; leave it out"
        )
    if spelled and not given:
        return scale_up_to(spelled, lowest, whole)
    if not given:
        refuse_count_column(place, ratings.use)
        values = f"SELECT value, sum(n)::BIGINT {rated} GROUP BY value ORDER BY value"
        found = connection.execute(f"{values} LIMIT {MAX_VALUES + 1}").fetchall()
        ask_about_outlier(place, found)
    extent = lowest, highest
    scale = choose_scale(place, int(rows), extent, whole, counts, given, outside)
    if not given:
        low = count_of(connection, f"NOT unrated AND value <= {lowest_part(scale)}")
        refuse_counts(place, scale, extent, low, rows)
        ask_about_scale(place, scale, extent, rows)
    return scale


def refuse_count_column(place: str, use: ColumnUse) -> None:
    """Refuse a column that is called as counts are, taken as stars.

    Raises:
        DataError: so it is.
    """
    name = use.taken["rating"]
    if plain_name(name) in COUNT:
        raise DataError(
            f"{place}: the column {name!r} holds counts, it seems; give --feedback counts, or "
            "--scale LOW-HIGH if it holds stars"
        )


def lowest_part(scale: Scale) -> float:
    """Return the rating at which the lowest tenth of a scale ends."""
    return scale[0] + _LOWEST_PART * (scale[1] - scale[0])


def refuse_counts(place: str, scale: Scale, extent: Scale, low: int, rows: int) -> None:
    """Refuse what seems to be counts, or hours, taken as stars.

    Args:
        place: the file, for messages.
        extent: the lowest and the highest rating.
        low: how many of the `rows` ratings are at most `lowest_part`.

    Raises:
        DataError: it is three quarters of them, on a wide scale.
    """
    if scale[1] >= _WIDE and rows >= _MIN_COUNTS and low >= _COUNTS_SHARE * rows:
        raise DataError(
            f"{place}: most ratings are at most {lowest_part(scale):g} on {_text(scale)}, "
            f"as counts are; give --feedback counts, or --scale {_text(extent)} if they are stars"
        )


def ask_about_scale(place: str, scale: Scale, extent: Scale, rows: int) -> None:
    """Ask about a scale of which nobody uses the upper quarter, so that nothing would count as
    liked; of ratings that are all equal, any does.

    Raises:
        DataError: so it is, with enough ratings to tell.
    """
    upper = scale[1] - _UPPER_PART * (scale[1] - scale[0])
    if rows >= _MIN_TELLING and extent[0] < extent[1] < upper:
        raise DataError(
            f"{place}: the highest of {rows:,} ratings is {extent[1]:g}; give --scale "
            f"{_text(extent)} if there is no higher one, or --scale {_text(scale)} if there is"
        )


def ask_about_outlier(place: str, found: Sequence[tuple[float, int]]) -> None:
    """Ask about a frequent value that stands alone outside the rest, as -1, 0 or 99 do where they
    mean that somebody has not rated.

    Args:
        place: the file, for the message.
        found: the distinct values, ascending, and how many ratings have each; with more than
            `MAX_VALUES` none is asked about.

    Raises:
        DataError: there is such a value.
    """
    if not MIN_VALUES <= len(found) <= MAX_VALUES:
        return
    rows = sum(count for _, count in found)
    below = [value for value, _ in found if value < 0]
    reasons = 0 < len(below) <= _MAX_NEGATIVE and not any(value % 1 for value in below)
    above = found[len(below) if reasons else 1 :]
    for (value, count), rest in ((found[0], above), (found[-1], found[:-1])):
        if len(rest) < MIN_VALUES - 1 or count < max(_MIN_RATINGS, _FREQUENT * rows):
            continue
        if not _stands_alone(value, count, rest):
            continue
        low, high = found[0][0], found[-1][0]
        raise DataError(
            f"{place}: {count:,} of {rows:,} ratings are {value:g}, and the others "
            f"{rest[0][0]:g} to {rest[-1][0]:g}; does {value:g} mean not rated? Give "
            f"--unrated={value:g}, or --scale {low:g}-{high:g} if it is a rating"
        )


def _stands_alone(value: float, count: int, rest: Sequence[tuple[float, int]]) -> bool:
    low, high = rest[0][0], rest[-1][0]
    if value < 0 <= low:
        return high > -value  # not where -1, 0 and 1 are thumbs
    if value == 0:
        lowest, gap = (
            rest[0][1],
            max(above[0] - below[0] for below, above in itertools.pairwise(rest)),
        )
        often = count >= _SPIKE * max(lowest, rest[1][1]) or (low >= _FAR_STARS and low > gap)
        return low >= _LEAST_STARS and high > 1 and often
    usual = next((scale for scale in USUAL_SCALES if scale[0] <= low and high <= scale[1]), None)
    if usual and usual[0] <= value <= usual[1]:
        return False
    steps = [above[0] - below[0] for below, above in itertools.pairwise(rest)]
    return min(abs(value - low), abs(value - high)) > max(steps)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def choose_scale(
    place: str,
    rows: int,
    extent: Scale,
    whole: bool,
    counts: Sequence[int],
    given: Scale | None,
    outside: Outside,
) -> Scale:
    """Return the scale that the ratings are on: its lowest and highest rating.

    `given` is taken as it is. Otherwise it is the narrowest usual scale (0-1, -1-1, 1-5 for whole
    numbers, 0.5-5, 0-5, 1-10, 0-10, 0-100, -10-10) that holds 99% of the ratings, or, where none
    does, from the lowest to the highest rating.

    Args:
        place: the file, for messages.
        rows: how many ratings there are.
        extent: the lowest and the highest.
        whole: whether all are whole numbers.
        counts: how many of them each of `USUAL_SCALES` holds.
        outside: called before the scale is returned; raises if a rating is not on it.

    Raises:
        DataError: all ratings are the same, and on no usual scale above its lowest end.
    """
    if given:
        outside(
            given,
            f"is outside --scale {_text(given)}; correct the row or the option, or give --unrated",
        )
        return given
    for scale, count in zip(USUAL_SCALES, counts, strict=True):
        if scale == _WHOLE_NUMBERS_ONLY and not whole:
            continue
        if count >= _NEARLY_ALL * rows and extent != (scale[0], scale[0]):
            advice = "correct the row or give --scale LOW-HIGH, --unrated or --feedback counts"
            outside(scale, f"is outside the detected scale {_text(scale)}; {advice}")
            return scale
    if extent[0] == extent[1]:
        raise DataError(f"{place}: every rating is {extent[0]:g}; give --scale LOW-HIGH")
    return extent


def off_scale(place: str, value: str | None, advice: str) -> str:
    """Return the message for a rating that cannot be used: its place, its value and `advice`."""
    return f"{place}: rating {'(empty)' if value is None else one_line(value, 60)} {advice}"


def _text(scale: Scale) -> str:
    return f"{scale[0]:g}-{scale[1]:g}"
