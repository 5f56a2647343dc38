import dataclasses
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recommender.core.errors import DataError, SettingsError
from recommender.dataset import Dataset, ImportOptions, import_dataset
from recommender.dataset.sources import from_directory, from_files
from recommender.settings.memory_budget import MIN_BYTES

OUTPUT = {
    *("movies.parquet", "users.parquet"),
    *("history_offsets.npy", "history_movies.npy", "history_ratings.npy"),
}
MOVIES = "movieId,title,genres\n3,Heat (1995),Action|Crime\n20,기생충 (2019),Drama\n1,Up (2009),\n"
RATINGS = "userId,movieId,rating,timestamp\n10,20,4,5\n9,3,3.5,5\n10,1,5,5\n9,20,1,5\n"
SMALL = ImportOptions(memory_limit=MIN_BYTES)


def imported(
    folder: Path,
    ratings: str = RATINGS,
    movies: str = MOVIES,
    tags: str | None = None,
    options: ImportOptions = SMALL,
) -> Dataset:
    """Import these texts as CSV into ``out`` in `folder`."""
    for name, text in (("ratings", ratings), ("movies", movies), ("tags", tags)):
        if text is not None:
            (folder / f"{name}.csv").write_bytes(text.encode(options.encoding or "utf-8"))
    return import_dataset(from_directory(folder), folder / "out", options)


def movies_of(dataset: Dataset) -> list[dict[str, Any]]:
    return pq.read_table(dataset.folder / "movies.parquet").to_pylist()


def users_of(dataset: Dataset) -> list[tuple[Any, int]]:
    table = pq.read_table(dataset.folder / "users.parquet").to_pydict()
    return list(zip(table["user_id"], table["n_ratings"], strict=True))


def ratings_of(dataset: Dataset) -> list[tuple[Any, Any, float]]:
    """The ratings with their ids, in the order of the files."""
    offsets, movies, ratings = (
        np.load(dataset.folder / f"history_{name}.npy", allow_pickle=False)
        for name in ("offsets", "movies", "ratings")
    )
    users = np.repeat([user for user, _ in users_of(dataset)], np.diff(offsets))
    titles = np.array([movie["movie_id"] for movie in movies_of(dataset)])
    return list(zip(users.tolist(), titles[movies].tolist(), ratings.tolist(), strict=True))


def test_import(tmp_path: Path) -> None:
    dataset = imported(tmp_path)
    assert (dataset.n_users, dataset.n_movies, dataset.n_ratings) == (2, 3, 4)
    assert dataset.scale == (0.5, 5.0)
    assert [movie["movie_id"] for movie in movies_of(dataset)] == [1, 3, 20]
    assert movies_of(dataset)[2] == {
        "movie_id": 20,
        "title": "기생충",
        "year": 2019,
        "genres": ["Drama"],
        "plot": None,
        "tags": [],
        "country": None,
        "runtime": None,
        "cast": None,
        "imdb_id": None,
        "tmdb_id": None,
        "titles": [],
        "poster": None,
    }
    assert users_of(dataset) == [(9, 2), (10, 2)]
    assert ratings_of(dataset) == [(9, 3, 3.5), (9, 20, 1.0), (10, 1, 5.0), (10, 20, 4.0)]
    assert {path.name for path in dataset.folder.iterdir()} == OUTPUT


def test_types_of_the_files(tmp_path: Path) -> None:
    folder = imported(tmp_path).folder
    dtypes = [np.load(folder / f"history_{n}.npy").dtype for n in ("offsets", "movies", "ratings")]
    assert dtypes == [np.int64, np.int32, np.float32]
    users = pq.read_schema(folder / "users.parquet")
    assert users.types == [pa.int64(), pa.int32()]
    movies = pq.read_schema(folder / "movies.parquet")
    types = [movies.field(name).type for name in ("movie_id", "year", "runtime", "genres")]
    assert types == [pa.int64(), pa.int16(), pa.int32(), pa.list_(pa.string())]


def test_ids_that_are_not_all_whole_numbers_are_text(tmp_path: Path) -> None:
    dataset = imported(
        tmp_path,
        "user,movie,rating\n007,m2,3\n7,10,4\nbob,9,5\n가,m2,1\n",
        "movie,title\n9,a\n10,b\nm2,c\n",
    )
    assert [movie["movie_id"] for movie in movies_of(dataset)] == ["10", "9", "m2"]
    assert users_of(dataset) == [("007", 1), ("7", 1), ("bob", 1), ("가", 1)]
    assert pq.read_schema(dataset.folder / "users.parquet").field("user_id").type == pa.string()


@pytest.mark.parametrize("one", ["1.5", "+1", "01", "99999999999999999999"])
def test_only_canonical_integers_are_numbers(tmp_path: Path, one: str) -> None:
    dataset = imported(tmp_path, f"user,movie,rating\n{one},1,3\n2,3,4\n")
    assert {type(user) for user, _ in users_of(dataset)} == {str}


def test_ids_that_pandas_wrote_as_floats_are_whole_numbers(tmp_path: Path) -> None:
    dataset = imported(
        tmp_path,
        "user,movie,rating\n1.0,3,3\n2,3.0,4\n2.0,1.0,5\n1,20.00,2\n",
        "movie,title\n1,a\n3.0,b\n20,c\n",
    )
    assert ratings_of(dataset) == [(1, 3, 3.0), (1, 20, 2.0), (2, 1, 5.0), (2, 3, 4.0)]
    assert dataset.report.unknown_movie_ratings == 0


def test_same_pair_latest_time_then_later_row_counts(tmp_path: Path) -> None:
    dataset = imported(
        tmp_path,
        "user,movie,rating,timestamp\n"
        "1,3,1,50\n1,3,2,90\n1,3,3,9\n"  # the latest stands in the middle
        "1,20,1,7\n1,20,2,7\n"  # the same time
        "2,3,4,\n2,3,5,1\n2,3,3,\n"  # any time beats none
        "3,1,1,2020-01-02 10:00:00\n3,1,2,2020-01-02T09:59:59\n",
    )
    assert ratings_of(dataset) == [(1, 3, 2.0), (1, 20, 2.0), (2, 3, 5.0), (3, 1, 1.0)]
    assert dataset.report.duplicates_replaced == 6
    assert users_of(dataset) == [(1, 2), (2, 1), (3, 1)]


def test_same_pair_without_times_later_row_counts(tmp_path: Path) -> None:
    dataset = imported(tmp_path, "user,movie,rating\n1,3,1\n1,3,5\n1,1,2\n1,3,4\n")
    assert ratings_of(dataset) == [(1, 1, 2.0), (1, 3, 4.0)]


def test_ratings_of_unknown_movies_are_left_out(tmp_path: Path) -> None:
    dataset = imported(tmp_path, "user,movie,rating\n1,3,1\n1,20,3\n1,4,5\n2,03,2\n")
    assert ratings_of(dataset) == [(1, 3, 1.0), (1, 20, 3.0)]
    assert dataset.report.unknown_movie_ratings == 2


def test_no_rating_left(tmp_path: Path) -> None:
    message = (
        r"ratings\.csv: no rating is left, none of the movies \(such as 'a3'\) is in "
        r".*movies\.csv \(which has such as '3'\); .*check that --ratings and --movies belong"
    )
    with pytest.raises(DataError, match=message):
        imported(tmp_path, "user,movie,rating\n1,a3,1\n")


@pytest.mark.parametrize(
    ("ratings", "movies", "message"),
    [
        ("user,movie,rating\n1,3,1\n,3,1\n", MOVIES, r"ratings\.csv, line 3: user_id is empty"),
        ('user,movie,rating\n1,"",1\n', MOVIES, r"ratings\.csv, line 2: movie_id is empty; fill"),
    ],
)
def test_empty_ids(tmp_path: Path, ratings: str, movies: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        imported(tmp_path, ratings, movies)


def test_long_ids(tmp_path: Path) -> None:
    longest = "x" * 500
    ratings = f"user,movie,rating\n{longest},3,4\n"
    assert users_of(imported(tmp_path, ratings)) == [(longest, 1)]
    message = r"ratings\.csv, line 2: user_id has more than 500 bytes; shorten it or remove the row"
    with pytest.raises(DataError, match=message):
        imported(tmp_path, ratings.replace("x,", "xy,"))


def test_long_plots_in_small_slices(tmp_path: Path) -> None:
    count = 1_500  # more than are sorted at once
    lines = (f"{movie},t{movie},{movie}{'가' * 4_000}\n" for movie in reversed(range(count)))
    found = movies_of(imported(tmp_path, movies="movie,title,plot\n" + "".join(lines)))
    assert [movie["movie_id"] for movie in found] == list(range(count))
    assert {len(movie["plot"]) for movie in found} == {4_000}


def test_first_row_of_a_movie_counts(tmp_path: Path) -> None:
    dataset = imported(tmp_path, movies="movie,title\n3,Heat\n3,Cold\n20,b\n1,c\n20,b\n")
    assert [movie["title"] for movie in movies_of(dataset)] == ["c", "Heat", "b"]
    assert dataset.report.duplicate_movies == 2


def test_movie_without_a_title_goes_by_its_id(tmp_path: Path) -> None:
    dataset = imported(tmp_path, movies="movie,title\n3,Heat\n20,\n1,  \n")
    assert [movie["title"] for movie in movies_of(dataset)] == ["Movie 1", "Heat", "Movie 20"]
    assert dataset.report.movies_without_title == 2


def test_tags_most_frequent_first(tmp_path: Path) -> None:
    tags = ["3,slow", "3,Heist", "3,heist", "3,heist", "20,class", "4,lost", "1,", "3,SLOW"]
    text = "userId,movieId,tag\n" + "".join(f"{n},{tag}\n" for n, tag in enumerate(tags))
    dataset = imported(tmp_path, tags=text)
    assert [movie["tags"] for movie in movies_of(dataset)] == [[], ["heist", "slow"], ["class"]]
    assert (dataset.report.tags_read, dataset.report.unknown_movie_tags) == (8, 1)


def test_tags_of_a_movie_are_limited(tmp_path: Path) -> None:
    text = "movieId,tag\n" + "".join(f"3,tag {n:02d}\n" for n in range(30)) + "3,tag 29\n"
    tags = movies_of(imported(tmp_path, tags=text))[1]["tags"]
    assert tags == ["tag 29", *(f"tag {n:02d}" for n in range(19))]


def test_report_says_what_happened(tmp_path: Path) -> None:
    dataset = imported(
        tmp_path,
        "user,movie,rating\n1,3,1\n1,3,5\n1,4,5\n",
        "movie,title\n3,\n3,x\n20,b\n",
        "movie,tag\n3,a\n9,b\n",
    )
    assert dataset.report.lines() == [
        "files: ratings.csv, movies.csv, tags.csv",
        "ratings.csv: read user_id from 'user', movie_id from 'movie', rating",
        "movies.csv: read movie_id from 'movie', title",
        "tags.csv: read movie_id from 'movie', tag",
        "1 of 3 ratings kept: 1 users, 2 movies in the catalogue",
        *dataset.report.notes,
        "1 ratings replaced by a later one of the same user and movie",
        "1 ratings left out: their movie is not in the catalogue",
        "1 catalogue rows left out: an earlier row has the same movie id",
        '1 movies without a title, shown as "Movie" and their id',
        "1 movies that nobody has rated",
        "2 tags read",
        "1 tags left out: their movie is not in the catalogue",
    ]


def test_report_leaves_out_what_did_not_happen(tmp_path: Path) -> None:
    assert imported(tmp_path).report.lines() == [
        "files: ratings.csv, movies.csv",
        "ratings.csv: read user_id from 'userId', movie_id from 'movieId', rating, timestamp",
        "movies.csv: read movie_id from 'movieId', title, genres",
        "4 of 4 ratings kept: 2 users, 3 movies in the catalogue",
    ]


def test_movielens_100k(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text("196\t2\t3\t88\n196\t1\t5\t89\n22\t2\t1\t90\n")
    noir, unknown = (["1" if n == flag else "0" for n in range(19)] for flag in (10, 0))
    items = [["1", "Léon, The (1994)", "01-Jan-1994", "", "url", *noir]]
    items += [["2", "unknown", "", "", "", *unknown]]
    text = "".join("|".join(item) + "\n" for item in items)
    (tmp_path / "u.item").write_text(text, encoding="latin-1")
    dataset = import_dataset(from_directory(tmp_path), tmp_path / "out")
    first, second = movies_of(dataset)
    assert (first["title"], first["year"], first["genres"]) == ("The Léon", 1994, ["Film-Noir"])
    assert (second["title"], second["year"], second["genres"]) == ("unknown", None, [])
    assert ratings_of(dataset) == [(22, 2, 1.0), (196, 1, 5.0), (196, 2, 3.0)]
    assert dataset.scale == (1.0, 5.0)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_movielens_1m_and_10m(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "ratings.dat").write_text("1::73::5::838985046\n1::65133::4.5::838983525\n")
    movies = "73::Misérables, Les (1995)::Drama|War\n65133::Blackadder (1988)::Comedy\n"
    (tmp_path / "movies.dat").write_text(movies, encoding=encoding)
    (tmp_path / "tags.dat").write_text("15::73::excellent!::1215184630\n")
    dataset = import_dataset(from_directory(tmp_path), tmp_path / "out")
    first = movies_of(dataset)[0]
    assert first["title"] == "Les Misérables"
    assert (first["year"], first["tags"]) == (1995, ["excellent!"])
    assert ratings_of(dataset) == [(1, 73, 5.0), (1, 65133, 4.5)]


def test_parquet(tmp_path: Path) -> None:
    ratings = {"user_id": ["u1", "u2"], "movie_id": [7, 8], "rating": [3.5, 4.0]}
    movies = {
        "movie_id": [8, 7],
        "title": ["Matrix, The", "Toy Story (1995)"],
        "genres": [["Sci-Fi"], None],
        "overview": ["Take a pill.", None],
        "runtime": [136, None],
        "cast": [["Keanu Reeves", "Carrie-Anne Moss"], None],
    }
    pq.write_table(pa.table(ratings), tmp_path / "r.parquet")
    pq.write_table(pa.table(movies), tmp_path / "m.parquet")
    source = from_files(tmp_path / "r.parquet", tmp_path / "m.parquet")
    dataset = import_dataset(source, tmp_path / "out")
    toy, matrix = movies_of(dataset)
    assert (toy["title"], toy["year"], toy["genres"]) == ("Toy Story", 1995, [])
    assert (matrix["title"], matrix["plot"]) == ("The Matrix", "Take a pill.")
    assert matrix["runtime"] == 136
    assert matrix["cast"] == "Keanu Reeves, Carrie-Anne Moss"
    assert ratings_of(dataset) == [("u1", 7, 3.5), ("u2", 8, 4.0)]


def test_parquet_names_the_row(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text(MOVIES)
    ratings = {"user_id": [1, 1], "movie_id": [3, 1], "rating": [3.5, float("nan")]}
    pq.write_table(pa.table(ratings), tmp_path / "ratings.parquet")
    with pytest.raises(DataError, match=r"ratings\.parquet, row 2: rating nan is not a number"):
        import_dataset(from_directory(tmp_path), tmp_path / "out")


def test_encoding_option(tmp_path: Path) -> None:
    options = ImportOptions(encoding="cp949")
    assert movies_of(imported(tmp_path, options=options))[2]["title"] == "기생충"


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / "movies.csv").write_bytes(MOVIES.encode("cp949"))
    with pytest.raises(DataError, match=r"movies\.csv, line 3: is not UTF-8; give --encoding"):
        import_dataset(from_directory(tmp_path), tmp_path / "out")


def test_unknown_encoding() -> None:
    with pytest.raises(DataError, match="--encoding klingon is not a known text encoding"):
        ImportOptions(encoding="klingon")


@pytest.mark.parametrize("scale", [(5, 1), (3, 3), (0, float("inf")), (float("nan"), 5)])
def test_scale_that_is_none(scale: tuple[float, float]) -> None:
    with pytest.raises(SettingsError, match=r"--scale .*: give LOW-HIGH, such as 0\.5-5"):
        ImportOptions(scale=scale)


def test_scale_option(tmp_path: Path) -> None:
    assert imported(tmp_path, options=ImportOptions(scale=(0, 10))).scale == (0, 10)


def test_memory_limit_that_is_none() -> None:
    message = r"--memory-limit 8\.0 MB is too little: training needs at least 160M; give more"
    with pytest.raises(SettingsError, match=message):
        ImportOptions(memory_limit=8 * 2**20)


def test_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    def fingerprint(name: str, **texts: str) -> str:
        (tmp_path / name).mkdir()
        return imported(tmp_path / name, **texts).fingerprint

    first, *rest = RATINGS.splitlines(keepends=True)
    same = fingerprint("same")
    assert len(same) == 64
    assert fingerprint("shuffled", ratings=first + "".join(reversed(rest))) == same
    assert fingerprint("columns", movies=MOVIES.replace("movieId", "ITEM")) == same
    assert fingerprint("rating", ratings=RATINGS.replace("3.5", "3.0")) != same
    assert fingerprint("user", ratings=RATINGS.replace("\n9,", "\n8,")) != same
    assert fingerprint("title", movies=MOVIES.replace("Heat", "Cold")) != same
    assert fingerprint("tags", tags="movieId,tag\n3,heist\n") != same


def test_many_ratings_over_many_batches(tmp_path: Path) -> None:
    rng = random.Random(3)
    pairs = [(rng.randrange(3000), rng.randrange(500)) for _ in range(150_000)]
    lines = [f"{user},m{movie},{1 + n % 5}" for n, (user, movie) in enumerate(pairs)]
    movies = "movie,title\n" + "".join(f"m{movie},t\n" for movie in range(0, 500, 2))
    dataset = imported(tmp_path, "user,movie,rating\n" + "\n".join(lines), movies)
    last = {pair: 1.0 + n % 5 for n, pair in enumerate(pairs) if not pair[1] % 2}
    expected = sorted((user, f"m{movie}", rating) for (user, movie), rating in last.items())
    assert ratings_of(dataset) == expected
    report = dataset.report
    assert report.ratings_kept == len(last)
    assert report.unknown_movie_ratings == sum(movie % 2 for _, movie in pairs)
    total = report.ratings_kept + report.duplicates_replaced + report.unknown_movie_ratings
    assert total == report.ratings_read == 150_000


def test_progress_rises_to_one(tmp_path: Path) -> None:
    imported(tmp_path)
    seen: list[tuple[str, float]] = []
    import_dataset(
        from_directory(tmp_path), tmp_path / "out", progress=lambda *step: seen.append(step)
    )
    assert {stage for stage, _ in seen} == {"import"}
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


def test_failure_leaves_what_was_there(tmp_path: Path) -> None:
    dataset = imported(tmp_path)
    before = {path.name: path.read_bytes() for path in dataset.folder.iterdir()}
    with pytest.raises(DataError):
        imported(tmp_path, RATINGS + "1,2\n")
    assert {path.name: path.read_bytes() for path in dataset.folder.iterdir()} == before


def test_failure_leaves_no_new_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        imported(tmp_path, "")
    assert not (tmp_path / "out").exists()


def test_interruption_cleans_up(tmp_path: Path) -> None:
    dataset = imported(tmp_path)

    def interrupt(stage: str, fraction: float) -> None:
        if fraction > 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_dataset(from_directory(tmp_path), dataset.folder, progress=interrupt)
    assert {path.name for path in dataset.folder.iterdir()} == OUTPUT


def test_leftovers_of_a_killed_import_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "out" / "import.tmp").mkdir(parents=True)
    (tmp_path / "out" / "import.tmp" / "import.duckdb").write_bytes(b"half a database")
    assert {path.name for path in imported(tmp_path).folder.iterdir()} == OUTPUT


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DataError, match="out cannot be written: "):
        imported(tmp_path)
    assert (tmp_path / "out").read_text() == "a file"


def test_too_little_memory(tmp_path: Path) -> None:
    ratings = "".join(f"{user:0500d},3,4\n" for user in range(150_000))
    message = r"--memory-limit 160\.0 MB is too little: reading these data .*failed to pin block"
    with pytest.raises(SettingsError, match=message):
        imported(tmp_path, "user,movie,rating\n" + ratings)


def test_times_are_kept_when_asked_for(tmp_path: Path) -> None:
    timed = ImportOptions(memory_limit=MIN_BYTES, keep_times=True)
    ratings = (
        "user,movie,rating,timestamp\n1,3,2,90\n1,3,1,50\n1,20,4,1970-01-02 00:00:01\n2,1,3,7\n"
    )
    dataset = imported(tmp_path, ratings, options=timed)
    assert np.load(dataset.folder / "history_times.npy").tolist() == [90, 86401, 7]
    assert dataset.fingerprint == imported(tmp_path, ratings).fingerprint


@pytest.mark.parametrize(
    ("ratings", "missing"),
    [
        ("user,movie,rating\n1,3,2\n2,3,4\n", 2),
        ("user,movie,rating,timestamp\n1,3,2,5\n2,3,4,yesterday\n", 1),
        ("user,movie,rating,timestamp\n1,3,2,nan\n2,3,4,1e300\n", 2),
    ],
)
def test_times_that_are_not_there(tmp_path: Path, ratings: str, missing: int) -> None:
    timed = ImportOptions(memory_limit=MIN_BYTES, keep_times=True)
    with pytest.raises(DataError, match=rf"ratings.csv: {missing} of 2 ratings have no timestamp"):
        imported(tmp_path, ratings, options=timed)
    assert not (tmp_path / "out").exists()


UNRATED = "user,movie,rating\n1,3,-1\n1,20,8\n1,400,-1.0\n2,3,\n2,20,9\n2,400,7\n3,3,NA\n3,20,99\n"


def test_rows_that_say_there_is_no_rating_are_left_out(tmp_path: Path) -> None:
    options = ImportOptions(memory_limit=MIN_BYTES, unrated=("-1", "NA", "99"))
    movies = "movie,title\n3,Heat\n20,Up\n400,Fargo\n"
    dataset = imported(tmp_path, UNRATED, movies, options=options)
    assert ratings_of(dataset) == [(1, 20, 8.0), (2, 20, 9.0), (2, 400, 7.0)]
    assert dataset.scale == (1, 10)
    report = dataset.report
    assert (report.ratings_read, report.ratings_kept, report.unrated) == (8, 3, 5)
    assert "5 ratings left out: they say that there is none (--unrated)" in report.lines()


def test_no_rating_is_left_out_unasked(tmp_path: Path) -> None:
    for unrated, problem in (
        (("-1", "99"), r"line 5: rating \(empty\) is not a number; .* give --unrated"),
        (("-1", "empty"), "line 9: rating 99 is|3,20,99|not rated"),
        (("-1", "99", "empty", "7", "8", "9"), "no row has a rating; check --unrated"),
    ):
        options = ImportOptions(memory_limit=MIN_BYTES, unrated=unrated)
        if unrated == ("-1", "empty"):
            options = dataclasses.replace(options, scale=(1, 10))
        with pytest.raises(DataError, match=problem):
            imported(tmp_path, UNRATED, options=options)


def test_unrated_values_that_are_none() -> None:
    with pytest.raises(SettingsError, match="--unrated 'never': give numbers, empty, or words"):
        ImportOptions(unrated=("-1", "never"))
