import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("pyspark")

from recommender.core.errors import DataError
from recommender.spark.files import FileSystem
from recommender.spark.reading import PLACE, read_ratings, unreadable
from tests.dataset.test_staging import IDS
from tests.dataset.test_times import NEW_YEAR, TIMES, write_times

COLUMNS = ("user_id", "movie_id", "rating", "timestamp", "value", "millis")


def rows(spark, path: Path, *columns: str, encoding: str | None = None) -> list[tuple[object, ...]]:
    frame, _ = read_ratings(spark, FileSystem(spark), str(path), encoding)
    return [tuple(row) for row in frame.orderBy(*PLACE).select(*columns or COLUMNS).collect()]


def test_columns_are_trimmed_text_and_numbers(spark, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("time,User,movie,score\n1.5, 007 ,x y,3.50\n,김,,5d\n2000-01-01,1,2,.5\n")
    assert rows(spark, path) == [
        ("007", "x y", "3.50", "1.5", 3.5, 1500),
        ("김", None, "5d", None, None, None),
        ("1", "2", ".5", "2000-01-01", 0.5, 946_684_800_000),
    ]
    texts = [text for (text,) in rows(spark, path, "text")]
    assert texts == ["1.5, 007 ,x y,3.50", ",김,,5d", "2000-01-01,1,2,.5"]


def test_whole_ids_in_any_spelling_are_equal(spark, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,movie,rating\n" + "".join(f"{one},{one},1.0\n" for one in IDS))
    found = rows(spark, path, "user_id", "movie_id", "rating")
    assert found == [(one, one, "1.0") for one in IDS.values()]
    path.write_text("user;movie;rating\nnan;\\N;3,5\n<NA>;2;3,500\n")
    found = rows(spark, path, "user_id", "movie_id", "rating", "value")
    assert found == [(None, None, "3.5", 3.5), (None, "2", "3,500", None)]


def test_parquet_of_any_type(spark, tmp_path: Path) -> None:
    table = pa.table(
        {
            "user": pa.array([1.0, None, 2.5]),
            "movie": pa.array([Decimal("7.0"), Decimal("8.5"), None], pa.decimal128(9, 1)),
            "rating": pa.array([3.7, 4.0, float("nan")], pa.float32()),
            "time": pa.array([0, 1_500_000, None], pa.timestamp("us")),
        }
    )
    pq.write_table(table, tmp_path / "no ending")
    found = rows(spark, tmp_path / "no ending", "user_id", "movie_id", "value", "millis")
    assert found == [("1", "7", 3.7, 0), (None, "8.5", 4.0, 1500), ("2.5", None, None, None)]


@pytest.fixture
def elsewhere(spark) -> Iterator[None]:
    """A session that somebody else has opened, nine hours ahead of UTC."""
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Seoul")
    yield
    spark.conf.set("spark.sql.session.timeZone", before)


@pytest.mark.usefixtures("elsewhere")
def test_a_time_says_what_it_does_in_the_local_import(spark, tmp_path: Path) -> None:
    write_times(tmp_path / "ratings.csv", list(TIMES))
    found = (millis for (millis,) in rows(spark, tmp_path / "ratings.csv", "millis"))
    expected = {text: None if said is None else round(said * 1000) for text, said in TIMES.items()}
    assert dict(zip(TIMES, found, strict=True)) == expected


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("unit", "zone"), [("us", "Asia/Seoul"), ("ms", "UTC"), ("ns", "UTC"), ("us", None)]
)
def test_times_of_parquet(unit: str, zone: str | None, spark, tmp_path: Path) -> None:
    times = pa.array([int(NEW_YEAR), 0, None], pa.timestamp("s")).cast(pa.timestamp(unit, zone))
    columns = {"user": [1, 2, 3], "movie": [1] * 3, "rating": [3] * 3, "timestamp": times}
    pq.write_table(pa.table(columns), tmp_path / "ratings.parquet")
    found = rows(spark, tmp_path / "ratings.parquet", "millis")
    assert found == [(NEW_YEAR * 1000,), (0,), (None,)]


def test_integers_are_seconds_or_smaller_parts_of_them(spark, tmp_path: Path) -> None:
    times = [978_307_200, 978_307_200_123, 978_307_200_123_456, -978_307_200_123_456_789, None, 0]
    numbers = list(range(len(times)))
    table = {"user": numbers, "movie": numbers, "rating": numbers, "time": times}
    pq.write_table(pa.table(table), tmp_path / "numbers.parquet")
    found = [millis for (millis,) in rows(spark, tmp_path / "numbers.parquet", "millis")]
    assert found == [978_307_200_000, *[978_307_200_123] * 2, -978_307_200_123, None, 0]


def test_another_encoding(spark, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes("user,movie,rating\n김,1,3\n".encode("cp949"))
    assert rows(spark, path, "user_id", encoding="cp949") == [("김",)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", "", r"r\.csv is empty; check --ratings"),
        ("r.csv", "\n \n", r"r\.csv is empty; check --ratings"),
        ("r.csv", "user,kino\n1,2\n", r"r\.csv has no column movie_id and no column rating; its"),
        ("r.csv", "PK\x03\x04rest", r"r\.csv is compressed in a way Spark does not read"),
        ("r.parquet", "PAR1 but no more", r"r\.parquet cannot be read: .*; check --ratings"),
    ],
)
def test_what_cannot_be_read(name: str, content: str, message: str, spark, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        rows(spark, path)


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        ("user,movie,rating\n".encode("utf-16"), None, "its first line is not UTF-8; give --enc"),
        ("user,movie,rating,é\n".encode("latin-1"), None, "its first line is not UTF-8"),
        (
            gzip.compress(b"user,movie,rating\n1,2,3\n", mtime=0),
            None,
            r"r\.csv is gzip.*; name it ….gz",
        ),
        (b"user,movie,rating\n", "klingon", "--encoding klingon is not a known text encoding"),
        (b"user,movie,rating\n", "mac_roman", "Spark has no such encoding; make the ratings UTF"),
    ],
)
def test_what_is_not_the_text_it_should_be(
    content: bytes, encoding: str | None, message: str, spark, tmp_path: Path
) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        rows(spark, path, encoding=encoding)


def test_part_files_must_have_the_same_columns(spark, tmp_path: Path) -> None:
    for number, header in enumerate(("user,movie,rating", "user,rating,movie")):
        (tmp_path / f"{number}.csv").write_text(f"{header}\n1,2,3\n")
    with (
        pytest.raises(DataError, match="cannot be read: CSV header does not conform"),
        unreadable("r"),
    ):
        rows(spark, tmp_path)
