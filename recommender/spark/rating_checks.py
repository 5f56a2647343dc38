"""The same checks of the ratings as the local import's, in one pass over the cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from recommender.core.errors import DataError, one_line
from recommender.core.progress import Progress, no_progress
from recommender.core.time_forms import NO_STYLE, DateStyle, date_style
from recommender.dataset.rating_scale import (
    MAX_RATING,
    MAX_VALUES,
    NO_NUMBER,
    TOO_LARGE,
    USUAL_SCALES,
    Scale,
    ask_about_outlier,
    ask_about_scale,
    choose_scale,
    lowest_part,
    off_scale,
    refuse_counts,
)
from recommender.dataset.staging import EMPTY_ID, LONG_ID, MAX_ID_BYTES
from recommender.dataset.text_files import NOT_UTF_8
from recommender.dataset.times import MAX_TIME_LENGTH
from recommender.spark.files import local_path
from recommender.spark.jobs import run_jobs
from recommender.spark.reading import PLACE, times_evidence, unreadable, with_times

_MAX_ROW_LENGTH = 100
_HIGHEST_STARS = 10
# SQL that is true where the time of a rating that is kept cannot be read.
UNREADABLE = "movie IS NOT NULL AND timestamp IS NOT NULL AND millis IS NULL"
# What may be wrong with a row, in order of importance: the condition, the column, the message.
# U+FFFD is what a decoder puts where bytes are no text.
_FAULTS = (
    ("broken", "it", "has more or fewer fields than the header; mend the row"),
    ("user_id IS NULL", "user_id", EMPTY_ID),
    (f"octet_length(user_id) > {MAX_ID_BYTES}", "user_id", LONG_ID),
    ("user_id LIKE '%\ufffd%'", "user_id", NOT_UTF_8),
    ("movie_id IS NULL", "movie_id", EMPTY_ID),
    (f"octet_length(movie_id) > {MAX_ID_BYTES}", "movie_id", LONG_ID),
    ("movie_id LIKE '%\ufffd%'", "movie_id", NOT_UTF_8),
    ("value IS NULL OR isnan(value) OR abs(value) = double('infinity')", "rating", NO_NUMBER),
    (f"abs(value) > {MAX_RATING}", "rating", TOO_LARGE),
)


@dataclass(frozen=True)
class RatingsSummary:
    """RatingsSummary of one pass over ratings that can all be used.

    Attributes:
        rows: how many ratings there are.
        known: how many of them are of movies in the catalogue.
        integers: whether the ids of all users who gave these are integers.
        scale: lowest and highest rating that the scale has.
        dates: the style of the dates of all of them.
        unreadable_times: how many ratings of known movies have a time that cannot be read.
        unreadable_time: the first of those.
    """

    rows: int
    known: int
    integers: bool
    scale: Scale
    dates: DateStyle = NO_STYLE
    unreadable_times: int = 0
    unreadable_time: str = ""


def check_ratings(
    ratings: DataFrame, path: str, given: Scale | None, progress: Progress = no_progress
) -> RatingsSummary:
    """Check the ratings in one pass; others find the first bad row and count unreadable times.

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
        *times_evidence(),
        F.count_if(F.expr(UNREADABLE)).alias("unreadable"),
        # Numbers alone: to look for the first bad row, too, would take this pass twice as long.
        *(
            F.count_if(F.expr(condition)).alias(f"bad{position}")
            for position, (condition, _, _) in enumerate(_FAULTS)
        ),
    )
    with unreadable(path):
        row = run_jobs(ratings.sparkSession.sparkContext, summary.head, progress, jobs=2)
    assert row is not None  # an aggregate of no rows is one row, too
    if not row.rows:
        raise DataError(f"{path} has no rows; check --ratings")

    def first(condition: Column) -> Row:
        found = ratings.agg(F.min(F.when(condition, _place()))).head()
        assert found is not None
        place: Row = found[0]
        return place

    for position, (condition, column, problem) in enumerate(_FAULTS):
        if not row[f"bad{position}"]:
            continue
        bad = first(F.expr(condition))
        if column == "rating":
            raise DataError(off_scale(_shown(bad), bad.rating, problem))
        raise DataError(f"{_shown(bad)}: {column} {problem}")

    def outside(scale: Scale, advice: str) -> None:
        if scale[0] <= row.lowest and row.highest <= scale[1]:
            return
        bad = first(~value.between(*scale))
        raise DataError(off_scale(_shown(bad), bad.rating, advice))

    # Values that stand for none are low or high; else a second pass over the files is saved.
    if not given and (row.lowest <= 0 or row.highest > _HIGHEST_STARS):
        values = ratings.groupBy("value").count().orderBy("value").limit(MAX_VALUES + 1).collect()
        ask_about_outlier(path, [(one[0], one[1]) for one in values])
    extent = row.lowest, row.highest
    scale = choose_scale(path, row.rows, extent, row.whole, row.counts, given, outside)
    if not given and scale[1] >= _HIGHEST_STARS:
        low = ratings.agg(F.count_if(value <= lowest_part(scale))).head()
        assert low is not None
        refuse_counts(path, scale, extent, low[0], row.rows)
    if not given:
        ask_about_scale(path, scale, extent, row.rows)
    summed = RatingsSummary(row.rows, row.known, bool(row.integers), scale)
    dates = date_style(row.asDict())
    if not row.unreadable and not dates.compact:
        return summed
    no_time = F.expr(UNREADABLE)
    counted = with_times(ratings, dates).agg(
        F.count_if(no_time).alias("n"),
        F.min(F.when(no_time, F.struct(*PLACE, "timestamp"))).alias("place"),
    )
    with unreadable(path):
        times = counted.head()
    assert times is not None
    shown = one_line(times.place.timestamp, MAX_TIME_LENGTH) if times.n else ""
    return replace(summed, dates=dates, unreadable_times=times.n, unreadable_time=shown)


def _is_integer(column: str) -> Column:
    return F.col(column).try_cast("bigint").cast("string").eqNullSafe(F.col(column))


def _place() -> Column:
    """Return the columns by which `min` finds the first row, and those that are shown of it."""
    return F.struct(*PLACE, "text", "rating")


def _shown(place: Row) -> str:
    return f"{local_path(unquote(place.file))}, row {one_line(place.text, _MAX_ROW_LENGTH)}"
