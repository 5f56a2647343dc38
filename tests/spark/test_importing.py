"""Data that Spark imports must be what the local import makes of the same files."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

pytest.importorskip("pyspark")

from pyspark.sql import DataFrame

from recommender import dataset
from recommender.bundle.history import History
from recommender.core.errors import DataError, SettingsError
from recommender.dataset import Dataset, ImportOptions, from_files
from recommender.spark import importing
from recommender.spark.blocks import ratings_of
from recommender.spark.files import FileSystem
from recommender.spark.importing import import_dataset, read_again
from recommender.spark.sources import SparkSource, with_files_beside
from tests.conftest import ROOT
from tests.dataset.test_times import TIMES

MOVIES = "movie,title\n" + "".join(f"{movie},Movie {movie}\n" for movie in range(1, 9))
Imported = Callable[..., Dataset]


@pytest.fixture
def imported(spark, tmp_path: Path) -> Imported:
    """Imports by Spark, after seeing that the local import finds the same in the same files."""

    def run(ratings: Path, movies: Path, tags: Path | None = None, single: Path | None = None):
        """`single`: the ratings for the local import, where `ratings` is a folder."""
        named = SparkSource(str(ratings), str(movies), str(tags) if tags else None)
        source = with_files_beside(FileSystem(spark), named)
        found, frame = import_dataset(spark, source, tmp_path / "spark", ImportOptions())
        here = dataset.import_dataset(
            from_files(single or ratings, movies, tags), tmp_path / "here"
        )
        assert found.fingerprint == here.fingerprint
        assert found.scale == here.scale
        said = [line.removeprefix(f"{ratings.name}: ") for line in found.report.lines()[1:]]
        local_name = (single or ratings).name
        assert said == [line.removeprefix(f"{local_name}: ") for line in here.report.lines()[1:]]
        assert found.report.files[0] == ratings.name
        for name in ("users", "movies"):
            assert pq.read_table(tmp_path / "spark" / f"{name}.parquet") == pq.read_table(
                tmp_path / "here" / f"{name}.parquet"
            )
        history = History.open(tmp_path / "spark")
        users = np.repeat(np.arange(history.n_users), np.diff(history.offsets))
        table = table_of(frame)
        for column, expected in zip(
            ("user", "movie", "rating"), (users, history.movies, history.ratings), strict=True
        ):
            np.testing.assert_array_equal(table[column].to_numpy(), expected)
        frame.unpersist()
        return found

    return run


def table_of(ratings: DataFrame) -> pa.Table:
    """Columns user, movie and rating, in the order of partitions and of blocks in them."""
    return pa.Table.from_batches(map(ratings_of, ratings.collect()))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def movies(tmp_path: Path) -> Path:
    return write(tmp_path / "movies.csv", MOVIES)


def test_the_sample(imported: Imported) -> None:
    found = imported(ROOT / "data" / "ratings.parquet", ROOT / "data" / "movies.parquet")
    assert found.n_ratings == 100_004


def test_a_small_data_set_in_any_form(imported: Imported, tiny_files, tmp_path: Path) -> None:
    ratings, movies = tiny_files
    compressed, parquet = tmp_path / "ratings.csv.gz", tmp_path / "ratings.parquet"
    compressed.write_bytes(gzip.compress(ratings.read_bytes()))
    table = pyarrow.csv.read_csv(ratings)
    pq.write_table(table.cast(table.schema.set(0, pa.field("user_id", pa.float64()))), parquet)
    parts = tmp_path / "parts" / "rating=5"
    parts.mkdir(parents=True)
    header, *lines = ratings.read_text().splitlines(keepends=True)
    for first in range(3):
        write(parts / f"part-{first}.csv", header + "".join(lines[first::3]))
    fingerprints = {
        imported(ratings, movies).fingerprint,
        imported(compressed, movies).fingerprint,
        imported(parquet, movies).fingerprint,
        imported(tmp_path / "parts", movies, single=ratings).fingerprint,
    }
    assert len(fingerprints) == 1


def test_links_and_titles_beside_the_movies(
    imported: Imported, movies: Path, tmp_path: Path
) -> None:
    ratings = write(tmp_path / "ratings.csv", "user,movie,rating\n1,2,3\n1,3,4\n2,2,5\n")
    write(tmp_path / "links.csv", "movieId,imdbId\n2,0113277\n")
    write(tmp_path / "titles_ko.csv", "imdb_id,title_ko\ntt0113277,히트\ntt9,없음\n")
    found = imported(ratings, movies)
    assert found.report.titled_movies == (("ko", 1),)
    assert found.report.unknown_movie_titles == 1
    assert found.report.files[2:] == ("links.csv", "titles_ko.csv")


def test_ids_of_another_kind_are_joined(
    spark, imported: Imported, movies: Path, tmp_path: Path
) -> None:
    rated = write(tmp_path / "ratings.csv", "user,movie,rating\n1,902,3\n1,903,4\n2,902,5\n2,9,1\n")
    links = "movieId,tmdbId\n" + "".join(f"{movie},{900 + movie}\n" for movie in range(1, 9))
    write(tmp_path / "links.csv", links)
    found = imported(rated, movies, write(tmp_path / "tags.csv", "movie,tag\n902,dark\n"))
    how = "the ids of the ratings are joined to those of the movies by the TMDB ids in links.csv"
    assert found.report.notes[0] == how
    assert (found.n_ratings, found.report.unknown_movie_ratings) == (3, 1)
    source = SparkSource(str(rated), str(movies), None, str(tmp_path / "links.csv"))
    again = read_again(spark, source, tmp_path / "spark", ImportOptions())
    assert table_of(again).column("movie").to_pylist() == [1, 2, 1]
    again.unpersist()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ratings.dat", "1::2::3::978300760\n007::2::4::978300761\n7::8::5::1\n"),
        ("u.data", "196\t2\t3\t881250949\n22\t8\t1\t878887116\n"),
        (
            "ratings.tsv",
            '\ufeff\nUser ID\tx\tScore\tItem\r\n 1 \t\t"3.5"\t2\r\n기생\t0\t4\t"8"\r\n',
        ),
        ("r.csv", "user;movie;stars;rated at\n10;2;1;2005-04-02 23:53:47\n9;2;10;\n-1;3;2;x\n"),
    ],
)
def test_text_of_any_shape(
    name: str, text: str, imported: Imported, movies: Path, tmp_path: Path
) -> None:
    imported(write(tmp_path / name, text), movies)


def test_of_duplicates_the_latest_counts(
    imported: Imported, spark, movies: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    times = np.array(list(TIMES))
    n = 9_000
    rows = zip(
        rng.integers(1, 30, n), rng.integers(1, 9, n), rng.integers(1, 11, n) / 2,
        times[rng.integers(0, len(times), n)], strict=True,
    )  # fmt: skip
    lines = "".join(f'{user},{movie},{rating},"{time}"\n' for user, movie, rating, time in rows)
    spark.conf.set("spark.sql.files.maxPartitionBytes", "8192")  # so that tasks share the file
    try:
        found = imported(
            write(tmp_path / "ratings.csv", "user,movie,rating,time\n" + lines), movies
        )
    finally:
        spark.conf.unset("spark.sql.files.maxPartitionBytes")
    assert found.report.duplicates_replaced > 8_000


def test_one_user_with_most_of_the_ratings(
    imported: Imported, movies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_MAX_RATINGS_A_PARTITION", 50)
    rng = np.random.default_rng(5)
    users = np.where(rng.random(4_000) < 0.9, 77, rng.integers(1, 200, 4_000))
    rows = zip(users, rng.integers(1, 9, 4_000), rng.integers(1, 6, 4_000), strict=True)
    lines = "".join(f"u{user},{movie},{rating}\n" for user, movie, rating in rows)
    found = imported(write(tmp_path / "ratings.csv", "user,movie,rating\n" + lines), movies)
    assert found.n_ratings < 600


def test_movies_that_are_unknown_are_left_out(imported: Imported, tmp_path: Path) -> None:
    movies = write(tmp_path / "movies.csv", "movie,title\nb,B\n10,Ten\n9,\n9,Nine\n")
    tags = write(tmp_path / "tags.csv", "movie,tag\nb,slow\nb,Slow\nzzz,fast\n")
    ratings = "user,movie,rating\n1,b,3\n1,zzz,1\n2,10,4\nonly zzz,zzz,2\n3,010,5\n2,b,1\n"
    found = imported(write(tmp_path / "ratings.csv", ratings), movies, tags)
    assert found.report.unknown_movie_ratings == 3
    assert found.n_users == 2


def test_no_movie_is_known(spark, movies: Path, tmp_path: Path) -> None:
    ratings = write(tmp_path / "ratings.csv", "user,movie,rating\n1,film1,3\n")
    source = SparkSource(str(ratings), str(movies))
    message = r"ratings\.csv: no rating is left, .*\(such as 'film1'\) is in .*such as '1'"
    with pytest.raises(DataError, match=message):
        import_dataset(spark, source, tmp_path / "out", ImportOptions())
    assert not (tmp_path / "out").exists()


def test_what_is_read_again_is_the_same(spark, tiny_files, tmp_path: Path) -> None:
    source = SparkSource(*map(str, tiny_files))
    _, first = import_dataset(spark, source, tmp_path, ImportOptions())
    again = read_again(spark, source, tmp_path, ImportOptions())
    assert table_of(again) == table_of(first)


def test_what_is_lost_is_made_again_as_it_was(
    spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_MIN_RATINGS_A_PARTITION", 100)
    monkeypatch.setattr(importing, "_MAX_RATINGS_A_PARTITION", 10_000)
    source = SparkSource(
        *(str(ROOT / "data" / f"{name}.parquet") for name in ("ratings", "movies"))
    )
    found, ratings = import_dataset(spark, source, tmp_path, ImportOptions())
    assert ratings.rdd.getNumPartitions() > 9
    before = table_of(ratings)
    java = spark.sparkContext._jsc
    for number in list(java.getPersistentRDDs()):
        java.sc().unpersistRDD(number, True)  # as if every executor had died
    # One task for all partitions, so that its number is not that of any but the first.
    after = table_of(ratings.coalesce(1))
    assert after.num_rows == found.n_ratings
    assert after.sort_by([("user", "ascending"), ("movie", "ascending")]) == before
    ratings.unpersist()


def test_progress_goes_up(spark, tiny_files, tmp_path: Path) -> None:
    told: list[float] = []
    source = SparkSource(*map(str, tiny_files))
    import_dataset(
        spark, source, tmp_path, ImportOptions(), lambda stage, fraction: told.append(fraction)
    )
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


def test_times_are_not_kept(spark, tiny_files, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Spark does not keep the times"):
        import_dataset(
            spark, SparkSource(*map(str, tiny_files)), tmp_path, ImportOptions(keep_times=True)
        )


def test_an_error_in_a_copy_names_the_original(spark, tmp_path: Path) -> None:
    from tests.spark.test_files import served

    ratings = write(tmp_path / "ratings.csv", "user,movie,rating\n1,1,3\n")
    write(tmp_path / "movies.csv", "id,name\n1\n")
    with served(tmp_path) as address:
        source = SparkSource(str(ratings), f"{address}/movies.csv")
        message = rf"^{address}/movies\.csv, line 2: 1 fields where 2 are expected"
        with pytest.raises(DataError, match=message):
            import_dataset(spark, source, tmp_path / "out", ImportOptions(strict=True))
    (tmp_path / "many").mkdir()
    for name in "ab":
        write(tmp_path / "many" / name, MOVIES)
    source = SparkSource(str(ratings), str(tmp_path / "many"))
    with pytest.raises(DataError, match="many holds 2 files; --movies needs one"):
        import_dataset(spark, source, tmp_path / "out", ImportOptions())
