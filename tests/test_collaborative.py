import numpy as np
import pandas as pd
import pytest
from surprise import SVD, Dataset, Reader

from recommender import history as history_module
from recommender.collaborative import StarsModel, StarsSettings, fit_stars
from recommender.history import History

SCALE = (0.5, 5.0)
SETTINGS = StarsSettings(n_factors=6, n_epochs=8, random_state=3)


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
    return np.diff(history.offsets) >= 5, counts >= 10


@pytest.fixture(scope="module")
def model(history: History, taking_part: tuple[np.ndarray, np.ndarray]) -> StarsModel:
    return fit_stars(history, *taking_part, SCALE, SETTINGS)


@pytest.fixture(scope="module")
def stock(history: History, taking_part: tuple[np.ndarray, np.ndarray]) -> SVD:
    """Surprise as its own documentation uses it, on the same ratings and seed."""
    users = np.repeat(np.arange(history.n_users), np.diff(history.offsets))
    frame = pd.DataFrame({"user": users, "movie": history.movies, "rating": history.ratings})
    part = taking_part[0][frame.user] & taking_part[1][frame.movie]
    data = Dataset.load_from_df(frame[part], Reader(rating_scale=SCALE)).build_full_trainset()
    return SVD(n_factors=6, n_epochs=8, random_state=3).fit(data)


def test_factors_are_those_of_stock_surprise_bit_for_bit(model: StarsModel, stock: SVD) -> None:
    assert model.global_mean == stock.trainset.global_mean
    for inner in stock.trainset.all_users():
        user = stock.trainset.to_raw_uid(inner)
        assert model.user_bias[user] == stock.bu[inner]
        assert (model.user_factors[user] == stock.pu[inner]).all()
    for inner in stock.trainset.all_items():
        movie = stock.trainset.to_raw_iid(inner)
        assert model.movie_bias[movie] == stock.bi[inner]
        assert (model.movie_factors[movie] == stock.qi[inner]).all()
    assert model.movie_known.sum() == stock.trainset.n_items


def test_the_size_of_a_block_changes_nothing(
    history: History, taking_part, model: StarsModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_BLOCK", 37)
    again = fit_stars(history, *taking_part, SCALE, SETTINGS)
    assert (again.movie_factors == model.movie_factors).all()
    assert (again.gram == model.gram).all()


def test_predictions_are_those_of_surprise(model: StarsModel, stock: SVD, history: History) -> None:
    expected = np.array([[stock.predict(u, m).est for m in range(50)] for u in range(80)])
    predicted = model.clip(model.predict(np.arange(80), 0, 50))
    assert predicted == pytest.approx(expected, abs=1e-12)
    assert predicted.min() >= 0.5
    assert predicted.max() <= 5.0
    users, movies = np.divmod(np.arange(80 * 50), 50)
    assert model.predict_pairs(users, movies) == pytest.approx(expected.ravel(), abs=1e-12)


def test_unknown_users_and_movies_count_as_average(model: StarsModel, stock: SVD) -> None:
    predicted = model.predict_pairs(np.array([-1, 4, -1]), np.array([0, -1, -1]))
    expected = [stock.predict(*pair).est for pair in (("?", 0), (4, "?"), ("?", "?"))]
    assert predicted == pytest.approx(expected, abs=1e-12)


def test_similarity_equals_brute_force_over_surprises_predictions(
    model: StarsModel, stock: SVD
) -> None:
    users = [stock.trainset.to_raw_uid(i) for i in stock.trainset.all_users()]
    movies = np.flatnonzero(model.movie_known)
    table = np.array([[stock.predict(u, m, clip=False).est for m in movies] for u in users])
    lengths = np.linalg.norm(table, axis=0)
    expected = (table.T @ table) / np.outer(lengths, lengths)
    for row, movie in enumerate(movies):
        found = np.concatenate([model.similarity(movie, 0, 20), model.similarity(movie, 20, 50)])
        assert found[movies] == pytest.approx(expected[row], abs=1e-6)


def test_progress_goes_from_0_to_1(history: History, taking_part) -> None:
    told: list[float] = []
    fit_stars(history, *taking_part, SCALE, SETTINGS, told.append)
    assert told == sorted(told)
    assert len(told) == SETTINGS.n_epochs
    assert told[-1] == pytest.approx(1.0)


def test_nothing_to_train_on(history: History, taking_part) -> None:
    with pytest.raises(ValueError, match="no rating"):
        fit_stars(history, np.zeros(80, bool), taking_part[1], SCALE, SETTINGS)
