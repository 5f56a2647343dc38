from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyspark")

from memory_toolkit.measure.sizes import MB
from recommender.bundle.history import History
from recommender.core.errors import DataError, SettingsError
from recommender.dataset import from_directory, import_dataset
from recommender.evaluation.holdout import split_random
from recommender.evaluation.metrics import StarsMetrics
from recommender.models.protocol import TrainingData
from recommender.models.ridge import MOVIE_RIDGE, ridge
from recommender.models.stars import StarsModel, StarsSettings
from recommender.models.stars_training import average_movie, gram_of
from recommender.spark import stars as module
from recommender.spark.stars import als_blocks, fit_stars, memory_per_core
from tests.conftest import ROOT
from tests.spark.packed import on_executors

SCALE = (0.5, 5.0)
N_USERS, N_MOVIES = 200, 80
SETTINGS = StarsSettings(n_factors=4, n_epochs=10)
NOBODY, ONE_RATING, ALL_UNKNOWN, RATED_ALL = 3, 5, 6, 7
UNKNOWN = 70  # the movies from here on take no part


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """The stars that each user would give each movie: two tastes, and a little noise."""
    rng = np.random.default_rng(1)
    taste, kind = rng.choice([-1, 1], size=N_USERS), rng.choice([-1, 1], size=N_MOVIES)
    stars = 3 + 1.5 * np.outer(taste, kind) + rng.normal(0, 0.3, size=(N_USERS, N_MOVIES))
    return np.clip(stars, *SCALE)


@pytest.fixture(scope="module")
def history(truth: np.ndarray) -> History:
    """Some ratings of each user; nobody rated movie 79."""
    rng = np.random.default_rng(2)
    rated = [np.sort(rng.choice(N_MOVIES - 1, 35, replace=False)) for _ in range(N_USERS)]
    rated[NOBODY] = np.zeros(0, np.int64)
    rated[ONE_RATING] = np.array([2])
    rated[ALL_UNKNOWN] = np.arange(UNKNOWN, N_MOVIES - 1)
    rated[RATED_ALL] = np.arange(N_MOVIES - 1)
    movies = np.concatenate(rated).astype(np.int32)
    users = np.repeat(np.arange(N_USERS), [len(one) for one in rated])
    offsets = np.append(0, np.cumsum([len(one) for one in rated]))
    return History(offsets, movies, truth[users, movies].astype(np.float32))


@pytest.fixture(scope="module")
def taking_part() -> tuple[np.ndarray, np.ndarray]:
    """The first 150 users, but not the one with one rating, and the first movies."""
    users = np.arange(N_USERS) < 150
    users[ONE_RATING] = False
    return users, np.arange(N_MOVIES) < UNKNOWN


@pytest.fixture(scope="module")
def ratings(spark, history: History, tmp_path_factory: pytest.TempPathFactory):
    path: Path = tmp_path_factory.mktemp("stars") / "ratings.parquet"
    return on_executors(spark, history, path)


@pytest.fixture(scope="module")
def told() -> list[float]:
    return []


@pytest.fixture(scope="module")
def model(ratings, history, taking_part, told: list[float]) -> StarsModel:
    return fit_stars(ratings, data_of(history, *taking_part), SETTINGS, told.append)


def data_of(
    history: History, users: np.ndarray, movies: np.ndarray, scale: tuple[float, float] = SCALE
) -> TrainingData:
    return TrainingData(history, [], history.movie_counts(len(movies)), scale, users, movies)


def predicted(model: StarsModel) -> np.ndarray:
    users, movies = np.divmod(np.arange(N_USERS * N_MOVIES), N_MOVIES)
    return model.predict_pairs(users, movies).reshape(N_USERS, N_MOVIES)


def test_predicts_what_nobody_rated(model, history, truth) -> None:
    unrated = np.ones_like(truth, dtype=bool)
    unrated[np.repeat(np.arange(N_USERS), np.diff(history.offsets)), history.movies] = False
    unrated[[NOBODY, ONE_RATING, ALL_UNKNOWN]] = unrated[:, -1] = False
    errors = (predicted(model) - truth)[unrated]
    biases = model.user_bias[:, None] + model.movie_bias + model.global_mean
    without = (np.clip(biases, *SCALE) - truth)[unrated]
    assert np.sqrt(np.mean(errors**2)) < np.sqrt(np.mean(without**2)) / 3


def test_predicts_as_well_as_the_local_engine(spark, tmp_path: Path) -> None:
    dataset = import_dataset(from_directory(ROOT / "data"), tmp_path)
    holdout = split_random(History.open(tmp_path), tmp_path / "split", seed=1)
    users = np.diff(holdout.train.offsets) >= 30
    movies = holdout.train.movie_counts(dataset.n_movies) >= 10
    data = data_of(holdout.train, users, movies, dataset.scale)
    ratings = on_executors(spark, holdout.train, tmp_path / "ratings.parquet")
    models = (
        StarsModel.fit(data),
        fit_stars(ratings, data, StarsSettings()),
    )
    ratings.unpersist()
    errors = [StarsMetrics(), StarsMetrics()]
    everybody, everything = np.ones_like(users), np.ones_like(movies)
    for block in holdout.test.blocks(everybody, everything):
        for error, model in zip(errors, models, strict=True):
            error.add(model.predict_pairs(block.users, block.movies), block.ratings)
    local, here = (float(error.result()["rmse"][0]) for error in errors)
    assert here == pytest.approx(local, abs=0.01)


def test_numbers_are_finite_and_users_on_disk(model: StarsModel) -> None:
    assert isinstance(model.user_bias, np.memmap)
    assert isinstance(model.user_factors, np.memmap)
    arrays = (model.user_bias, model.movie_bias, model.user_factors, model.movie_factors)
    assert [array.shape for array in arrays] == [(200,), (80,), (200, 4), (80, 4)]
    assert all(array.dtype == np.float64 and np.isfinite(array).all() for array in arrays)
    assert model.movie_known.tolist() == [movie < UNKNOWN for movie in range(N_MOVIES)]


def test_mean_and_gram_are_those_of_who_takes_part(model, history, taking_part) -> None:
    owners = np.repeat(np.arange(N_USERS), np.diff(history.offsets))
    taken = taking_part[0][owners] & taking_part[1][history.movies]
    assert model.global_mean == pytest.approx(history.ratings[taken].mean(dtype=np.float64))
    users = np.unique(owners[taken])
    assert NOBODY not in users
    assert ALL_UNKNOWN not in users
    expected = gram_of(model.global_mean, model.user_bias[users], model.user_factors[users])
    assert model.gram == pytest.approx(expected)


def test_who_was_left_out_is_folded_in(model: StarsModel, history: History) -> None:
    for user in (ONE_RATING, *range(150, 200)):
        movies, stars = history.of(user)
        bias, factors = model.fold_in(movies[movies < UNKNOWN], stars[movies < UNKNOWN])
        assert model.user_bias[user] == pytest.approx(bias)
        assert model.user_factors[user] == pytest.approx(factors)


@pytest.mark.parametrize("user", [NOBODY, ALL_UNKNOWN])
def test_who_rated_nothing_known_is_average(model: StarsModel, user: int) -> None:
    bias, factors = model.average_user
    assert model.user_bias[user] == pytest.approx(bias)
    assert model.user_factors[user] == pytest.approx(factors)


def test_movies_that_were_left_out_are_folded_in(model: StarsModel, history: History) -> None:
    owners = np.repeat(np.arange(N_USERS), np.diff(history.offsets))
    average = average_movie(model, np.bincount(history.movies, minlength=N_MOVIES))
    for movie in range(UNKNOWN, N_MOVIES):
        users = owners[history.movies == movie]
        left = history.ratings[history.movies == movie].astype(float) - model.global_mean
        rows = np.asarray(model.user_factors[users])
        bias, factors = ridge(rows, left - model.user_bias[users], average, MOVIE_RIDGE, 1.0)
        assert model.movie_bias[movie] == pytest.approx(bias)
        assert model.movie_factors[movie] == pytest.approx(factors)
    assert model.movie_bias[-1] == pytest.approx(average[0])  # nobody rated it


def test_the_size_of_a_portion_and_of_the_scale_change_nothing(
    spark, model, history, taking_part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FOLD_BYTES", 8 * 5 * 6 * 4)  # four movies at once
    monkeypatch.setattr(module, "_ROWS_PER_BATCH", 17)
    larger = History(history.offsets, history.movies, history.ratings * 20)
    ratings = on_executors(spark, larger, tmp_path / "ratings.parquet")
    again = fit_stars(
        ratings,
        data_of(larger, *taking_part, (10.0, 100.0)),  # type: ignore[call-arg]
        SETTINGS,
        folder=tmp_path,
    )
    ratings.unpersist()
    assert predicted(again) / 20 == pytest.approx(predicted(model), abs=1e-3)


def test_progress(model: StarsModel, told: list[float]) -> None:
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_nothing_to_train_on(ratings, history, taking_part) -> None:
    data = data_of(history, np.zeros(N_USERS, bool), taking_part[1])
    with pytest.raises(DataError, match="no rating is left"):
        fit_stars(ratings, data, SETTINGS)


def test_without_regularization_it_is_refused(ratings, history, taking_part) -> None:
    settings = StarsSettings(regularization=0.0)
    with pytest.raises(SettingsError, match="regularization 0: training on Spark"):
        fit_stars(ratings, data_of(history, *taking_part), settings)


def test_no_core_is_idle_and_none_has_too_much_to_hold(spark) -> None:
    million, gb = 1_000_000, 1 << 30
    assert als_blocks(million, 0, cores=8, room=gb) == 8
    # Those who are not there count as well.
    little = [als_blocks(100 * million, movies, 2, 0) for movies in (0, 100_000)]
    assert little == [24, 28]
    assert [als_blocks(100 * million, 0, 2, size * gb) for size in (1, 2, 4)] == [19, 10, 5]
    heap = 1024 * MB - 300 * MB  # see conftest, and what Spark sets aside
    assert memory_per_core(spark) == pytest.approx(0.6 * heap / 2, rel=0.05)
