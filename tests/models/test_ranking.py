import dataclasses

import numpy as np
import pytest

from recommender.bundle import history as history_module
from recommender.bundle.catalogue import MovieText
from recommender.bundle.history import History
from recommender.bundle.writer import BundleWriter
from recommender.models import ranking_fit as module
from recommender.models.content import ContentModel
from recommender.models.protocol import TrainingData
from recommender.models.ranking import RankingModel, RankingSettings
from recommender.models.ranking_fit import HistoryRows, Weighting, find_directions, fit_ranking

SCALE = (0.5, 5.0)
N_USERS, N_MOVIES = 60, 40
SETTINGS = RankingSettings(n_factors=6)


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
def content(history: History) -> ContentModel:
    movies = [MovieText(i, "", genres=("Even",) if i % 2 == 0 else ("Odd",)) for i in range(40)]
    return ContentModel.fit(TrainingData.of(history, movies, SCALE))


@pytest.fixture(scope="module")
def counts(history: History) -> np.ndarray:
    return np.bincount(history.movies, minlength=N_MOVIES)


def fit(history, content, counts, settings=SETTINGS, **other) -> RankingModel:
    rows = HistoryRows(history, Weighting.of(SCALE, settings), N_MOVIES)
    return fit_ranking(rows, content, counts, SCALE, settings, **other)


@pytest.fixture(scope="module")
def model(history: History, content: ContentModel, counts: np.ndarray) -> RankingModel:
    return fit(history, content, counts)


def dense(history: History, left_out: tuple[int, ...] = ()) -> np.ndarray:
    """X of the fit, written out; users have 12 ratings each."""
    rows = np.zeros((N_USERS, N_MOVIES))
    for user in set(range(N_USERS)).difference(left_out):
        movies, stars = history.of(user)
        rows[user, movies] = (0.3 + 0.7 * (stars - 0.5) / 4.5) / 12**0.35
    return rows


def features(content: ContentModel, energy: np.ndarray) -> np.ndarray:
    """F of the fit, written out."""
    rows = np.zeros((N_MOVIES, content.n_terms))
    for i in range(N_MOVIES):
        entries = slice(content.offsets[i], content.offsets[i + 1])
        rows[i, content.terms[entries]] = content.weights[entries]
    return rows * np.sqrt(np.maximum(energy, np.quantile(energy[energy > 0], 0.1)))[:, None]


def ease(rows: np.ndarray, f: np.ndarray, settings: RankingSettings) -> np.ndarray:
    """B as Steck's paper has it."""
    alpha, users = settings.content_weight, (rows.any(axis=1)).sum()
    gram = rows.T @ rows + alpha * f @ f.T
    ridge = settings.regularization * (rows**2).sum() / users
    ridge *= (np.diag(gram) / np.diag(gram).mean()) ** settings.regularization_exponent
    inverse = np.linalg.inv(gram + np.diag(ridge))
    found = -inverse / np.diag(inverse)
    np.fill_diagonal(found, 0)
    return found


@pytest.mark.parametrize("k", [1, 6, 20])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"regularization": 0.5, "content_weight": 2.0, "regularization_exponent": 0.0},
        {"regularization_exponent": 1.0},
    ],
)
def test_is_ease_in_its_leading_directions(history, content, counts, k: int, more) -> None:
    settings = RankingSettings(n_factors=k, **more)
    model = fit(history, content, counts, settings)
    rows = dense(history)
    b = ease(rows, features(content, (rows**2).sum(axis=0)), settings)
    leading = np.linalg.svd(rows @ b)[2][:k].T
    assert model.inputs @ model.outputs.T == pytest.approx(b @ leading @ leading.T, abs=1e-5)
    assert model.outputs.T @ model.outputs == pytest.approx(np.eye(k), abs=1e-5)


def test_fewer_directions_come_close_to_ease(history, content, counts) -> None:
    rows = dense(history)
    b = ease(rows, features(content, (rows**2).sum(axis=0)), SETTINGS)
    leading = np.linalg.svd(rows @ b)[2][:6].T
    wanted = rows @ b @ leading @ leading.T
    errors = []
    for rank in (8, 16, 32):
        model = fit(history, content, counts, RankingSettings(n_factors=6, rank=rank))
        error = rows @ model.inputs @ model.outputs.T - wanted
        errors.append(float(np.linalg.norm(error) / np.linalg.norm(wanted)))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.05


def test_users_left_out_are_as_if_they_were_not_there(history, content) -> None:
    rows = HistoryRows(history, Weighting.of(SCALE, SETTINGS), N_MOVIES)
    some = rows.without(np.array([3, 4])).without(np.array([9]))
    energy, users = some.energy()
    matrix = dense(history, (3, 4, 9))
    assert users == N_USERS - 3
    assert energy == pytest.approx((matrix**2).sum(axis=0), rel=1e-5)
    directions = find_directions(some, content, SETTINGS)
    gram = directions.basis @ directions.ratings @ directions.basis.T
    assert gram == pytest.approx(matrix.T @ matrix, abs=1e-4)


def test_a_warm_start_finds_the_same(model, history, content, counts) -> None:
    rows = HistoryRows(history, Weighting.of(SCALE, SETTINGS), N_MOVIES)
    start = find_directions(rows.without(np.arange(5)), content, SETTINGS).basis
    again = fit(history, content, counts, start=lambda: start)
    assert again.inputs @ again.outputs.T == pytest.approx(model.inputs @ model.outputs.T, abs=1e-4)


def test_the_size_of_a_block_changes_nothing(model, history, content, counts, monkeypatch) -> None:
    monkeypatch.setattr(history_module, "_BLOCK", 7)
    monkeypatch.setattr(history_module, "_PORTION", 30)
    monkeypatch.setattr(module, "_ROWS", 7)
    monkeypatch.setattr(module, "_THREADS", 3)
    again = fit(history, content, counts)
    assert again.inputs @ again.outputs.T == pytest.approx(model.inputs @ model.outputs.T, abs=1e-4)


def test_what_was_saved_is_loaded_unchanged(model: RankingModel, tmp_path) -> None:
    model = dataclasses.replace(model, chosen={"trials": 3.0})
    with BundleWriter(tmp_path / "b") as writer:
        model.save(writer)
        again = RankingModel.load(writer)
    for name in ("inputs", "outputs", "popularity"):
        assert (getattr(again, name) == getattr(model, name)).all()
    for name in ("scale", "neutral", "popularity_exponent"):
        assert getattr(again, name) == getattr(model, name)
    assert again.chosen == model.chosen


def test_finds_the_group_of_somebody_new(model: RankingModel) -> None:
    profile = model.profile(np.array([0, 2, 4, 6]), np.full(4, 5.0, np.float32))
    scores = model.score(profile[None], slice(0, 38))[0]
    scores[[0, 2, 4, 6]] = -np.inf
    best = np.argsort(-scores)[:8]
    assert (best % 2 == 0).sum() >= 7


def test_movies_nobody_rated_have_a_vector_from_their_content(model: RankingModel) -> None:
    close = model.closeness(38, slice(0, 40))
    assert np.linalg.norm(model.inputs[38]) > 0
    assert np.linalg.norm(model.outputs[38]) > 0
    assert close[0:38:2].mean() > close[1:38:2].mean()
    profile = model.profile(np.array([0, 2, 4]), np.full(3, 5.0, np.float32))
    scores = model.score(profile[None], np.array([38, 39]))[0]
    assert scores[0] > scores[1]


@pytest.mark.parametrize("exponent", [0.0, -0.4])
def test_what_explains_a_score_adds_up_to_it(model, history: History, exponent: float) -> None:
    model = dataclasses.replace(model, popularity_exponent=exponent)
    for user in (0, 1, 30):
        rated = history.of(user)
        scores = model.score(model.profile(*rated)[None], slice(0, N_MOVIES))[0]
        for movie in range(0, N_MOVIES, 7):
            found = model.explain(*rated, movie)
            assert (found.indices == rated[0]).all()
            assert found.parts.sum() == pytest.approx(scores[movie], abs=1e-5)


def test_batches_equal_singles(model: RankingModel, history: History) -> None:
    profiles = np.stack([model.profile(*history.of(user)) for user in range(5)])
    together = model.score(profiles, slice(0, N_MOVIES))
    for user in range(5):
        for movies in (np.array([7, 3]), np.array([39])):
            alone = model.score(profiles[user : user + 1], movies)[0]
            assert alone == pytest.approx(together[user, movies], abs=1e-6)


@pytest.mark.parametrize("neutral", [-1 / 9, 1 / 6, 1 / 3])
def test_low_ratings_speak_against(neutral: float) -> None:
    nothing = np.zeros((0, 1), np.float32)
    model = RankingModel(SCALE, neutral, nothing, nothing, nothing)
    stars = np.array([0.5, 0.5 + 4.5 * max(neutral, 0.1), 5.0], np.float32)
    lowest, between, highest = model.weights(stars)
    assert lowest <= -1 / 6 + 1e-6
    assert lowest < between < highest
    assert between == pytest.approx(max(neutral, 0.1) - neutral, abs=1e-6)


def test_a_lower_exponent_prefers_the_less_well_known(model: RankingModel) -> None:
    profile = model.profile(np.array([0, 2]), np.full(2, 5.0, np.float32))[None]
    everything = slice(0, N_MOVIES)
    less = dataclasses.replace(model, popularity_exponent=-0.4).score(profile, everything)
    plain = dataclasses.replace(model, popularity_exponent=0.0).score(profile, everything)
    assert less == pytest.approx(plain * model.popularity**-0.4, rel=1e-5, abs=1e-7)


def test_progress(history, content, counts) -> None:
    told: list[float] = []
    fit(history, content, counts, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_more_factors_than_movies(history, content, counts) -> None:
    model = fit(history, content, counts, RankingSettings(n_factors=500, rank=500))
    assert model.inputs.shape == model.outputs.shape == (N_MOVIES, N_MOVIES)
    assert np.isfinite(model.inputs).all()
    assert np.isfinite(model.outputs).all()


def test_movies_of_which_nothing_is_known(history, counts) -> None:
    texts = [MovieText(i, "") for i in range(N_MOVIES)]
    silent = ContentModel.fit(TrainingData.of(history, texts, SCALE))
    model = fit(history, silent, counts)
    assert not model.inputs[38:].any()
    assert np.abs(model.outputs[38:]).max() < 1e-6
    assert np.isfinite(model.closeness(38, slice(0, N_MOVIES))).all()
