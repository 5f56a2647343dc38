"""The scale that ratings are on, and the first rating that is not on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb

from recommender.core.errors import DataError, one_line
from recommender.dataset.staging import StagingTable

# A staged rating as a number; null where it is none.
RATING = "try_cast(rating AS DOUBLE)"

# From narrow to wide; the first that holds nearly all ratings is the scale.
USUAL_SCALES = (
    *((0.0, 1.0), (1.0, 5.0), (0.5, 5.0), (0.0, 5.0)),
    *((1.0, 10.0), (0.0, 10.0), (0.0, 100.0), (-10.0, 10.0)),
)
_WHOLE_NUMBERS_ONLY = (1.0, 5.0)
_NEARLY_ALL = 0.99
MAX_RATING = 2**24  # where 32-bit floats, as which they are kept, begin to leave numbers out


Scale = tuple[float, float]
# Called with a scale and advice; raises DataError if a rating lies outside the scale.
Outside = Callable[[Scale, str], None]

NO_NUMBER = "is not a number; correct or remove the row"
TOO_LARGE = f"is beyond {MAX_RATING:,}; correct the row, or divide all ratings"


def find_scale(
    connection: duckdb.DuckDBPyConnection, ratings: StagingTable, given: Scale | None
) -> Scale:
    """Return the scale's lowest and highest rating, and check that all ratings are on it.

    Args:
        given: what --scale says; see `choose_scale`.

    Raises:
        DataError: a rating is empty, no finite number, beyond 2^24, or off the scale; names
            its row and value.
    """

    def refuse(condition: str, advice: str) -> None:
        found = connection.execute(
            f"SELECT rowid, rating FROM ratings WHERE {condition} ORDER BY rowid LIMIT 1"
        ).fetchall()
        for row, value in found:
            raise DataError(off_scale(ratings.place(row), value, advice))

    def outside(scale: Scale, advice: str) -> None:
        refuse(f"{RATING} NOT BETWEEN {scale[0]} AND {scale[1]}", advice)

    refuse(f"NOT coalesce(isfinite({RATING}), false)", NO_NUMBER)
    refuse(f"abs({RATING}) > {MAX_RATING}", TOO_LARGE)
    held = ", ".join(f"count_if({RATING} BETWEEN {low} AND {high})" for low, high in USUAL_SCALES)
    ((lowest, highest, whole, *counts),) = connection.execute(
        f"SELECT min({RATING}), max({RATING}), bool_and({RATING} = round({RATING})), {held} "
        "FROM ratings"
    ).fetchall()
    place = str(ratings.file.path)
    return choose_scale(place, ratings.rows, (lowest, highest), whole, counts, given, outside)


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

    `given` is taken as it is. Otherwise it is the narrowest usual scale (0-1, 1-5 for whole
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
        DataError: all ratings are the same, and on no usual scale.
    """
    if given:
        outside(given, f"is outside --scale {_text(given)}; correct the row or the option")
        return given
    for scale, count in zip(USUAL_SCALES, counts, strict=True):
        if scale == _WHOLE_NUMBERS_ONLY and not whole:
            continue
        if count >= _NEARLY_ALL * rows:
            advice = "correct the row or give --scale LOW-HIGH"
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
