"""Ratings on Spark's executors, as the engine has them after the import."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from recommender.bundle.history import History
from recommender.spark.blocks import PACKED, pack_ratings

RATINGS_A_PARTITION = 1 << 21


def on_executors(spark: SparkSession, history: History, path: Path) -> DataFrame:
    """Return `history` as a persisted data frame of packed blocks; `path` is for a file."""
    users = np.repeat(np.arange(history.n_users, dtype=np.int32), np.diff(history.offsets))
    columns = {"user": users, "movie": history.movies, "rating": history.ratings}
    pq.write_table(pa.table(columns), path)
    parts = max(spark.sparkContext.defaultParallelism, len(users) // RATINGS_A_PARTITION)
    ratings = spark.read.parquet(str(path)).repartitionByRange(parts, "user")
    return ratings.sortWithinPartitions("user", "movie").mapInArrow(pack_ratings, PACKED).persist()
