import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recommender.core.errors import DataError
from recommender.dataset.columns import Kind
from recommender.dataset.sources import TableFile, from_files
from recommender.dataset.staging import StagingTable, load_staging_table

# Ids as files spell them, and as they come in.
IDS = {"7": "7", "7.0": "7", " 8.00 ": "8", "-7.0": "-7", "07.0": "07", "7.5": "7.5", "7.": "7."}
IDS |= {"1e+05": "100000", "-2.5E+01": "-25", "1.23e+01": "1.23e+01", "9e+99": "9e+99"}
IDS |= {text: text for text in ("v1.0", "1.0.0", "tt7", "7.0 x", "1e+05x", "+7")}  # no numbers


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def staged_text(
    connection: duckdb.DuckDBPyConnection, path: Path, text: str | bytes, kind: Kind = "ratings"
) -> StagingTable:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_staging_table(connection, TableFile(path, kind), None, path.parent)


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


@pytest.mark.parametrize(
    "text",
    [
        "userId,movieId,rating,timestamp\n1,2,3.5,100\n007,x y,4,\n",
        "\ufeffuserId,movieId,rating,timestamp\r\n1,2,3.5,100\r\n007,x y,4,\r\n",
        "userId,movieId,rating,timestamp\r1,2,3.5,100\r007,x y,4,\r",
        "userId,movieId,rating,timestamp\n1,2,3.5,100\r\n007,x y,4,",
        '\n\nUser;Movie;Score;Time\n"1"; 2 ;"3.5";100\n\n007;"x y";4;""\n\n',
        "time\tignored\tmovie\tuser\trating\n100\t\t2\t1\t3.5\n \t0\tx y\t007\t4\n",
    ],
)
def test_text_of_any_shape(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, text: str
) -> None:
    assert staged_text(connection, tmp_path / "r.csv", text).rows == 2
    assert rows(connection, "SELECT user_id, movie_id, rating, timestamp FROM ratings") == [
        ("1", "2", "3.5", "100"),
        ("007", "x y", "4", None),
    ]


def test_columns_that_are_absent_are_null(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    staged_text(connection, tmp_path / "m.csv", "movie_id,title\n1,기생충\n", "movies")
    found = rows(connection, "SELECT movie_id, title, plot, movies.cast FROM movies")
    assert found == [("1", "기생충", None, None)]


def test_quoted_fields(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = 'movie_id,title,plot\n1,"a, ""b""","one\ntwo"\n'
    staged_text(connection, tmp_path / "m.csv", text, "movies")
    assert rows(connection, "SELECT title, plot FROM movies") == [('a, "b"', "one\ntwo")]


def test_gzip(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = gzip.compress(b"user,movie,rating\n1,2,3\n")
    assert staged_text(connection, tmp_path / "r.csv.gz", text).rows == 1


def test_path_with_the_signs_of_a_pattern(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = tmp_path / "a[1]*?"
    folder.mkdir()
    staged_text(connection, folder / "r[x]'s?.csv", "user,movie,rating\n1,2,3\n")
    table = pa.table({"movie_id": [1], "title": ["x"]})
    pq.write_table(table, folder / "m[*].parquet")
    file = TableFile(folder / "m[*].parquet", "movies", parquet=True)
    assert load_staging_table(connection, file, None, folder).rows == 1


def test_100k_genre_flags(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text("196\t242\t3\t881250949\n")
    (tmp_path / "u.genre").write_text("unknown|0\nAction|1\nChildren's|2\n")
    line = '242|Kolya "x" Léon (1996)|24-Jan-1997||http://example.invalid|0|1|1\n'
    (tmp_path / "u.item").write_text(line, encoding="latin-1")
    source = from_files(tmp_path / "u.data", tmp_path / "u.item")
    load_staging_table(connection, source.ratings, None, tmp_path)
    load_staging_table(connection, source.movies, None, tmp_path)
    assert rows(connection, "FROM ratings") == [("196", "242", "3", "881250949")]
    found = rows(connection, "SELECT movie_id, title, genres FROM movies")
    assert found == [("242", 'Kolya "x" Léon (1996)', "Action|Children's")]


def test_dat(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("1::2::5::978300760\n")
    (tmp_path / "movies.dat").write_text('2::"Léon": a::b\n', encoding="utf-8")
    (tmp_path / "tags.dat").write_text('1::2::so "good"::978300760\n')
    source = from_files(*(tmp_path / f"{name}.dat" for name in ("ratings", "movies", "tags")))
    for file in source.files:
        load_staging_table(connection, file, None, tmp_path)
    assert rows(connection, "FROM ratings") == [("1", "2", "5", "978300760")]
    assert rows(connection, "SELECT title, genres FROM movies") == [('"Léon": a', "b")]
    assert rows(connection, "FROM tags") == [("2", 'so "good"')]


def test_parquet_of_any_type(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    table = pa.table(
        {
            "movieId": pa.array([1.0, 2.5], pa.float64()),
            "name": pa.array([b"Parasite", None], pa.binary()),
            "genre": [["Drama", "Food, Wine"], []],
            "year": pa.array([2019, None], pa.int16()),
            "runtime": pa.array([132.0, None]),
        }
    )
    pq.write_table(table, tmp_path / "m.parquet")
    load_staging_table(
        connection, TableFile(tmp_path / "m.parquet", "movies", parquet=True), None, tmp_path
    )
    assert rows(connection, "SELECT movie_id, title, genres, year, runtime FROM movies") == [
        ("1", "Parasite", '["Drama","Food, Wine"]', "2019", "132.0"),
        ("2.5", None, "[]", None, None),
    ]


def test_place_of_a_row_in_text(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = 'movie_id,title\n\n1,"a\nb"\n2,c\n'
    staged = staged_text(connection, tmp_path / "m.csv", text, "movies")
    assert staged.place(0).endswith("m.csv, line 3")
    assert staged.place(1).endswith("m.csv, line 5")


def test_place_of_a_row_in_dat(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("1::2::5::1\n1::3::5::1\n")
    file = from_files(tmp_path / "ratings.dat", tmp_path / "ratings.dat").ratings
    assert (
        load_staging_table(connection, file, None, tmp_path)
        .place(1)
        .endswith("ratings.dat, line 2")
    )


def test_rowid_is_the_place_in_a_long_file(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    text = "user,movie,rating\n" + "".join(f"{row},{row},1\n" for row in range(400_000))
    staged_text(connection, tmp_path / "r.csv", text)
    assert rows(connection, "SELECT count(*) FROM ratings WHERE rowid::VARCHAR = user_id") == [
        (400_000,)
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_empty_file(connection: duckdb.DuckDBPyConnection, tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"r\.csv is empty; check --ratings"):
        staged_text(connection, tmp_path / "r.csv", text)


def test_header_only(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"r\.csv has no rows; check --ratings"):
        staged_text(connection, tmp_path / "r.csv", "user,movie,rating")


def test_missing_columns(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    message = (
        r"r\.csv has no column movie_id and no column rating; its header has: "
        r"user, Kino, Punkte; rename the columns or check --ratings"
    )
    with pytest.raises(DataError, match=message):
        staged_text(connection, tmp_path / "r.csv", "user,Kino, Punkte\n1,2,3\n")


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("4,5", "2 fields where 3 are expected"),
        ("4,5,6,7", "4 fields where 3 are expected"),
        ('4,"5,6', "a quote is not closed"),
        ('4,"5"x,6', "a quote is not closed or not doubled"),
        ("   ", "1 fields where 3 are expected"),
    ],
)
def test_broken_row(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, broken: str, problem: str
) -> None:
    text = f'user,movie,rating\n\n1,"x\ny",3\n{broken}\n7,8\n1,2,3\n'
    with pytest.raises(DataError, match=rf"r\.csv, line 5: {problem}.*; mend the line"):
        staged_text(connection, tmp_path / "r.csv", text)


def test_broken_row_deep_in_a_long_file(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    text = "user,movie,rating\n" + "1,2,3\n" * 300_000 + "1,2\n" + "1,2,3\n" * 300_000
    with pytest.raises(DataError, match="line 300002: 2 fields where 3 are expected"):
        staged_text(connection, tmp_path / "r.csv", text)


def test_broken_header(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"r\.csv, line 1: a quote is not closed"):
        staged_text(connection, tmp_path / "r.csv", 'user,"movie,rating\n1,2,3\n')


def test_broken_dat(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("1::2::5::1\n1::3::5\n")
    file = from_files(tmp_path / "ratings.dat", tmp_path / "ratings.dat").ratings
    with pytest.raises(DataError, match=r"ratings\.dat, line 2: 3 fields where 4 are expected"):
        load_staging_table(connection, file, None, tmp_path)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.95])
def test_unreadable_parquet(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, kept: float
) -> None:
    path = tmp_path / "r.parquet"
    pq.write_table(pa.table({"user_id": [1], "movie_id": [1], "rating": [1]}), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(DataError, match=r"r\.parquet is not readable as Parquet .*; check --rat"):
        load_staging_table(connection, TableFile(path, "ratings", parquet=True), None, tmp_path)


def test_damaged_parquet_page(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    columns = {name: list(range(1000)) for name in ("user_id", "movie_id", "rating")}
    pq.write_table(pa.table(columns), path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[30:500] = b"\xff" * 470
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"r\.parquet is not readable as Parquet"):
        load_staging_table(connection, TableFile(path, "ratings", parquet=True), None, tmp_path)


def test_parquet_without_rows(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    pq.write_table(pa.table({"user_id": [], "movie_id": [], "rating": []}), path)
    with pytest.raises(DataError, match=r"r\.parquet has no rows"):
        load_staging_table(connection, TableFile(path, "ratings", parquet=True), None, tmp_path)


def test_parquet_missing_column(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    pq.write_table(pa.table({"user_id": [1], "rating": [1]}), path)
    with pytest.raises(DataError, match="has no column movie_id; its header has: user_id, rating"):
        load_staging_table(connection, TableFile(path, "ratings", parquet=True), None, tmp_path)


def test_folders_do_not_add_columns(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = tmp_path / "rating=5"
    folder.mkdir()
    pq.write_table(pa.table({"user_id": [1], "movie_id": [1]}), folder / "r.parquet")
    with pytest.raises(DataError, match="has no column rating"):
        load_staging_table(
            connection, TableFile(folder / "r.parquet", "ratings", parquet=True), None, tmp_path
        )
    with pytest.raises(DataError, match="has no column rating"):
        staged_text(connection, folder / "r.csv", "user,movie\n1,2\n")


def test_many_columns(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    header = "user,movie,rating" + ",x" * 998
    with pytest.raises(DataError, match=r"r\.csv has 1,001 columns where 1,000 are the most"):
        staged_text(connection, tmp_path / "r.csv", f"{header}\n1,2,3{',' * 998}\n")
    staged = staged_text(connection, tmp_path / "r.csv", f"{header[:-2]}\n1,2,3{',' * 997}\n")
    assert staged.rows == 1


@pytest.mark.parametrize("groups", [1, 6_000])
def test_parquet_with_a_long_footer(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, groups: int
) -> None:
    path = tmp_path / "r.parquet"
    columns = ["user_id", "movie_id", "rating", "timestamp"]
    table = pa.table({name: list(range(groups)) for name in columns})
    pq.write_table(table, path, row_group_size=1)
    file = TableFile(path, "ratings", parquet=True)
    if groups == 1:
        assert load_staging_table(connection, file, None, tmp_path).rows == 1
    else:
        with pytest.raises(DataError, match=r"its footer has .* bytes .* larger row groups"):
            load_staging_table(connection, file, None, tmp_path)


def test_a_damaged_footer_is_told_in_one_line(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "r.parquet"
    pq.write_table(pa.table({"user_id": [1], "movie_id": [1], "rating": [1]}), path)
    data = bytearray(path.read_bytes())
    for at in range(len(data) - 200, len(data) - 8):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            load_staging_table(connection, TableFile(path, "ratings", parquet=True), None, tmp_path)
            connection.execute("DROP TABLE ratings")
        except DataError as error:
            assert str(error).isprintable()  # noqa: PT017


def test_texts_are_cut_and_ids_are_not(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    long, longest = "가" * 5_000, "x" * 500
    path = tmp_path / "m.csv"
    staged_text(connection, path, f"id,title,plot\n{longest},{long},{long}\n", "movies")
    query = "SELECT length(movie_id), length(title), length(plot) FROM movies"
    assert rows(connection, query) == [(500, 500, 4_000)]


def test_header_with_line_breaks_is_told_in_one_line(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"its first line \(user, a\\nb, \\x1b\[2J\); add"):
        staged_text(connection, tmp_path / "r.csv", 'user,"a\nb",\x1b[2J\n1,2,3\n')


def test_place_of_a_row_that_csv_cannot_find(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    # DuckDB lets a space follow a closing quote, and Python does not.
    staged = staged_text(connection, tmp_path / "r.csv", 'user,movie,rating\n"1" ,2,3\n1,2,x\n')
    assert staged.place(1).endswith("r.csv, row 2")


@pytest.mark.parametrize(
    "column", [pa.array([Decimal("1.00")]), pa.array([Decimal(1)], pa.decimal128(38, 0)), [1.0]]
)
def test_parquet_ids_of_whole_numbers(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, column: object
) -> None:
    path = tmp_path / "r.parquet"
    pq.write_table(pa.table({"user_id": column, "movie_id": [2], "rating": [3]}), path)
    load_staging_table(connection, TableFile(path, "ratings", parquet=True), None, tmp_path)
    assert rows(connection, "SELECT user_id FROM ratings") == [("1",)]


@pytest.mark.parametrize("word", ["nan", " NaN ", "<NA>", "\\N"])
def test_words_for_no_id_are_none(connection, tmp_path: Path, word: str) -> None:
    with pytest.raises(DataError, match=r"line 3: user_id is empty"):
        staged_text(connection, tmp_path / "r.csv", f"user,movie,rating\n1,2,3\n{word},2,3\n")
    staged = staged_text(connection, tmp_path / "m.csv", f"id,title\n1,A\n{word},B\n", "movies")
    assert staged.broken_rows.left_out == 1


def test_whole_ids_in_any_spelling_are_equal(connection, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,movie,rating\n" + "".join(f"{one},{one},1.0\n" for one in IDS))
    load_staging_table(connection, TableFile(path, "ratings"), None, tmp_path)
    found = rows(connection, "SELECT user_id, movie_id, rating FROM ratings ORDER BY rowid")
    assert found == [(one, one, "1.0") for one in IDS.values()]
