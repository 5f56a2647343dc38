from pathlib import Path

import pytest

from recommender.core.errors import DataError
from recommender.dataset import from_files
from recommender.models.registry import SERVED
from recommender.models.stars import StarsSettings
from recommender.training.engine import LocalEngine
from recommender.training.pipeline import TrainingSettings


def test_contents_are_those_of_the_files(tiny_files, tmp_path: Path) -> None:
    engine, (ratings, movies) = LocalEngine(), tiny_files
    before = engine.contents(from_files(ratings, movies))
    copy = tmp_path / ratings.name
    copy.write_bytes(ratings.read_bytes())
    source = from_files(copy, movies)
    assert engine.contents(source) == before
    with copy.open("a", encoding="utf-8") as file:
        file.write("1,54,1.5\n")
    assert engine.contents(source) != before
    assert engine.contents(from_files(ratings, movies, tags=movies)) != before
    copy.unlink()
    with pytest.raises(DataError, match=r"ratings\.csv cannot be read: .*; check --ratings"):
        engine.contents(source)


def test_memory_grows_with_users_and_movies() -> None:
    def memory(users: int, movies: int) -> int:
        settings = TrainingSettings(stars=StarsSettings(n_factors=20))
        engine = LocalEngine()
        return max(engine.memory(one, users, movies, 0, settings.of(one)) for one in SERVED)

    nothing = memory(0, 0)
    assert memory(10_000_000, 0) - nothing > 8 * 20 * 9_000_000
    assert memory(0, 10_000_000) - nothing > 8 * 64 * 9_000_000
