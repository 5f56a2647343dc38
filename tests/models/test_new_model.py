"""The example of `docs/contributing.md` is carried out: one file, one registration."""

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from recommender import recommender
from recommender.bundle.bundle import Bundle
from recommender.dataset import from_files
from recommender.evaluation import contenders
from recommender.evaluation.judging import EvaluationOptions, evaluate
from recommender.models import registry
from recommender.models.protocol import Model
from recommender.training import pipeline
from recommender.training.pipeline import TrainingSettings, train
from tests.conftest import ROOT
from tests.models import test_conformance as conformance

SETTINGS = TrainingSettings(min_user_ratings=5, min_movie_ratings=3)


@pytest.fixture
def best_rated(monkeypatch: pytest.MonkeyPatch) -> type[Model]:
    """The model as the page has it."""
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    section = page.partition("## Adding a model\n")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    module = ModuleType("recommender.models.best_rated")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, "docs/contributing.md", "exec"), module.__dict__)
    model: type[Model] = module.BestRated
    return model


def test_it_passes_the_suite(best_rated: type[Model], tiny_bundle: Path, tmp_path: Path) -> None:
    data = conformance.two_tastes(conformance.N_USERS, conformance.N_MOVIES)
    model = best_rated.fit(data)
    profiles = np.array([model.profile(*data.history.of(user)) for user in range(80)])
    assert (model.score(profiles, slice(0, 40)).argmax(axis=1) == 0).all()
    conformance.test_batches_equal_singles(model, profiles)
    conformance.test_scores_may_be_changed(model, profiles)
    conformance.test_somebody_unknown_has_scores(model, profiles)
    conformance.test_a_bundle_gives_it_back(model, profiles, tiny_bundle, tmp_path)
    conformance.test_scoring_keeps_to_its_memory(best_rated)
    with pytest.MonkeyPatch.context() as patch:
        conformance.test_training_grows_as_it_says(best_rated, patch)


def test_registered_it_is_trained_and_orders_lists(
    best_rated: type[Model], tiny_files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "SERVED", (*registry.SERVED, best_rated))
    bundle = train(from_files(*tiny_files), tmp_path / "b", SETTINGS)
    assert [stage.name for stage in bundle.training.stages][-2] == "best_rated"
    model = best_rated.load(Bundle.open(tmp_path / "b"))
    scores = model.score(np.zeros((1, 0)), slice(0, 60))[0].astype(np.float32)
    assert 0.5 <= scores.min() <= scores.max() <= 5.0

    monkeypatch.setattr(recommender, "ORDERING", (*registry.ORDERING, best_rated))
    matinee = recommender.Recommender.open(tmp_path / "b")
    found = matinee.recommend_for_user(7, 5, rank_by="best_rated")
    rated = {rating.movie.movie_id for rating in matinee.rated_by(7, 60)}
    order = [i for i in np.argsort(-scores, kind="stable").tolist() if i + 1 not in rated]
    assert [one.movie.movie_id for one in found] == [i + 1 for i in order[:5]]
    assert found == matinee.hybrid_recommend(7, 5, 1.0, rank_by="best_rated")
    assert len(matinee.recommend({1: 5.0}, 5, rank_by="best_rated", cf_weight=0.5)) == 5
    with pytest.raises(ValueError, match="must be one of ranking, stars, best_rated"):
        matinee.recommend_for_user(7, rank_by="luck")


def test_registered_it_is_compared(
    best_rated: type[Model], tiny_files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contenders, "BASELINES", (*registry.BASELINES, best_rated))
    results = evaluate(from_files(*tiny_files), EvaluationOptions(only=("Best rated",)), SETTINGS)
    (row,) = results["models"]
    assert row["name"] == "Best rated"
    assert 0 <= row["metrics"]["ndcg@10"]["mean"] <= 1
