import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyspark")

from recommender.bundle.catalogue import MovieText
from recommender.bundle.history import History
from recommender.models.content import ContentModel
from recommender.models.protocol import TrainingData
from recommender.models.ranking import RankingModel, RankingSettings
from recommender.models.ranking_fit import HistoryRows, Weighting
from recommender.spark.ranking import ClusterRows, fit_ranking
from tests.spark.packed import on_executors

SCALE = (0.5, 5.0)
N_MOVIES = 90
SETTINGS = RankingSettings(n_factors=8)
WEIGHTING = Weighting.of(SCALE, SETTINGS)


@pytest.fixture(scope="module")
def history() -> History:
    """120 users; user 3 has no ratings, user 5 only one, user 7 rated all movies but the last two,
    which nobody rated; everybody rated movie 11."""
    rng = np.random.default_rng(4)
    counts = rng.integers(2, 30, size=120)
    counts[[3, 5, 7]] = 0, 1, N_MOVIES - 2
    others = np.delete(np.arange(N_MOVIES - 2), 11)
    movies = [
        np.sort(np.append(11, rng.choice(others, n - 1, replace=False))) if n else others[:0]
        for n in counts
    ]
    stars = (rng.integers(1, 11, size=counts.sum()) / 2).astype(np.float32)
    return History(np.append(0, np.cumsum(counts)), np.concatenate(movies).astype(np.int32), stars)


@pytest.fixture(scope="module")
def data(history: History) -> TrainingData:
    texts = [MovieText(i, "", genres=("Even",) if i % 2 == 0 else ("Odd",)) for i in range(90)]
    data = TrainingData.of(history, texts, SCALE)
    return dataclasses.replace(data, fitted={"content": ContentModel.fit(data)})


@pytest.fixture(scope="module")
def ratings(spark, history: History, tmp_path_factory: pytest.TempPathFactory):
    path: Path = tmp_path_factory.mktemp("ranking") / "ratings.parquet"
    return on_executors(spark, history, path)


@pytest.fixture(scope="module")
def told() -> list[float]:
    return []


@pytest.fixture(scope="module")
def model(ratings, data: TrainingData, told: list[float]) -> RankingModel:
    return fit_ranking(ratings, data, SETTINGS, told.append)


def test_is_the_model_of_the_local_engine(model, history, data) -> None:
    local = RankingModel.fit(data, SETTINGS)
    assert (model.popularity == local.popularity).all()
    assert model.inputs.dtype == local.inputs.dtype
    wanted = local.inputs @ local.outputs.T
    assert model.inputs @ model.outputs.T == pytest.approx(wanted, abs=1e-4 * float(wanted.max()))
    for user in range(0, 120, 10):
        rated = history.of(user)
        scores = [one.score(one.profile(*rated)[None], slice(0, 90)) for one in (model, local)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-4)


def test_movies_nobody_rated_have_a_vector_from_their_content(model: RankingModel) -> None:
    for vectors in (model.inputs, model.outputs):
        assert np.isfinite(vectors).all()
        assert np.linalg.norm(vectors[-2:], axis=1).min() > 0


def test_progress(model: RankingModel, told: list[float]) -> None:
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_chooses_as_the_local_engine(ratings, data: TrainingData) -> None:
    settings = dataclasses.replace(SETTINGS, choose_for="any")
    chosen = fit_ranking(ratings, data, settings).chosen
    assert chosen["trials"] > 1
    assert chosen == pytest.approx(RankingModel.fit(data, settings).chosen, rel=1e-4)


def test_users_left_out_are_those_of_the_local_engine(ratings, history) -> None:
    users = np.array([3, 7, 60])
    columns = np.eye(N_MOVIES, 5, dtype=np.float32)
    found = []
    for rows in (
        ClusterRows(ratings, WEIGHTING, N_MOVIES).without(users),
        HistoryRows(history, WEIGHTING, N_MOVIES).without(users),
    ):
        product = np.zeros_like(columns)
        rows.add_gram(columns, product, lambda fraction: None)
        found.append((*rows.energy(), product))
    (energy, n_users, gram), (local_energy, local_users, local_gram) = found
    assert n_users == local_users == 117
    assert energy == pytest.approx(local_energy, rel=1e-5)
    assert gram == pytest.approx(local_gram, rel=1e-4, abs=1e-6)
