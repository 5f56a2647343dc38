from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("pyspark")

from spark_parity import on_executors

from recommender.history import History
from recommender.spark import passes
from recommender.spark.passes import UserBlock, add_up, user_blocks


def batches(users: list[int], size: int) -> list[pa.RecordBatch]:
    """One rating of movie 0, 1, 2, … for each of `users`, so many in a batch."""
    columns = (
        pa.array(users, pa.int32()),
        pa.array(range(len(users)), pa.int32()),
        pa.array([movie / 2 for movie in range(len(users))], pa.float32()),
    )
    whole = pa.RecordBatch.from_arrays(list(columns), ["user", "movie", "rating"])
    return [whole.slice(start, size) for start in range(0, len(users), size)]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("block", [1, 3, 4, 1000])
def test_users_are_whole(size: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "_BLOCK", block)
    users = [4, 4, 4, 5, 7, 7, 1, 1, 1, 1, 1, 1, 2]  # partitions that were put together
    found = list(user_blocks(batches(users, size)))
    assert [user for one in found for user in one.users.tolist()] == [4, 5, 7, 1, 2]
    assert [user for one in found for user in one.users[one.rows].tolist()] == users
    assert np.concatenate([one.movies for one in found]).tolist() == list(range(len(users)))
    for one in found:
        for row, user in enumerate(one.users.tolist()):
            movies, ratings = one.of(row)
            assert movies.tolist() == [m for m, other in enumerate(users) if other == user]
            assert (ratings == movies / 2).all()
    if block == 1:
        assert len(found) > 1


def test_a_batch_may_be_empty() -> None:
    (one,) = batches([1], 1)
    assert list(user_blocks([])) == []
    (block,) = user_blocks([one.slice(0, 0), one, one.slice(0, 0)])
    assert block.users.tolist() == [1]


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
    add_up(ratings, sums, 2.0, add_stars, told.append)
    expected = 1 + 2 * np.bincount(history.movies, history.ratings, 3000)
    assert sums[:, 7] == pytest.approx(expected)
    assert (sums[:, 0] == 1).all()
    assert told == sorted(told)
    assert told[-1] == 1.0
