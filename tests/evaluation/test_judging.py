import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.bundle.history import History
from recommender.core.errors import DataError, SettingsError
from recommender.dataset import Source, from_files
from recommender.evaluation.judging import EvaluationOptions, evaluate, users_with_relevant
from recommender.models.ranking import RankingSettings
from recommender.models.stars import StarsSettings
from recommender.training.pipeline import TrainingSettings

SMALL = TrainingSettings(
    min_user_ratings=5,
    min_movie_ratings=3,
    stars=StarsSettings(n_factors=4, n_epochs=100),
    ranking=RankingSettings(n_factors=2),
)


@pytest.fixture(scope="module")
def source(tiny_files: tuple[Path, Path]) -> Source:
    return from_files(*tiny_files)


@pytest.fixture(scope="module")
def results(source: Source) -> dict[str, Any]:
    return evaluate(source, EvaluationOptions(seeds=(1, 2)), SMALL)


def means(results: dict[str, Any], name: str) -> dict[str, float]:
    (model,) = (one for one in results["models"] if one["name"] == name)
    return {metric: found["mean"] for metric, found in model["metrics"].items()}


def test_the_two_tastes_in_the_data_are_found(results: dict[str, Any]) -> None:
    ranking, popularity = means(results, "Matinee, ranking"), means(results, "Popularity")
    assert ranking["ndcg@10"] > 1.5 * popularity["ndcg@10"]
    assert ranking["recall@20"] > 1.1 * popularity["recall@20"]
    assert ranking["similar@20"] > popularity["similar@20"]
    assert means(results, "Matinee, by stars")["rmse"] < 0.8 * means(results, "Damped bias")["rmse"]


def test_every_figure_is_in_its_range(results: dict[str, Any]) -> None:
    assert len(results["models"]) == 9
    for model in results["models"]:
        found = means(results, model["name"])
        assert all(0 <= found[name] <= 1 for name in ("ndcg@10", "recall@20", "coverage@10"))
        assert 0 < found.get("mae", 0.1) <= found.get("rmse", 0.1) < 3
        assert 0 <= found.get("similar@20", 0) <= 1
        assert found["novelty"] >= 0
        assert model["seconds"] > 0
        assert model["peak_mb"] >= 0


def test_standard_errors_are_of_seeds_and_of_users(results: dict[str, Any], source: Source) -> None:
    (model,) = (one for one in results["models"] if one["name"] == "Matinee, ranking")
    assert model["metrics"]["ndcg@10"]["se_users"] > 0
    assert model["metrics"]["coverage@10"]["se_users"] is None
    singles = [
        means(evaluate(source, EvaluationOptions(seeds=(seed,)), SMALL), "Matinee, ranking")
        for seed in (1, 2)
    ]
    values = [single["ndcg@10"] for single in singles]
    found = model["metrics"]["ndcg@10"]
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["se_seeds"] == pytest.approx(np.std(values, ddof=1) / np.sqrt(2))


def test_fewer_users_when_asked_for(source: Source) -> None:
    few = evaluate(source, EvaluationOptions(max_users=7), SMALL)
    assert few["protocol"]["users_judged"] == [7]
    assert few["models"][0]["metrics"]["ndcg@10"]["se_seeds"] is None


def test_a_larger_share_can_be_held_out(results: dict[str, Any], source: Source) -> None:
    found = evaluate(source, EvaluationOptions(held_out=0.6, only=("Popularity",)), SMALL)
    assert (results["protocol"]["held_out"], found["protocol"]["held_out"]) == (0.2, 0.6)
    # Where fewer users rated a movie in the train part, it is more of a surprise.
    assert means(found, "Popularity")["novelty"] > means(results, "Popularity")["novelty"] + 0.5


def test_progress_tells_training_and_judging(source: Source) -> None:
    told: list[tuple[str, float]] = []
    evaluate(source, settings=SMALL, progress=lambda stage, share: told.append((stage, share)))
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages[0] == "import"
    assert "Training: ranking (seed 1)" in stages
    assert stages[-1] == "Judging: Matinee, hybrid (seed 1)"
    assert all(0 <= share <= 1 for _, share in told)


def test_time_protocol_needs_times(source: Source) -> None:
    with pytest.raises(DataError, match=r"ratings\.csv.*no timestamp"):
        evaluate(source, EvaluationOptions("time"), SMALL)


def test_time_protocol(tiny_files: tuple[Path, Path], tmp_path: Path) -> None:
    ratings, movies = tiny_files
    timed = tmp_path / "ratings.csv"
    with open(ratings, encoding="utf-8") as old, open(timed, "w", encoding="utf-8") as new:
        rows = csv.reader(old)
        writer = csv.writer(new)
        writer.writerow([*next(rows), "timestamp"])
        rng = np.random.default_rng(0)
        writer.writerows([*row, int(rng.integers(1, 10**9))] for row in rows)
    found = evaluate(from_files(timed, movies), EvaluationOptions("time", seeds=(3, 4)), SMALL)
    assert found["protocol"]["split"] == "time"
    assert found["protocol"]["seeds"] == [3]
    assert 30 < found["protocol"]["users_judged"][0] <= 50
    assert means(found, "Matinee, ranking")["ndcg@10"] > means(found, "Popularity")["ndcg@10"]


def test_nothing_to_judge_by(tmp_path: Path) -> None:
    low = "".join(f"{user},{movie},1\n" for user in range(9) for movie in range(9))
    # The only rating of one user is never held out.
    (tmp_path / "r.csv").write_text(f"user_id,movie_id,rating\n{low}9,0,5\n")
    (tmp_path / "m.csv").write_text("movie_id,title\n" + "".join(f"{m},a\n" for m in range(9)))
    source = from_files(tmp_path / "r.csv", tmp_path / "m.csv")
    with pytest.raises(DataError, match="no held-out rating"):
        evaluate(source, settings=SMALL)


def test_settings_that_leave_nothing_to_train_on(source: Source) -> None:
    with pytest.raises(DataError, match="lower min_user_ratings"):
        evaluate(source, settings=TrainingSettings(min_user_ratings=1000))


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"protocol": "leave-one-out"}, "--protocol"),
        ({"seeds": ()}, "--seeds"),
        ({"seeds": (-1,)}, "--seeds"),
        ({"seeds": (1, 1)}, "--seeds"),
        ({"max_users": 0}, "--users"),
        ({"held_out": 1.0}, "--held-out"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], flag: str) -> None:
    with pytest.raises(SettingsError, match=flag):
        EvaluationOptions(**options)


def test_users_with_relevant() -> None:
    test = History(
        np.array([0, 1, 1, 3]),
        np.array([0, 1, 2], dtype=np.int32),
        np.array([3.5, 4.0, 1.0], dtype=np.float32),
    )
    assert users_with_relevant(test, 3.875).tolist() == [2]
