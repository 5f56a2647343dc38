import dataclasses

import numpy as np
import pytest

from recommender.bundle import history as history_module
from recommender.bundle.catalogue import MovieText
from recommender.bundle.history import History
from recommender.models import ranking as module
from recommender.models.content import ContentModel
from recommender.models.protocol import TrainingData
from recommender.models.ranking import RankingModel, RankingSettings

SCALE = (0.5, 5.0)
N_USERS, N_MOVIES = 60, 40
SETTINGS = RankingSettings(n_factors=6, damping=3)


@pytest.fixture(scope="module")
def history() -> History:
    """Two groups of users, each of which rates mostly its half of the movies; nobody rated the
    last two movies."""
    rng = np.random.default_rng(1)
    rows = []
    for user in range(N_USERS):
        own = (np.arange(38) % 2) == user % 2
        rows.append(np.sort(rng.choice(38, size=12, replace=False, p=np.where(own, 9, 1) / 190)))
    return History(
        np.arange(0, 12 * N_USERS + 1, 12),
        np.concatenate(rows).astype(np.int32),
        (rng.integers(1, 11, size=12 * N_USERS) / 2).astype(np.float32),
    )


@pytest.fixture(scope="module")
def data(history: History) -> TrainingData:
    movies = [MovieText(i, "", genres=("Even",) if i % 2 == 0 else ("Odd",)) for i in range(40)]
    data = TrainingData.of(history, movies, SCALE)
    return dataclasses.replace(data, fitted={"content": ContentModel.fit(data)})


@pytest.fixture(scope="module")
def content(data: TrainingData) -> ContentModel:
    return data.model(ContentModel)


@pytest.fixture(scope="module")
def counts(data: TrainingData) -> np.ndarray:
    return data.counts


@pytest.fixture(scope="module")
def model(data: TrainingData) -> RankingModel:
    return RankingModel.fit(data, SETTINGS)


def stacked(history: History, content: ContentModel, counts: np.ndarray) -> np.ndarray:
    """M of the module's docstring, written out."""
    ratings = np.zeros((N_USERS, N_MOVIES))
    for user in range(N_USERS):
        movies, stars = history.of(user)
        ratings[user, movies] = (stars - 0.5) / 4.5 + 0.1
    scaled = ratings / np.sqrt(ratings.sum(axis=1, keepdims=True))
    scaled *= np.maximum(counts, 1.0) ** -SETTINGS.rated_exponent
    energy = (scaled**2).sum(axis=0)
    once = energy[counts == 1]
    energy = np.maximum(energy, np.median(once) if len(once) else energy[energy > 0].min())
    features = np.zeros((N_MOVIES, content.n_terms))
    for i in range(N_MOVIES):
        entries = slice(content.offsets[i], content.offsets[i + 1])
        features[i, content.terms[entries]] = content.weights[entries]
    return np.vstack([scaled, (features * np.sqrt(0.3 * energy)[:, None]).T])


def test_is_the_damped_svd_of_the_stacked_matrix(model, history, content, counts) -> None:
    _, values, rows = np.linalg.svd(stacked(history, content, counts), full_matrices=False)
    squares = values[:6] ** 2
    damped = squares / (squares + squares[3])
    expected = (rows[:6].T * damped) @ rows[:6]
    assert model.vectors @ model.vectors.T == pytest.approx(expected, abs=1e-4)


def test_the_size_of_a_block_changes_nothing(model, data, monkeypatch) -> None:
    monkeypatch.setattr(history_module, "_BLOCK", 7)
    monkeypatch.setattr(history_module, "_PORTION", 30)
    monkeypatch.setattr(module, "_ROWS", 7)
    again = RankingModel.fit(data, SETTINGS)
    assert again.vectors @ again.vectors.T == pytest.approx(
        model.vectors @ model.vectors.T, abs=1e-4
    )


def test_finds_the_group_of_somebody_new(model: RankingModel) -> None:
    profile = model.profile(np.array([0, 2, 4, 6]), np.full(4, 5.0, np.float32))
    scores = model.score(profile[None], slice(0, 38))[0]
    scores[[0, 2, 4, 6]] = -np.inf
    best = np.argsort(-scores)[:8]
    assert (best % 2 == 0).sum() >= 7


def test_movies_nobody_rated_have_a_vector_from_their_content(model: RankingModel) -> None:
    close = model.closeness(38, slice(0, 40))
    assert np.linalg.norm(model.vectors[38]) > 0
    assert close[0:38:2].mean() > close[1:38:2].mean()
    profile = model.profile(np.array([0, 2, 4]), np.full(3, 5.0, np.float32))
    scores = model.score(profile[None], np.array([38, 39]))[0]
    assert scores[0] > scores[1]


def test_contributions_add_up_to_the_score(model: RankingModel, history: History) -> None:
    for user in (0, 1, 30):
        movies, ratings = history.of(user)
        scores = model.score(model.profile(movies, ratings)[None], slice(0, N_MOVIES))[0]
        for movie in range(0, N_MOVIES, 7):
            parts = model.explain(movies, ratings, movie).parts
            assert parts.sum() == pytest.approx(scores[movie], abs=1e-5)


def test_low_ratings_speak_against(model: RankingModel) -> None:
    movies = np.array([0])
    liked, disliked = (model.weights(movies, np.array([s], np.float32)) for s in (5.0, 0.5))
    assert liked > 0 > disliked
    assert model.weights(movies, np.array([2.0], np.float32)) == pytest.approx(0, abs=1e-6)


def test_progress(data) -> None:
    told: list[float] = []
    RankingModel.fit(data, SETTINGS, told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_more_factors_than_movies(data) -> None:
    model = RankingModel.fit(data, RankingSettings(n_factors=500))
    assert model.vectors.shape == (N_MOVIES, N_MOVIES)
    assert np.isfinite(model.vectors).all()
