import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.bundle.history import History
from recommender.core.errors import DataError, SettingsError
from recommender.dataset import from_files, import_dataset
from recommender.evaluation.holdout import split_random
from recommender.evaluation.tuning import (
    STARS_GRID,
    TuningOptions,
    _Search,
    _validation_split,
    tune,
)
from recommender.models.ranking import RankingSettings
from recommender.models.stars import StarsSettings
from recommender.training.pipeline import TrainingSettings
from recommender.training.settings_file import load_settings

SMALL = TrainingSettings(
    5, 3, stars=StarsSettings(n_factors=4, n_epochs=2), ranking=RankingSettings(n_factors=8)
)


def search(trials: int, minutes: float = 9.0) -> tuple[StarsSettings, _Search, list[str]]:
    """A search whose best answer is known: regularization .08, rate .02, 30 epochs."""

    def judge(settings: StarsSettings) -> float:
        return (
            100 * abs(settings.regularization - 0.08)
            + 10 * abs(settings.learning_rate - 0.02)
            + abs(settings.n_epochs - 30) / 1000
        )

    lines: list[str] = []
    found = _Search(STARS_GRID, judge, trials, minutes, "stars: RMSE")
    best = found.run(StarsSettings(), lines.append, lambda stage, share: None)
    return best, found, lines


def test_search_finds_the_best_of_the_grid_and_stops() -> None:
    best, found, lines = search(1000)
    assert (best.regularization, best.learning_rate, best.n_epochs) == (0.08, 0.02, 30)
    assert found.best == pytest.approx(0)
    assert found.first == pytest.approx(2.11)
    assert found.trials == len(lines) == len({line.split("  ")[1] for line in lines}) < 60
    assert lines[0].endswith("best so far")


def test_search_keeps_to_its_trials_and_minutes() -> None:
    _, found, lines = search(3)
    assert found.trials == len(lines) == 3
    assert found.best <= found.first
    assert search(1000, 1e-12)[1].trials == 1


@pytest.mark.slow
def test_tune_improves_and_is_reproducible(tiny_files: tuple[Path, Path], tmp_path: Path) -> None:
    lines: list[str] = []
    source = from_files(*tiny_files)
    found = tune(source, TuningOptions(trials=12), SMALL, tell=lines.append)
    assert found.trials == len(lines) == 12
    assert found.rmse < found.first_rmse
    assert found.ndcg >= found.first_ndcg
    assert found.stars.n_factors == 4
    assert tune(source, TuningOptions(trials=12), SMALL) == found
    (tmp_path / "settings.json").write_text(json.dumps(found.to_dict()))
    loaded = load_settings(tmp_path / "settings.json")
    assert (loaded.stars, loaded.ranking) == (found.stars, found.ranking)


def test_the_test_ratings_are_never_seen(tiny_files: tuple[Path, Path], tmp_path: Path) -> None:
    import_dataset(from_files(*tiny_files), tmp_path)
    history = History.open(tmp_path)
    options = TuningOptions(seed=3, max_users=20)
    rest, validation = _validation_split(history, tmp_path / "v", options)
    test = split_random(history, tmp_path / "t", 3).test

    def pairs(part: History) -> set[tuple[int, int]]:
        users = np.repeat(np.arange(part.n_users), np.diff(part.offsets))
        return set(zip(users.tolist(), part.movies.tolist(), strict=True))  # type: ignore[attr-defined]

    seen = pairs(validation.train) | pairs(validation.test)
    assert seen <= pairs(rest)
    assert not pairs(rest) & pairs(test)
    assert not pairs(validation.train) & pairs(validation.test)
    assert len({user for user, _ in seen}) == 20


def test_nothing_to_judge_by(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user_id,movie_id,rating\n1,1,5\n1,2,1\n")
    (tmp_path / "m.csv").write_text("movie_id,title\n1,a\n2,b\n")
    with pytest.raises(DataError, match="nothing to judge by"):
        tune(from_files(tmp_path / "r.csv", tmp_path / "m.csv"))


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"trials": 1}, "--trials"),
        ({"minutes": 0.0}, "--minutes"),
        ({"minutes": float("inf")}, "--minutes"),
        ({"seed": -1}, "--seed"),
        ({"max_users": 0}, "--users"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], flag: str) -> None:
    with pytest.raises(SettingsError, match=flag):
        TuningOptions(**options)
