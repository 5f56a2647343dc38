"""What measured runs mean for a billion ratings: the steps of docs/spark.md, with their figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from report import Row

from memory_toolkit.measure.sizes import MB
from recommender.spark.stars import als_blocks

RATINGS, USERS = 1e9, 1e7
HOURS = 2
GB = 2**30
# Of the history a bundle has a movie (4 bytes) and stars (4) for each rating; of the stars model a
# bias and 20 factors (8 each) for each user.
RATING_BYTES, USER_BYTES = 8, 8 * 21
# The share of its heap that Spark gives to what it keeps and what it computes (`spark.memory`),
# once it has set some aside.
SHARE, ASIDE = 0.6, 300 * MB
# ALS sends a user's number and 20 factors (4 bytes each) in each of its passes to every block of
# movies of which the user has rated one.
COPY_BYTES, PASSES = 84, 10


def sizing(rows: Sequence[Row], cores: int) -> list[Row]:
    """The steps, one row each, from the two largest runs on Spark; none without two.

    What a rating adds is the difference between two sizes, so that what Spark takes to start,
    whatever the size, does not count a thousand times.

    Args:
        rows: of spark_growth.py.
        cores: how many cores all workers had.
    """
    done = [row for row in rows if row["engine"] == "spark" and not row["problem"]]
    if len(done) < 2:
        return []
    small, large = done[-2:]

    def a_rating(of: Callable[[Row], float]) -> float:
        ratings = _number(large, "ratings") - _number(small, "ratings")
        return (of(large) - of(small)) / ratings

    million = cores * a_rating(lambda row: _number(row, "seconds")) * 1e6
    hours = million * RATINGS / 1e6 / 3600
    kept = a_rating(lambda row: _number(row, "kept_mb")) * MB
    heap = kept * RATINGS / SHARE
    bundle = RATING_BYTES * RATINGS + USER_BYTES * USERS
    n_cores = math.ceil(hours / HOURS)
    blocks = als_blocks(int(RATINGS), 0, n_cores, int(SHARE * (heap / n_cores - ASIDE)))
    shuffled, sent = a_rating(_rest), factors_sent(RATINGS, USERS, blocks)
    steps = (
        ("a million ratings more take", f"{million:.1f} s of one core"),
        ("a billion take 1,000 times that", f"{hours:.1f} hours of one core"),
        (f"to be done in {HOURS} hours takes {hours:.1f} / {HOURS}", f"{n_cores} cores"),
        ("a rating more keeps", f"{kept:.0f} bytes on the executors"),
        (f"a billion keep, of {SHARE:.0%} of the heap", f"{heap / GB:.0f} GB of heap in all"),
        (f"of that each core gets 1 / {n_cores}", f"{heap / GB / n_cores:.1f} GB of heap"),
        (
            f"{COPY_BYTES} bytes a user, {PASSES} times, to as many of {blocks} blocks as hold "
            "a movie of 100",
            f"{sent / GB:.0f} GB of shuffles",
        ),
        ("beside that a rating more shuffles", f"{shuffled:.0f} bytes"),
        (
            "all that a billion shuffle",
            f"{(sent + shuffled * RATINGS) / GB:.0f} GB of the workers' disks",
        ),
        (
            f"the bundle: {RATING_BYTES} bytes a rating, {USER_BYTES} a user",
            f"{bundle / GB:.1f} GB of the driver's disk, twice while it is written",
        ),
    )
    return [{"table": "sizing", "step": step, "result": result} for step, result in steps]


def factors_sent(ratings: float, users: float, blocks: float) -> float:
    """Bytes of users' factors that ALS sends, if each user's movies are spread over the blocks."""
    reached = blocks * (1 - (1 - 1 / blocks) ** (ratings / users))
    return COPY_BYTES * PASSES * users * reached


def _rest(row: Row) -> float:
    """Bytes that a run shuffled beside users' factors."""
    sent = factors_sent(*(_number(row, key) for key in ("ratings", "users", "blocks")))
    return _number(row, "shuffled_mb") * MB - sent


def _number(row: Row, key: str) -> float:
    return float(row[key] or 0)
