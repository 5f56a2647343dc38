import hashlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from recommender.dataset.movie_tables import MovieTables
from recommender.dataset.sources import table_file
from recommender.dataset.staging import load_staging_table


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
