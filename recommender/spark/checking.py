"""The same checks of the ratings as the local import's, in one pass over the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from recommender.core.errors import DataError, one_line
from recommender.core.progress import Progress, no_progress
from recommender.dataset.rating_scale import (
    LARGEST,
    NO_NUMBER,
    TOO_LARGE,
    USUAL_SCALES,
    Scale,
    choose_scale,
    off_scale,
)
from recommender.dataset.staging import EMPTY_ID, LONG_ID, LONGEST_ID
from recommender.dataset.textfiles import NOT_UTF_8
from recommender.spark.files import local
from recommender.spark.following import follow
from recommender.spark.reading import PLACE, unreadable

_LONGEST_ROW = 100
# What may be wrong with a row, in order of importance: the condition, the column, what is said.
# U+FFFD is what a decoder puts where bytes are no text.
_FAULTS = (
    ("broken", "it", "has more or fewer fields than the header; mend the row"),
    ("user_id IS NULL", "user_id", EMPTY_ID),
    (f"octet_length(user_id) > {LONGEST_ID}", "user_id", LONG_ID),
    ("user_id LIKE '%\ufffd%'", "user_id", NOT_UTF_8),
    ("movie_id IS NULL", "movie_id", EMPTY_ID),
    (f"octet_length(movie_id) > {LONGEST_ID}", "movie_id", LONG_ID),
    ("movie_id LIKE '%\ufffd%'", "movie_id", NOT_UTF_8),
    ("value IS NULL OR isnan(value) OR abs(value) = double('infinity')", "rating", NO_NUMBER),
    (f"abs(value) > {LARGEST}", "rating", TOO_LARGE),
)


@dataclass(frozen=True)
class Checked:
    """What one pass over the ratings found, all of them being fit for use.

    Attributes:
        rows: how many ratings there are.
        known: how many of them are of movies in the catalogue.
        integers: whether the ids of all users who gave these are integers.
        scale: lowest and highest rating that the scale has.
    """

    rows: int
    known: int
    integers: bool
    scale: Scale


def check(
    ratings: DataFrame, path: str, given: Scale | None, progress: Progress = no_progress
) -> Checked:
    """Go through the ratings once, and a second time only to find what is wrong.

    Args:
        ratings: from `reading.read_ratings`, with the column ``movie``, null where unknown.
        path: where they are from.
        given: what --scale says; see `rating_scale.choose_scale`.

    Raises:
        DataError: a row is broken, lacks an id, or has a rating that is no number or off the scale;
            names the file and the row's text.
    """
    value = F.col("value")
    known = F.col("movie").isNotNull()
    held = (F.count_if(value.between(low, high)) for low, high in USUAL_SCALES)
    summary = ratings.agg(
        F.count("*").alias("rows"),
        F.count("movie").alias("known"),
        F.bool_and(_is_integer("user_id") | ~known).alias("integers"),
        F.min("value").alias("lowest"),
        F.max("value").alias("highest"),
        F.bool_and(value == F.rint(value)).alias("whole"),
        F.array(*held).alias("counts"),
        # Numbers alone: to look for the first bad row, too, would take this pass twice as long.
        *(
            F.count_if(F.expr(condition)).alias(f"bad{position}")
            for position, (condition, _, _) in enumerate(_FAULTS)
        ),
    )
    with unreadable(path):
        row = follow(ratings.sparkSession.sparkContext, summary.head, progress, jobs=2)
    assert row is not None  # an aggregate of no rows is one row, too
    if not row.rows:
        raise DataError(f"{path} has no rows; check --ratings")

    def first(condition: Column) -> Row:
        found = ratings.agg(F.min(F.when(condition, _place()))).head()
        assert found is not None
        place: Row = found[0]
        return place

    for position, (condition, column, said) in enumerate(_FAULTS):
        if not row[f"bad{position}"]:
            continue
        bad = first(F.expr(condition))
        if column == "rating":
            raise DataError(off_scale(_shown(bad), bad.rating, said))
        raise DataError(f"{_shown(bad)}: {column} {said}")

    def outside(scale: Scale, advice: str) -> None:
        if scale[0] <= row.lowest and row.highest <= scale[1]:
            return
        bad = first(~value.between(*scale))
        raise DataError(off_scale(_shown(bad), bad.rating, advice))

    extent = row.lowest, row.highest
    scale = choose_scale(path, row.rows, extent, row.whole, row.counts, given, outside)
    return Checked(row.rows, row.known, bool(row.integers), scale)


def _is_integer(column: str) -> Column:
    return F.col(column).try_cast("bigint").cast("string").eqNullSafe(F.col(column))


def _place() -> Column:
    """What `min` finds the first row by, and what is shown of it."""
    return F.struct(*PLACE, "text", "rating")


def _shown(place: Row) -> str:
    return f"{local(unquote(place.file))}, row {one_line(place.text, _LONGEST_ROW)}"
