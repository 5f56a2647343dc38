"""The sample data that the project ships."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from recommender.dataset import import_dataset
from recommender.dataset.sources import from_directory

DATA = Path(__file__).resolve().parents[2] / "data"


def test_sample_data(tmp_path: Path) -> None:
    dataset = import_dataset(from_directory(DATA), tmp_path)
    assert (dataset.n_ratings, dataset.n_users, dataset.n_movies) == (100_004, 671, 9_066)
    assert dataset.scale == (0.5, 5.0)
    columns = len(dataset.report.columns)
    assert dataset.report.titled_movies == (("ko", 574),)
    assert len(dataset.report.lines()) == 3 + columns, "nothing is dropped, replaced or missing"
    assert np.load(tmp_path / "history_ratings.npy").sum(dtype=np.float64) == 354_375.0

    movies = {
        movie["movie_id"]: movie for movie in pq.read_table(tmp_path / "movies.parquet").to_pylist()
    }
    assert all(movie["year"] for movie in movies.values())
    found = {
        movie_id: (movies[movie_id]["title"], movies[movie_id]["year"])
        for movie_id in (1, 2571, 108548)
    }
    assert found == {
        1: ("Toy Story", 1995),
        2571: ("The Matrix", 1999),
        108548: ("The Big Bang Theory", 2007),
    }
    assert movies[2571]["genres"] == ["Action", "Sci-Fi", "Thriller"]
    korean = {movie_id: dict(movies[movie_id]["titles"]) for movie_id in (318, 912, 108548)}
    assert korean == {318: {"ko": "쇼생크 탈출"}, 912: {"ko": "카사블랑카"}, 108548: {}}
