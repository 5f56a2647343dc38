import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("pyspark")

from recommender.spark import blocks
from recommender.spark.blocks import PACKED, pack_ratings, ratings_of, user_blocks


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
    monkeypatch.setattr(blocks, "_BLOCK", block)
    users = [4, 4, 4, 5, 7, 7, 1, 1, 1, 1, 1, 1, 2]  # partitions that were put together
    found = list(user_blocks(pack_ratings(batches(users, size))))
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
    assert list(user_blocks(pack_ratings([]))) == []
    (block,) = user_blocks(pack_ratings([one.slice(0, 0), one, one.slice(0, 0)]))
    assert block.users.tolist() == [1]


def test_what_travels_is_the_same(spark) -> None:
    users = [7, 7, 9, 2_000_000_000]
    (given,) = batches(users, len(users))
    frame = spark.createDataFrame(pa.Table.from_batches([given])).coalesce(1)
    packed = frame.mapInArrow(pack_ratings, PACKED)
    (row,) = packed.collect()
    assert ratings_of(row) == given
    assert sum(len(value) for value in row) == 8 * 4 + 8 * 3


def test_few_blocks_are_in_memory_at_once(spark) -> None:
    def sizes(given):
        for batch in given:
            yield pa.RecordBatch.from_pydict({"size": [batch.nbytes]})

    megabytes = spark.range(0, 40, numPartitions=4).selectExpr(f"repeat('x', {1 << 20}) AS text")
    found = [row.size for row in megabytes.coalesce(1).mapInArrow(sizes, "size bigint").collect()]
    assert sum(found) >= 40 << 20
    assert max(found) < 20 << 20
