from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recommender.core.errors import DataError
from recommender.dataset import Dataset, ImportOptions, from_directory, import_dataset

RATINGS = "userId,movieId,rating\n1,3,4\n2,3,5\n"
LENIENT, STRICT = ImportOptions(), ImportOptions(strict=True)


def imported(folder: Path, movies: str, options: ImportOptions = LENIENT) -> Dataset:
    (folder / "ratings.csv").write_text(RATINGS)
    (folder / "movies.csv").write_text(movies)
    return import_dataset(from_directory(folder), folder / "out", options)


def titles(dataset: Dataset) -> dict[int, str]:
    table = pq.read_table(dataset.folder / "movies.parquet").to_pydict()
    return dict(zip(table["movie_id"], table["title"], strict=True))


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("8,Eight\n", "line 3: 2 fields where 3 are expected"),
        ("8,Eight,Drama,War\n", "line 3: 4 fields where 3 are expected"),
        ('8,"Eight,Drama\n', "line 3: a quote is not closed or not doubled"),
        ('8,"Ei"ght",Drama\n', "line 3: a quote is not closed or not doubled"),
        (",Eight,Drama\n", "line 3: movie_id is empty"),
        (f"{'8' * 501},Eight,Drama\n", "line 3: movie_id has more than 500 bytes"),
    ],
)
def test_a_broken_row_is_left_out_and_shown(tmp_path: Path, broken: str, problem: str) -> None:
    movies = f'id,title,genres\n3,Heat,Crime\n{broken}4,"Up, ""up""",\n5,"On two\nlines",War\n'
    dataset = imported(tmp_path, movies)
    assert titles(dataset) == {3: "Heat", 4: 'Up, "up"', 5: "On two lines"}
    assert f"1 row of movies.csv left out: {problem}" in dataset.report.lines()
    assert dataset.report.duplicate_movies == 0
    with pytest.raises(DataError, match=r"movies\.csv, line 3: "):
        imported(tmp_path, movies, STRICT)


def test_the_first_few_are_shown(tmp_path: Path) -> None:
    dataset = imported(tmp_path, "id,title\n3,Heat\n" + "8\n" * 5 + ",\n")
    assert dataset.report.broken_rows[0].left_out == 6
    assert dataset.report.lines()[4] == (
        "6 rows of movies.csv left out: "
        + "; ".join(f"line {line}: 1 fields where 2 are expected" for line in (3, 4, 5))
        + "; …"
    )


def test_a_row_that_goes_on_in_the_next_line_is_joined(tmp_path: Path) -> None:
    # As in "The Movies Dataset", whose three broken records are of this kind.
    movies = "id,title,plot,year\n3,Heat,A thief.\n - And a detective,1995\n4,Up,Balloons,2009\n"
    dataset = imported(tmp_path, movies)
    table = pq.read_table(dataset.folder / "movies.parquet").to_pydict()
    assert (table["plot"][0], table["year"]) == ("A thief. - And a detective", [1995, 2009])
    assert any(
        "1 row of movies.csv joined" in line and line.endswith("line 2")
        for line in dataset.report.lines()
    )
    # Two rows that each lack a field are not one.
    apart = imported(tmp_path, "id,title,year\n3,Heat,1995\n4,Up\n5,Jaws\n")
    assert titles(apart) == {3: "Heat"}
    assert (apart.report.broken_rows[0].left_out, apart.report.broken_rows[0].joined) == (2, ())


@pytest.mark.parametrize("broken", ["8\n", ",\n"])
def test_many_broken_rows_are_refused(tmp_path: Path, broken: str) -> None:
    with pytest.raises(DataError, match=r"movies\.csv, line 3: .* rows cannot be used"):
        imported(tmp_path, "id,title\n3,Heat\n" + broken * 200)


def test_no_movie_is_left(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no movie that can be used \(line 2: movie_id is empty"):
        imported(tmp_path, "id,title\n,Heat\n")


def test_parquet_without_an_id(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    table = pa.table({"id": [3, None], "title": ["Heat", "Up"]})
    pq.write_table(table, tmp_path / "movies.parquet")
    dataset = import_dataset(from_directory(tmp_path), tmp_path / "out")
    assert "1 row of movies.parquet left out: row 2: movie_id is empty" in dataset.report.lines()


def test_a_broken_rating_is_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("id,title\n3,Heat\n")
    (tmp_path / "ratings.csv").write_text(RATINGS + "3,3\n")
    with pytest.raises(DataError, match=r"ratings\.csv, line 4: 2 fields where 3"):
        import_dataset(from_directory(tmp_path), tmp_path / "out")
