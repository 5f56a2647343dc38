"""The scale that ratings are on, and the first rating that is not on it."""

from __future__ import annotations

import duckdb

from recommender.dataset.staging import Staged
from recommender.errors import DataError, one_line

# A staged rating as a number; null where it is none.
RATING = "try_cast(rating AS DOUBLE)"

# From narrow to wide; the first that holds nearly all ratings is the scale.
_USUAL_SCALES = (
    *((0.0, 1.0), (1.0, 5.0), (0.5, 5.0), (0.0, 5.0)),
    *((1.0, 10.0), (0.0, 10.0), (0.0, 100.0), (-10.0, 10.0)),
)
_WHOLE_NUMBERS_ONLY = (1.0, 5.0)
_NEARLY_ALL = 0.99
_LARGEST = 2**24  # where 32-bit floats, as which they are kept, begin to leave numbers out


def find_scale(
    connection: duckdb.DuckDBPyConnection, ratings: Staged, given: tuple[float, float] | None
) -> tuple[float, float]:
    """The lowest and highest rating that the scale has, after seeing that all ratings are on it.

    `given` is taken as it is. Otherwise it is the narrowest usual scale (0-1, 1-5 for whole
    numbers, 0.5-5, 0-5, 1-10, 0-10, 0-100, -10-10) that holds 99% of the ratings, or, where none
    does, from the lowest to the highest rating.

    Raises:
        DataError: a rating is empty, no finite number, beyond 2^24, or off the scale; names
            its row and value.
    """
    _refuse(
        connection,
        ratings,
        f"NOT coalesce(isfinite({RATING}), false)",
        "is not a number; correct or remove the row",
    )
    _refuse(
        connection,
        ratings,
        f"abs({RATING}) > {_LARGEST}",
        f"is beyond {_LARGEST:,}; correct the row, or divide all ratings",
    )
    if given:
        advice = f"is outside --scale {_text(given)}; correct the row or the option"
        return _checked(connection, ratings, given, advice)
    held = ", ".join(f"count_if({RATING} BETWEEN {low} AND {high})" for low, high in _USUAL_SCALES)
    ((lowest, highest, whole, *counts),) = connection.execute(
        f"SELECT min({RATING}), max({RATING}), bool_and({RATING} = round({RATING})), {held} "
        "FROM ratings"
    ).fetchall()
    for scale, count in zip(_USUAL_SCALES, counts, strict=True):
        if scale == _WHOLE_NUMBERS_ONLY and not whole:
            continue
        if count >= _NEARLY_ALL * ratings.rows:
            advice = (
                f"is outside the detected scale {_text(scale)}; correct the row or give "
                "--scale LOW-HIGH"
            )
            return _checked(connection, ratings, scale, advice)
    if lowest == highest:
        raise DataError(f"{ratings.file.path}: every rating is {lowest:g}; give --scale LOW-HIGH")
    return lowest, highest


def _checked(
    connection: duckdb.DuckDBPyConnection,
    ratings: Staged,
    scale: tuple[float, float],
    advice: str,
) -> tuple[float, float]:
    _refuse(connection, ratings, f"{RATING} NOT BETWEEN {scale[0]} AND {scale[1]}", advice)
    return scale


def _refuse(
    connection: duckdb.DuckDBPyConnection, ratings: Staged, condition: str, advice: str
) -> None:
    found = connection.execute(
        f"SELECT rowid, rating FROM ratings WHERE {condition} ORDER BY rowid LIMIT 1"
    ).fetchall()
    for row, value in found:
        shown = "(empty)" if value is None else one_line(value, 60)
        raise DataError(f"{ratings.place(row)}: rating {shown} {advice}")


def _text(scale: tuple[float, float]) -> str:
    return f"{scale[0]:g}-{scale[1]:g}"
