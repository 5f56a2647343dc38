from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyspark")

from recommender.bundle.history import History
from recommender.spark.aggregation import aggregate
from recommender.spark.blocks import UserBlock
from tests.spark.packed import on_executors


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_sums_are_those_of_all_ratings(spark, tmp_path: Path, kind: type) -> None:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 9, size=200)
    counts[17] = 3000  # rated everything
    movies = [np.sort(rng.choice(3000, n, replace=False)).astype(np.int32) for n in counts]
    stars = (rng.integers(1, 11, size=counts.sum()) / 2).astype(np.float32)
    history = History(np.append(0, np.cumsum(counts)), np.concatenate(movies), stars)
    ratings = on_executors(spark, history, tmp_path / "ratings.parquet")

    def add_stars(factor: float, block: UserBlock, sums: np.ndarray) -> None:
        sums[:, 7] += factor * np.bincount(block.movies, block.ratings, len(sums))

    sums = np.ones((3000, 40), kind)
    told: list[float] = []
    aggregate(ratings, sums, 2.0, add_stars, told.append)
    expected = 1 + 2 * np.bincount(history.movies, history.ratings, 3000)
    assert sums[:, 7] == pytest.approx(expected)
    assert (sums[:, 0] == 1).all()
    assert told == sorted(told)
    assert told[-1] == 1.0
