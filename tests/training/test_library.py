from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from recommender import train
from recommender.core.errors import DataError
from recommender.dataset import from_files
from recommender.models.stars import StarsSettings
from recommender.training.pipeline import TrainingSettings

SMALL = TrainingSettings(5, 3, stars=StarsSettings(n_factors=2, n_epochs=2))


class StringViews:
    """A table that offers nothing but Arrow's interface, its texts as Polars has them."""

    def __init__(self, path: Path) -> None:
        table = pa.Table.from_pandas(pd.read_csv(path, dtype=str), preserve_index=False)
        views = pa.schema((name, pa.string_view()) for name in table.column_names)
        self._table = table.cast(views)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def test_tables_give_the_same_bundle_as_files(
    tiny_files: tuple[Path, Path], tmp_path: Path
) -> None:
    ratings, movies = tiny_files
    titles = pd.DataFrame({"movieId": [7, 8], "title_ko": ["일곱", None]})
    titles.to_csv(tmp_path / "titles.csv", index=False)
    expected = train(
        ratings, str(movies), out=tmp_path / "files", settings=SMALL, titles=tmp_path / "titles.csv"
    )
    assert "1 movies with a title in 'ko'" in expected.training.data.report
    tables = (
        (pd.read_csv(ratings), pd.read_csv(movies)),
        (pa.Table.from_pandas(pd.read_csv(ratings)), movies),
        (StringViews(ratings), StringViews(movies)),
    )
    for number, (rated, catalogue) in enumerate(tables):
        out = tmp_path / f"tables-{number}"
        found = train(rated, catalogue, out=out, settings=SMALL, titles=titles)
        assert found.training.data.fingerprint == expected.training.data.fingerprint
        report = "\n".join(found.training.data.report)
        for kind in ("ratings", "movies", "titles"):
            report = report.replace(f"{kind} table", f"{kind}.csv")
        assert report.splitlines() == list(expected.training.data.report)
    assert found.training.data.report[0] == "files: ratings table, movies table, titles table"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("files", "tables-0", "tables-1", "tables-2", "titles.csv"),
    ]


def test_an_index_of_pandas_is_a_column(tiny_files: tuple[Path, Path], tmp_path: Path) -> None:
    rated, movies = map(pd.read_csv, tiny_files)
    expected = train(rated, movies, out=tmp_path / "a", settings=SMALL)
    name = movies.columns[0]
    indexed = movies.drop(columns=name)
    indexed.index = pd.RangeIndex(1, len(movies) + 1, name=name)
    assert list(indexed.index) == list(movies[name])
    found = train(rated, indexed, out=tmp_path / "b", settings=SMALL)
    assert found.training.data.fingerprint == expected.training.data.fingerprint


def test_a_folder_and_a_source(tiny_files: tuple[Path, Path], tmp_path: Path) -> None:
    titles = tmp_path / "korean.csv"
    titles.write_text("movie_id,title_ko\n7,일곱\n", encoding="utf-8")
    found = train(tiny_files[0].parent, out=tmp_path / "a", settings=SMALL, titles=titles)
    again = train(from_files(*tiny_files, titles=titles), out=tmp_path / "b", settings=SMALL)
    assert found.training.data == again.training.data


def test_rows_of_a_table_are_checked(tiny_files: tuple[Path, Path], tmp_path: Path) -> None:
    rated = pd.DataFrame({"user": [1, 1], "movie": [1, 2], "rating": ["4", "two"]})
    message = r"^ratings table, row 2: rating two is not a number"
    with pytest.raises(DataError, match=message):
        train(rated, tiny_files[1], out=tmp_path / "b", settings=SMALL)
    with pytest.raises(DataError, match=r"^ratings table has no column rating"):
        train(rated[["user", "movie"]], tiny_files[1], out=tmp_path / "b", settings=SMALL)
    with pytest.raises(DataError, match=r"^ratings table has no rows"):
        train(rated[:0], tiny_files[1], out=tmp_path / "b", settings=SMALL)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_table(tiny_files: tuple[Path, Path], tmp_path: Path) -> None:
    mixed = pd.DataFrame({"user": [1, "a", None], "movie": [1, 1, 1], "rating": [1, 2, 3]})
    for value in ([(1, 2, 3)], mixed):
        with pytest.raises(DataError, match=r"^ratings table: .* cannot be read as a table"):
            train(value, tiny_files[1], out=tmp_path / "b")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"needs movies beside ratings"):
        train(pd.DataFrame({"user": [1]}), out=tmp_path / "b")
