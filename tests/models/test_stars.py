import numpy as np
import pandas as pd
import pytest
from surprise import SVD, Dataset, Reader

from recommender.bundle import history as history_module
from recommender.bundle.history import History
from recommender.core.errors import DataError, SettingsError
from recommender.core.progress import Progress
from recommender.models import stars_training
from recommender.models.protocol import TrainingData
from recommender.models.stars import StarsModel, StarsSettings

SCALE = (0.5, 5.0)
SETTINGS = StarsSettings(n_factors=6, n_epochs=20, initial_spread=0.3, random_state=3)


@pytest.fixture(scope="module")
def history() -> History:
    """80 users and 50 movies; user 3 and movie 7 have no ratings."""
    rng = np.random.default_rng(5)
    counts = rng.integers(1, 30, size=80)
    counts[3] = 0
    choices = np.delete(np.arange(50), 7)
    movies = [np.sort(rng.choice(choices, size=c, replace=False)) for c in counts]
    return History(
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate(movies).astype(np.int32),
        (rng.integers(1, 11, size=counts.sum()) / 2).astype(np.float32),
    )


@pytest.fixture(scope="module")
def taking_part(history: History) -> tuple[np.ndarray, np.ndarray]:
    counts = np.bincount(history.movies, minlength=50)
    return np.diff(history.offsets) >= 5, counts >= 22


def fit(
    history: History,
    users: np.ndarray,
    movies: np.ndarray,
    scale: tuple[float, float],
    settings: StarsSettings,
    *progress: Progress,
) -> StarsModel:
    counts = history.movie_counts(len(movies))
    data = TrainingData(history, [], counts, scale, users, movies)
    return StarsModel.fit(data, settings, *progress)


@pytest.fixture(scope="module")
def model(history: History, taking_part: tuple[np.ndarray, np.ndarray]) -> StarsModel:
    return fit(history, *taking_part, SCALE, SETTINGS)


@pytest.fixture(scope="module")
def stock(history: History, taking_part: tuple[np.ndarray, np.ndarray]) -> SVD:
    """Surprise as its own documentation uses it, on the same ratings and seed."""
    users = np.repeat(np.arange(history.n_users), np.diff(history.offsets))
    frame = pd.DataFrame({"user": users, "movie": history.movies, "rating": history.ratings})
    part = taking_part[0][frame.user] & taking_part[1][frame.movie]
    data = Dataset.load_from_df(frame[part], Reader(rating_scale=SCALE)).build_full_trainset()
    rates = {"lr_all": 0.03, "lr_bu": 0.003, "lr_bi": 0.003, "reg_all": 0.1, "init_std_dev": 0.3}
    return SVD(n_factors=6, n_epochs=20, random_state=3, **rates).fit(data)


def test_factors_are_those_of_stock_surprise(model: StarsModel, stock: SVD) -> None:
    assert model.global_mean == stock.trainset.global_mean
    users = [stock.trainset.to_raw_uid(inner) for inner in stock.trainset.all_users()]
    assert model.user_bias[users] == pytest.approx(stock.bu, abs=1e-12)
    assert model.user_factors[users] == pytest.approx(stock.pu, abs=1e-12)
    movies = [stock.trainset.to_raw_iid(inner) for inner in stock.trainset.all_items()]
    assert model.movie_bias[movies] == pytest.approx(stock.bi, abs=1e-12)
    assert model.movie_factors[movies] == pytest.approx(stock.qi, abs=1e-12)
    assert model.movie_known.sum() == stock.trainset.n_items


def test_the_size_of_a_block_changes_nothing(
    history: History, taking_part, model: StarsModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_BLOCK", 37)
    monkeypatch.setattr(history_module, "_PORTION", 41)
    monkeypatch.setattr(stars_training, "_ROWS", 7)
    again = fit(history, *taking_part, SCALE, SETTINGS)
    known = model.movie_known
    assert (again.movie_factors[known] == model.movie_factors[known]).all()
    # The Gram matrix, and who is folded in by way of it, are added up in another order.
    assert again.gram == pytest.approx(model.gram, rel=1e-12)
    assert again.movie_factors == pytest.approx(model.movie_factors, abs=1e-12)


def test_predictions_are_those_of_surprise(
    model: StarsModel, stock: SVD, taking_part: tuple[np.ndarray, np.ndarray]
) -> None:
    users, movies = map(np.flatnonzero, taking_part)
    expected = np.array([[stock.predict(u, m).est for m in movies] for u in users])
    profiles = np.array([model.user_profile(user) for user in users])
    assert model.clip(model.score(profiles, movies)) == pytest.approx(expected, abs=1e-12)
    whole = model.score(profiles, slice(0, 50))
    assert model.clip(whole)[:, movies] == pytest.approx(expected, abs=1e-12)
    pairs = np.repeat(users, len(movies)), np.tile(movies, len(users))
    assert model.predict_pairs(*pairs) == pytest.approx(expected.ravel(), abs=1e-12)


def test_clip(model: StarsModel) -> None:
    assert model.clip(np.array([-1.0, 3.2, 7.0])).tolist() == [0.5, 3.2, 5.0]


def test_what_is_nowhere_counts_as_average(
    model: StarsModel, stock: SVD, taking_part: tuple[np.ndarray, np.ndarray]
) -> None:
    user, movie = (int(np.flatnonzero(part)[0]) for part in taking_part)
    predicted = model.predict_pairs(np.array([-1, user, -1]), np.array([movie, -1, -1]))
    expected = [stock.predict(*pair).est for pair in (("?", movie), (user, "?"), ("?", "?"))]
    assert predicted == pytest.approx(expected, abs=1e-12)


def test_without_ratings_one_is_average(
    model: StarsModel, history: History, taking_part: tuple[np.ndarray, np.ndarray]
) -> None:
    users, _ = taking_part
    assert model.user_bias[3] == pytest.approx(model.user_bias[users].mean(), abs=1e-12)
    assert model.user_factors[3] == pytest.approx(model.user_factors[users].mean(axis=0), abs=1e-12)
    nothing = model.fold_in(np.zeros(0, np.int32), np.zeros(0, np.float32))
    assert nothing[0] == pytest.approx(model.user_bias[3], abs=1e-12)
    bias, factors = average_movie(model, history)
    assert model.movie_bias[7] == pytest.approx(bias, abs=1e-12)
    assert model.movie_factors[7] == pytest.approx(factors, abs=1e-12)


def average_movie(model: StarsModel, history: History) -> tuple[float, np.ndarray]:
    known = model.movie_known
    weights = 1 / np.bincount(history.movies, minlength=50)[known]
    weights /= weights.sum()
    return weights @ model.movie_bias[known], weights @ model.movie_factors[known]


def test_who_was_left_out_is_folded_in(
    model: StarsModel, history: History, taking_part: tuple[np.ndarray, np.ndarray]
) -> None:
    for user in np.flatnonzero(~taking_part[0]):
        movies, stars = history.of(user)
        trained = model.movie_known[movies]
        bias, factors = model.fold_in(movies[trained], stars[trained])
        assert model.user_bias[user] == bias
        assert (model.user_factors[user] == factors).all()


def test_movies_that_were_left_out_are_folded_in(
    model: StarsModel, history: History, monkeypatch: pytest.MonkeyPatch, taking_part
) -> None:
    users = np.repeat(np.arange(history.n_users), np.diff(history.offsets))
    average = average_movie(model, history)
    left_out = [m for m in np.flatnonzero(~taking_part[1]) if m in history.movies]
    for movie in left_out:
        rated = history.movies == movie
        rest = history.ratings[rated] - model.global_mean - model.user_bias[users[rated]]
        bias, factors = ridge(model.user_factors[users[rated]], rest, average, 2.0)
        assert model.movie_bias[movie] == pytest.approx(bias, abs=1e-12)
        assert model.movie_factors[movie] == pytest.approx(factors, abs=1e-12)
    assert len(left_out) > 5
    monkeypatch.setattr(stars_training, "_FOLD_RATINGS", 20)
    in_portions = fit(history, *taking_part, SCALE, SETTINGS)
    assert (in_portions.movie_factors == model.movie_factors).all()


def ridge(
    factors: np.ndarray, rest: np.ndarray, average: tuple[float, np.ndarray], weight: float
) -> tuple[float, np.ndarray]:
    """Ridge regression as least squares with a row of its own for each unknown."""
    unknown = factors.shape[1] + 1
    rows = np.vstack(
        [np.column_stack([np.ones(len(rest)), factors]), np.eye(unknown) * weight**0.5]
    )
    solved = np.linalg.lstsq(rows, np.append(rest, np.append(*average) * weight**0.5))[0]
    return solved[0], solved[1:]


def test_fold_in_is_ridge_regression(model: StarsModel) -> None:
    movies = np.array([1, 4, 9, 30])
    stars = np.array([5, 1, 2.5, 4], dtype=np.float32)
    bias, factors = model.fold_in(movies, stars)
    rest = stars - model.global_mean - model.movie_bias[movies]
    average = model.user_bias[3], model.user_factors[3]
    expected = ridge(model.movie_factors[movies], rest, average, 5.0)
    assert bias == pytest.approx(expected[0], abs=1e-9)
    assert factors == pytest.approx(expected[1], abs=1e-9)


def test_somebody_new_is_predicted_almost_as_well_as_somebody_trained() -> None:
    rng = np.random.default_rng(1)
    taste, kind = rng.choice([-1, 1], size=300), rng.choice([-1, 1], size=80)
    stars = 3 + 1.5 * np.outer(taste, kind) + rng.normal(0, 0.3, size=(300, 80))
    rated = np.array([np.sort(rng.choice(80, size=40, replace=False)) for _ in range(300)])
    ratings = np.take_along_axis(stars, rated, axis=1).astype(np.float32)
    all_of_it = History(np.arange(301) * 40, rated.ravel().astype(np.int32), ratings.ravel())
    trained = np.arange(300) < 200
    model = fit(all_of_it, trained, np.ones(80, bool), SCALE, StarsSettings(n_factors=4))
    profiles = np.array([model.user_profile(user) for user in range(300)])
    errors = np.abs(model.score(profiles, slice(0, 80)) - stars)
    unrated = np.ones_like(errors, dtype=bool)
    np.put_along_axis(unrated, rated, False, axis=1)
    new, old = errors[~trained][unrated[~trained]].mean(), errors[trained][unrated[trained]].mean()
    assert new < 1.2 * old < 0.6


def test_the_scale_changes_nothing(history: History, taking_part, model: StarsModel) -> None:
    larger = History(history.offsets, history.movies, history.ratings * 20)
    again = fit(larger, *taking_part, (10.0, 100.0), SETTINGS)
    users, movies = np.divmod(np.arange(80 * 50), 50)
    expected = model.predict_pairs(users, movies)
    assert again.predict_pairs(users, movies) / 20 == pytest.approx(expected, abs=1e-9)


def test_similarity_equals_brute_force_over_surprises_predictions(
    model: StarsModel, stock: SVD
) -> None:
    users = [stock.trainset.to_raw_uid(i) for i in stock.trainset.all_users()]
    movies = np.flatnonzero(model.movie_known)
    table = np.array([[stock.predict(u, m, clip=False).est for m in movies] for u in users])
    lengths = np.linalg.norm(table, axis=0)
    expected = (table.T @ table) / np.outer(lengths, lengths)
    for row, movie in enumerate(movies):
        found = np.concatenate(
            [model.similarity(movie, slice(0, 20)), model.similarity(movie, np.arange(20, 50))]
        )
        assert found[movies] == pytest.approx(expected[row], abs=1e-6)


def test_progress_goes_from_0_to_1(history: History, taking_part) -> None:
    told: list[float] = []
    fit(history, *taking_part, SCALE, SETTINGS, told.append)
    assert told == sorted(told)
    assert len(told) >= SETTINGS.n_epochs
    assert told[-1] == pytest.approx(1.0)


def test_nothing_to_train_on(history: History, taking_part) -> None:
    with pytest.raises(DataError, match="no rating is left"):
        fit(history, np.zeros(80, bool), taking_part[1], SCALE, SETTINGS)


def test_settings_that_make_it_run_off_are_refused(history: History, taking_part) -> None:
    settings = StarsSettings(n_factors=4, n_epochs=30, learning_rate=1000.0)
    with pytest.raises(SettingsError, match=r"grew without bound.*\(learning_rate is 1000\)"):
        fit(history, *taking_part, (0.5, 5.0), settings)
