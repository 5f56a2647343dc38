"""The suite that every model of the registry passes; see `recommender.models.protocol`."""

import dataclasses
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from recommender.bundle import history as history_module
from recommender.bundle.bundle import Bundle
from recommender.bundle.catalogue import MovieText
from recommender.bundle.history import History
from recommender.bundle.writer import BundleWriter
from recommender.models import ranking_fit, stars_training
from recommender.models.content import ContentModel
from recommender.models.protocol import Explains, Model, PredictsStars, TrainingData
from recommender.models.registry import BASELINES, MODELS, SERVED
from recommender.models.stars import StarsModel

SCALE = (0.5, 5.0)
N_USERS, N_MOVIES = 80, 40
KB = 1024


def two_tastes(n_users: int, n_movies: int, seed: int = 1) -> TrainingData:
    """Half of the users like the even movies, the other half the odd ones, and their texts say
    which are which; everybody also rated movie 0, which is good."""
    rng = np.random.default_rng(seed)
    rows, stars = [], []
    for user in range(n_users):
        own = np.arange(1, n_movies) % 2 == user % 2
        chance = np.where(own, 6, 1) / np.where(own, 6, 1).sum()
        movies = np.sort(rng.choice(np.arange(1, n_movies), 12, replace=False, p=chance))
        rows.append(np.append(0, movies))
        stars.append(np.append(4.5, np.where(movies % 2 == user % 2, 4.5, 1.5)))
    history = History(
        np.arange(0, 13 * n_users + 1, 13),
        np.concatenate(rows).astype(np.int32),
        np.concatenate(stars).astype(np.float32),
    )
    kinds = ("Even", "Odd")
    texts = [
        MovieText(i, "", genres=(kinds[i % 2],), tags=(f"t{i % 50}",)) for i in range(n_movies)
    ]
    return TrainingData.of(history, texts, SCALE)


def fit(kind: type[Model], data: TrainingData) -> Model:
    """The model, with those trained before it that it may build on."""
    fitted: dict[str, Model] = {}
    for one in (*SERVED, kind):
        data = dataclasses.replace(data, fitted=dict(fitted))
        fitted[one.name] = one.fit(data)
        if one is kind:
            break
    return fitted[kind.name]


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return two_tastes(N_USERS, N_MOVIES)


@pytest.fixture(scope="module", params=[*SERVED, *BASELINES], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> type[Model]:
    return request.param


@pytest.fixture(scope="module")
def model(kind: type[Model], data: TrainingData) -> Model:
    return fit(kind, data)


@pytest.fixture(scope="module")
def profiles(model: Model, data: TrainingData) -> np.ndarray:
    return np.array([model.profile(*data.history.of(user)) for user in range(N_USERS)])


def test_names_are_different() -> None:
    assert len(MODELS) == len(SERVED) + len(BASELINES)


def test_the_answer_is_known(model: Model, data: TrainingData, profiles: np.ndarray) -> None:
    """The movies of one's own taste, or for a model without taste the movie that all rated."""
    scores = model.score(profiles, slice(0, N_MOVIES))
    if model.name in ("popularity", "damped_bias"):
        assert (scores.argmax(axis=1) == 0).all()
        return
    right = []
    for user, row in enumerate(scores):
        row[data.history.of(user)[0]] = -np.inf
        right.append((np.argsort(-row)[:5] % 2 == user % 2).mean())
    assert np.mean(right) > 0.8


def test_batches_equal_singles(model: Model, profiles: np.ndarray) -> None:
    whole = model.score(profiles, slice(0, N_MOVIES))
    assert whole.shape == (N_USERS, N_MOVIES)
    assert np.issubdtype(whole.dtype, np.floating)
    scale = max(1.0, float(np.abs(whole).max()))
    for movies in (slice(0, 1), slice(7, 23), np.array([39, 3, 3, 0]), np.zeros(0, np.int64)):
        some = model.score(profiles, movies)
        assert some == pytest.approx(whole[:, movies], abs=1e-5 * scale)
    alone = np.vstack([model.score(one[None], slice(0, N_MOVIES)) for one in profiles])
    assert alone == pytest.approx(whole, abs=1e-5 * scale)


def test_scores_may_be_changed(model: Model, profiles: np.ndarray) -> None:
    before = model.score(profiles, slice(0, N_MOVIES)).copy()
    model.score(profiles, slice(0, N_MOVIES))[:] = -np.inf
    assert (model.score(profiles, slice(0, N_MOVIES)) == before).all()


def test_somebody_unknown_has_scores(model: Model, profiles: np.ndarray) -> None:
    nobody = model.profile(np.zeros(0, np.int32), np.zeros(0, np.float32))
    assert nobody.shape == profiles[0].shape
    assert np.isfinite(model.score(nobody[None], slice(0, N_MOVIES))).all()


def test_a_bundle_gives_it_back(
    model: Model, profiles: np.ndarray, tiny_bundle: Path, tmp_path: Path
) -> None:
    info = dict(Bundle.open(tiny_bundle).manifest.info)
    with BundleWriter(tmp_path / "bundle") as writer:
        model.save(writer)
        written = type(model).load(writer)
        writer.commit(info | {"models": {model.name: writer.numbers(model.name)}})
    bundle = Bundle.open(tmp_path / "bundle")
    assert all(name.startswith(f"{model.name}_") for name in bundle.files)
    expected = model.score(profiles, slice(0, N_MOVIES))
    for again in (written, type(model).load(bundle)):
        assert (again.score(profiles, slice(0, N_MOVIES)) == expected).all()


def test_the_parts_add_up_to_the_score(model: Model, data: TrainingData) -> None:
    if not isinstance(model, Explains):
        assert model.name in ("stars", "popularity", "damped_bias")
        return
    for user in (0, 1, 50):
        movies, ratings = data.history.of(user)
        profile = model.profile(movies, ratings)[None]
        for movie in range(0, N_MOVIES, 7):
            found = model.explain(movies, ratings, movie)
            score = model.score(profile, np.array([movie])).item()
            assert found.parts.sum() == pytest.approx(score, abs=1e-4)
            assert len(found.indices) == len(found.parts)
            if found.kind == "movies":
                assert set(found.indices.tolist()) <= set(movies.tolist())


def test_predicted_stars_are_those_of_the_scores(
    model: Model, data: TrainingData, profiles: np.ndarray
) -> None:
    if not isinstance(model, PredictsStars):
        return
    if isinstance(model, StarsModel):
        profiles = np.array([model.user_profile(user) for user in range(N_USERS)])
    expected = np.clip(model.score(profiles, slice(0, N_MOVIES)), *SCALE)
    users, movies = np.divmod(np.arange(N_USERS * N_MOVIES), N_MOVIES)
    assert model.predict_pairs(users, movies) == pytest.approx(expected.ravel(), abs=1e-6)


def test_progress_ascends_to_the_end(kind: type[Model], data: TrainingData) -> None:
    told: list[float] = []
    content = {ContentModel.name: ContentModel.fit(data)}
    kind.fit(dataclasses.replace(data, fitted=content), None, told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_scoring_keeps_to_its_memory(kind: type[Model]) -> None:
    model = fit(kind, data := two_tastes(60, 4000))
    profiles = np.array([model.profile(*data.history.of(user)) for user in range(60)])
    model.score(profiles, slice(0, 10))  # what is loaded with the first call
    assert peak_of(lambda: model.score(profiles, slice(0, 4000))) <= (
        model.cell_bytes * 60 * 4000 + 512 * KB
    )


def test_training_grows_as_it_says(kind: type[Model], monkeypatch: pytest.MonkeyPatch) -> None:
    """With four times as many users and movies the peak rises by no more than `fit_memory`."""
    monkeypatch.setattr(history_module, "_BLOCK", 1024)
    for module in (ranking_fit, stars_training):  # so many rows are turned at a time
        monkeypatch.setattr(module, "_ROWS", 256)
    peaks, said = [], []
    for n_users, n_movies in ((500, 500), (2000, 2000)):
        data = two_tastes(n_users, n_movies)
        data = dataclasses.replace(data, fitted={ContentModel.name: ContentModel.fit(data)})
        peaks.append(peak_of(lambda data=data: kind.fit(data)))
        said.append(kind.fit_memory(n_users, n_movies, len(data.history.movies)))
    assert peaks[1] - peaks[0] <= 1.1 * (said[1] - said[0]) + 64 * KB


def peak_of(work) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
