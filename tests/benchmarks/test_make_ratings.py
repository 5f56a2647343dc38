import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.make_ratings import count, distinct, make
from recommender.dataset import from_directory, import_dataset
from recommender.evaluation.judging import quality
from recommender.training.pipeline import TrainingSettings

RATINGS = 100_000
FILES = ("ratings.csv", "movies.csv", "tags.csv")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "ratings"
    make(out, RATINGS)
    return out


@pytest.fixture(scope="module")
def ratings(made: Path) -> pd.DataFrame:
    return pd.read_csv(made / "ratings.csv")


def test_looks_as_movielens_does(made: Path, ratings: pd.DataFrame) -> None:
    assert list(ratings.columns) == ["userId", "movieId", "rating", "timestamp"]
    assert 0.8 * RATINGS < len(ratings) <= RATINGS
    assert set(ratings.rating) == {half / 2 for half in range(1, 11)}
    assert not ratings.duplicated(["userId", "movieId"]).any()
    assert (made / "ratings.csv").read_text().splitlines()[1].split(",")[2] in ("3.0", "3.5", "4.0")
    dataset = import_dataset(from_directory(made), made.parent / "imported")
    assert dataset.scale == (0.5, 5.0)
    assert dataset.report.ratings_kept == dataset.report.ratings_read == len(ratings)
    assert dataset.report.tags_read > 1000
    assert dataset.report.unknown_movie_tags == 0
    assert dataset.report.duplicate_movies == 0


def test_few_have_most_of_the_ratings(ratings: pd.DataFrame) -> None:
    for column in ("userId", "movieId"):
        per = ratings[column].value_counts().to_numpy()
        busiest = per[: len(per) // 10].sum() / len(ratings)
        assert busiest > 0.3
        assert np.median(per) < per.mean() / 1.3
    assert ratings.userId.value_counts().min() >= 15


@pytest.mark.slow
def test_there_is_something_to_find(made: Path) -> None:
    found = quality(from_directory(made), TrainingSettings(), lambda stage, fraction: None)
    assert found["ndcg"] > 1.2 * found["popularity_ndcg"]


def test_equal_seeds_give_equal_bytes_and_others_do_not(made: Path, tmp_path: Path) -> None:
    make(tmp_path / "again", RATINGS)
    make(tmp_path / "other", RATINGS, seed=1)
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (made / name).read_bytes()
        assert (tmp_path / "other" / name).read_bytes() != (made / name).read_bytes()


def test_what_is_there_is_left_alone(made: Path) -> None:
    before = (made / "ratings.csv").stat().st_mtime_ns
    with pytest.raises(OSError, match="not empty"):
        make(made, 10_000)
    assert (made / "ratings.csv").stat().st_mtime_ns == before
    assert sorted(path.name for path in made.iterdir()) == sorted(FILES)
    assert not list(made.parent.glob("*.part"))


def test_distinct_moves_equal_values_to_the_next_free() -> None:
    values, group = np.array([0, 5, 0, 0, 7, 7, 9]), np.array([0, 0, 0, 0, 3, 3, 4])
    assert distinct(values, group).tolist() == [0, 1, 2, 5, 7, 8, 9]


@pytest.mark.parametrize(("text", "number"), [("32M", 32_000_000), ("1B", 10**9), ("20k", 20_000)])
def test_count(text: str, number: int) -> None:
    assert count(text) == number


@pytest.mark.parametrize("text", ["", "M", "2B", "9999", "1.5M", "-1M"])
def test_count_refuses(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="10k to 1B"):
        count(text)
