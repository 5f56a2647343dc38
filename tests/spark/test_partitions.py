import pyarrow as pa
import pytest

pytest.importorskip("pyspark")

from recommender.spark.driver_rows import unpacked
from recommender.spark.partitions import count_users, distinct_keys, number_users, pack


def batches(*parts: list[object]) -> list[pa.RecordBatch]:
    """Sorted keys in several batches; the movies count up."""
    made, movie = [], 0
    kind = pa.string() if isinstance(parts[0][0], str) else pa.int64()
    for keys in parts:
        movies = pa.array(range(movie, movie + len(keys)), pa.int32())
        ratings = pa.array([4.0] * len(keys), pa.float32())
        columns = [pa.array(keys, kind), movies, ratings]
        made.append(pa.RecordBatch.from_arrays(columns, ["key", "movie", "rating"]))
        movie += len(keys)
    return made


KEYS = [
    batches([1, 1, 2], [], [2, 2], [2, 5], [7]),
    batches(["007", "007", "7"], [], ["7", "7"], ["7", "김"], ["ü"]),
]


@pytest.mark.parametrize("given", KEYS)
def test_users_go_on_across_batches(given: list[pa.RecordBatch]) -> None:
    first = given[0]["key"][0].as_py()
    assert [batch.to_pylist() for batch in count_users(given)] == [
        [{"key": first, "users": 4, "ratings": 8}]
    ]
    numbered = pa.Table.from_batches(number_users({first: 10, "another": 99}, given))
    assert numbered["user"].to_pylist() == [10, 10, 11, 11, 11, 11, 12, 13]
    assert numbered["movie"].to_pylist() == list(range(8))
    assert [field.type for field in numbered.schema] == [pa.int32(), pa.int32(), pa.float32()]


def test_a_partition_without_rows() -> None:
    assert list(count_users([])) == []
    assert list(number_users({1: 10}, [])) == []


def test_batches_travel_as_they_are(spark) -> None:
    frame = spark.createDataFrame(pa.table({"user_id": ["a", "a", "b", "ü"]})).coalesce(1)
    found = pa.Table.from_batches(unpacked(frame.mapInArrow(pack, "packed binary")))
    assert found["user_id"].to_pylist() == ["a", "a", "b", "ü"]
    keys = pa.Table.from_batches(unpacked(frame.mapInArrow(distinct_keys, "packed binary")))
    assert keys["user_id"].to_pylist() == ["a", "b", "ü"]
