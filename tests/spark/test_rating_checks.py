import gzip
import re
from pathlib import Path

import pytest

pytest.importorskip("pyspark")

from pyspark.sql import functions as F

from recommender import dataset
from recommender.core.errors import DataError
from recommender.dataset import ImportOptions, from_files
from recommender.spark.files import FileSystem
from recommender.spark.rating_checks import RatingsSummary, check_ratings
from recommender.spark.reading import read_ratings


def checked(spark, path: Path, given: tuple[float, float] | None = None) -> RatingsSummary:
    rows, _ = read_ratings(spark, FileSystem(spark), str(path), None)
    known = F.when(F.col("movie_id") == "1", 0)
    return check_ratings(rows.withColumn("movie", known), str(path), given)


@pytest.mark.parametrize(
    ("row", "given"),
    [
        (",1,3", None),
        ("1, ,3", None),
        (f"{'x' * 501},1,3", None),
        (f"1,{'김' * 167},3", None),
        ("1,1,", None),
        ("1,1,five", None),
        ("1,1,5d", None),
        ("1,1,nan", None),
        ("1,1,inf", None),
        ("1,1,-16777217", None),
        ("1,1,9", (0.5, 5.0)),
        ("1,1,11", None),
    ],
)
def test_the_same_is_said_as_by_the_local_import(
    row: str, given: tuple[float, float] | None, spark, tmp_path: Path
) -> None:
    good = "".join(f"{user},1,{user % 10 + 1}\n" for user in range(150))
    path, movies = tmp_path / "ratings.csv", tmp_path / "movies.csv"
    path.write_text(f"user,movie,rating\n{good}{row}\n")
    movies.write_text("movie,title\n1,One\n")
    options = ImportOptions(scale=given)
    with pytest.raises(DataError) as here:
        dataset.import_dataset(from_files(path, movies), tmp_path / "out", options)
    with pytest.raises(DataError) as there:
        checked(spark, path, given)
    said = re.sub(r", line \d+: ", ": ", str(here.value))
    assert re.sub(r", row .*?: (?=user_id|movie_id|rating)", ": ", str(there.value)) == said


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,1", "ratings.csv, row 1,1: it has more or fewer fields than the header; mend the row"),
        ("1,1,3,4", "ratings.csv, row 1,1,3,4: it has more or fewer fields than the header"),
        ("1,1,x", "ratings.csv, row 1,1,x: rating x is not a number"),
        ("1,\xe9,3", "movie_id is not UTF-8; give --encoding"),
    ],
)
def test_the_row_is_shown(row: str, message: str, spark, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_bytes(f"user,movie,rating\n1,1,3\n{row}\n2,1,4\n".encode("latin-1"))
    with pytest.raises(DataError, match=re.escape(message)):
        checked(spark, path)


def test_the_first_bad_row_is_named(spark, tmp_path: Path) -> None:
    for part in range(3):
        rows = "".join(f"{part},1,bad{row}\n" for row in range(part, 3))
        (tmp_path / f"part-{part}.csv").write_text("user,movie,rating\n1,1,3\n" + rows)
    with pytest.raises(DataError, match=r"part-0\.csv, row 0,1,bad0: rating bad0 is not a number"):
        checked(spark, tmp_path)


def test_what_is_found(spark, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("user,movie,rating\n1,1,3\nx,2,0.5\n-7,1,5\n")
    assert checked(spark, path) == RatingsSummary(3, 2, True, (0.5, 5.0))
    path.write_text("user,movie,rating,time\n1,1,3,x\n07,1,2,\n2,1,4,2020-01-01\n2,3,4,x\n")
    found = checked(spark, path)
    assert (found.rows, found.known, found.integers, found.scale) == (4, 3, False, (1.0, 5.0))
    assert (found.unreadable_times, found.unreadable_time) == (1, "x")


def test_no_rows(spark, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("user,movie,rating\n")
    with pytest.raises(DataError, match=r"ratings\.csv has no rows; check --ratings"):
        checked(spark, path)
    path.write_text("user,movie,rating\n1,1,42\n")
    assert checked(spark, path).scale == (0.0, 100.0)


def test_a_file_that_is_cut_off(spark, tmp_path: Path) -> None:
    lines = "".join(f"{row % 977},{row * 7919 % 1_000_003},3\n" for row in range(50_000))
    whole = gzip.compress(f"user,movie,rating\n{lines}".encode())
    path = tmp_path / "ratings.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be read: Unexpected end of input stream; check"):
        checked(spark, path)
