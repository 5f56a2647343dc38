from pathlib import Path

import pytest

pytest.importorskip("pyspark")

from recommender.core.errors import DataError
from recommender.spark.files import FileSystem
from recommender.spark.sources import SparkSource, in_folder


def test_a_folder_with_a_data_set(spark, tmp_path: Path) -> None:
    (tmp_path / "ratings").mkdir()
    for name in ("movies.csv", "movies.parquet"):
        (tmp_path / name).touch()
    found = in_folder(FileSystem(spark), f"{tmp_path}/")
    assert found == SparkSource(f"{tmp_path}/ratings", f"{tmp_path}/movies.parquet")
    (tmp_path / "tags.csv.gz").touch()
    found = in_folder(FileSystem(spark), str(tmp_path))
    assert found.files[2] == ("tags", f"{tmp_path}/tags.csv.gz")


@pytest.mark.parametrize(("there", "missing"), [("movies.csv", "ratings"), ("u.data", "movies")])
def test_a_folder_without(there: str, missing: str, spark, tmp_path: Path) -> None:
    (tmp_path / there).touch()
    with pytest.raises(DataError, match=f"has no {missing} file; check --dataset"):
        in_folder(FileSystem(spark), str(tmp_path))
