import hashlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from recommender.core.errors import DataError
from recommender.dataset import import_dataset
from recommender.dataset.movie_tables import MovieTables
from recommender.dataset.sources import from_directory, from_files, table_file
from recommender.dataset.staging import load_staging_table
from tests.dataset.test_importing import imported, movies_of


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def tables(
    connection: duckdb.DuckDBPyConnection, folder: Path, movies: str, tags: str | None = None
) -> MovieTables:
    (folder / "movies.csv").write_text(movies, encoding="utf-8")
    (folder / "tags.csv").write_text(tags or "", encoding="utf-8")
    return MovieTables(
        connection,
        table_file(folder / "movies.csv", "movies"),
        table_file(folder / "tags.csv", "tags") if tags else None,
        None,
        None,
        lambda file: load_staging_table(connection, file, None, folder),
    )


MOVIES = "id,title\n10,Ten\n9,Nine\n9,Nine again\n100,\n"


def test_a_line_break_before_a_list_separates_nothing(tmp_path: Path) -> None:
    """As Kaggle's IMDb data by genre have them."""
    movies = 'movieId,title,genres\n3,Heat,"\nAction, Crime   "\n20,Up,"\nDrama"\n1,M,\n'
    genres = [movie["genres"] for movie in movies_of(imported(tmp_path, movies=movies))]
    assert genres == [[], ["Action", "Crime"], ["Drama"]]


def test_integers_are_in_their_own_order(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    found = tables(connection, tmp_path, MOVIES)
    assert found.n_movies == 3
    assert found.ids().to_pydict() == {"movie_id": ["9", "10", "100"]}
    assert found.example() == "10"


def test_other_ids_are_in_the_order_of_text(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    found = tables(connection, tmp_path, MOVIES + "010,Zero\n")
    assert found.ids().to_pydict() == {"movie_id": ["010", "10", "100", "9"]}


def test_what_is_written_and_reported(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    found = tables(connection, tmp_path, MOVIES, "movie,tag\n9,dry\n9,Dry\n9,dry\n8,wet\n")
    assert found.report(rated=2) == {
        "movies": 3,
        "movies_without_ratings": 1,
        "movies_without_title": 1,
        "duplicate_movies": 1,
        "tags_read": 4,
        "unknown_movie_tags": 1,
        "unknown_movie_links": 0,
        "linked_movies": 0,
        "titled_movies": (),
        "unknown_movie_titles": 0,
        "missing_posters": 0,
        "missing_poster": "",
        "broken_rows": (),
    }
    digests = [hashlib.sha256(), hashlib.sha256()]
    found.write(tmp_path / "movies.parquet", digests[0])
    written = pq.read_table(tmp_path / "movies.parquet").to_pydict()
    assert written["movie_id"] == [9, 10, 100]
    assert written["title"] == ["Nine", "Ten", "Movie 100"]
    assert written["tags"] == [["dry"], [], []]
    assert digests[0].digest() != digests[1].digest()


def test_links_give_movies_their_ids_elsewhere(tmp_path: Path) -> None:
    plain = imported(tmp_path)
    (tmp_path / "links.csv").write_text("from,to\n3,https://example.invalid\n")
    assert imported(tmp_path) == plain  # a file of another kind that is called so
    (tmp_path / "links.csv").write_text(
        "movieId,imdbId,tmdbId\n3,0113277,949.0\n3,9,9\n1,tt10000001,\n20,n/a,0\n77,1,1\n"
    )
    linked = imported(tmp_path)
    ids = [(movie["imdb_id"], movie["tmdb_id"]) for movie in movies_of(linked)]
    assert ids == [(10000001, None), (113277, 949), (None, None)]
    assert (linked.report.linked_movies, linked.report.unknown_movie_links) == (2, 1)
    assert linked.report.files == ("ratings.csv", "movies.csv", "links.csv")
    assert linked.fingerprint != plain.fingerprint


def test_the_catalogue_itself_may_have_the_ids(tmp_path: Path) -> None:
    movies = "id,title,imdb_id,tmdbId\n3,Heat,tt0113277,949\ntt1049413,Up,,\n"
    dataset = imported(tmp_path, "user,movie,rating\n1,3,4\n1,tt1049413,5\n", movies)
    ids = {movie["title"]: (movie["imdb_id"], movie["tmdb_id"]) for movie in movies_of(dataset)}
    assert ids == {"Heat": (113277, 949), "Up": (1049413, None)}


TITLED = "movie,title,title_ko,Title:JA\n3,Heat,히트 (1995),ヒート\n20,Up,,\n400,Fargo,파고,nan\n"


def test_titles_in_other_languages(tmp_path: Path) -> None:
    ratings = "user,movie,rating\n1,3,4\n1,20,5\n"
    plain = imported(tmp_path, ratings, "movie,title\n3,Heat\n20,Up\n400,Fargo\n")
    dataset = imported(tmp_path, ratings, TITLED)
    titles = {movie["title"]: dict(movie["titles"]) for movie in movies_of(dataset)}
    assert titles == {"Heat": {"ja": "ヒート", "ko": "히트"}, "Up": {}, "Fargo": {"ko": "파고"}}
    assert dataset.fingerprint != plain.fingerprint
    lines = dataset.report.lines()
    assert (
        "movies.csv: read movie_id from 'movie', title, title_ko, title_ja from 'Title:JA'" in lines
    )
    assert {"1 movies with a title in 'ja'", "2 movies with a title in 'ko'"} <= set(lines)


def test_a_file_of_titles_is_joined_by_any_id(tmp_path: Path) -> None:
    ratings = "user,movie,rating\n1,3,4\n1,20,5\n"
    movies = (
        "movie,title,imdb_id,tmdb_id,title_ko\n3,Heat,tt0113277,949,덮인\n20,Up,,14160,\n4,A,,,\n"
    )
    (tmp_path / "titles_ko.csv").write_text(
        "movie_id,imdb_id,tmdb_id,title_ko\n"
        ",tt0113277,,히트\n"
        "3,,,두 번째\n"
        "20.0,,14160,업\n"
        "4,tt0000009,,다른 번호의 영화\n"  # the catalogue does not know its IMDb id
        "20,tt0113277,14160,모순\n"  # the IMDb id is the first film's
        "77,,,모르는 영화\n",
        encoding="utf-8",
    )
    dataset = imported(tmp_path, ratings, movies)
    titles = {movie["title"]: dict(movie["titles"]) for movie in movies_of(dataset)}
    assert titles == {"Heat": {"ko": "히트"}, "Up": {"ko": "업"}, "A": {"ko": "다른 번호의 영화"}}
    assert dataset.report.unknown_movie_titles == 1
    assert dataset.report.files[-1] == "titles_ko.csv"


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("t.csv", "movie_id,title\n3,히트\n", r"t\.csv has no column title_ko"),
        ("t.csv", "name,title_ko\nHeat,히트\n", r"t\.csv has no column movie_id \(or imdb_id"),
        ("t.csv", "movie_id,title_ko\n77,x\n", "none of its 1 rows is of a movie of .*movies.csv"),
        ("t.csv", "movie_id,title_ko\n", "t.csv has no rows; check --titles"),
        ("t.csv", None, "t.csv does not exist; check --titles"),
    ],
)
def test_files_of_titles_that_cannot_be_used(
    tmp_path: Path, name: str, text: str | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "ratings.csv").write_text("user,movie,rating\n1,3,4\n1,20,5\n")
    (tmp_path / "movies.csv").write_text("movie,title\n3,Heat\n20,Up\n")
    with pytest.raises(DataError, match=problem):
        import_dataset(
            from_files(tmp_path / "ratings.csv", tmp_path / "movies.csv", titles=tmp_path / name),
            tmp_path / "out",
        )


def test_which_file_beside_the_movies_has_the_titles(tmp_path: Path) -> None:
    for name in ("ratings.csv", "movies.csv"):
        (tmp_path / name).write_text("user,movie,rating,title\n1,3,4,Heat\n")
    files = tmp_path / "ratings.csv", tmp_path / "movies.csv"
    (tmp_path / "titles.csv").write_text("id,title,language\n3,Heat,en\n")
    assert from_files(*files).titles is None  # it is called so and is another
    (tmp_path / "titles.csv").unlink()
    (tmp_path / "titles_ko.csv").write_text("movie_id,title_ko\n3,x\n")
    assert from_files(*files).titles.name == "titles_ko.csv"
    (tmp_path / "titles_ja.csv").write_text("movie_id,title_ja\n3,x\n")
    with pytest.raises(
        DataError, match=r"has titles_ja\.csv and titles_ko\.csv; put them into one"
    ):
        from_files(*files)
    given = from_directory(tmp_path, titles=tmp_path / "titles_ja.csv")
    assert given.titles.name == "titles_ja.csv"
