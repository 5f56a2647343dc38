"""Results of the passes are tested with the models; here, that nothing outside of the arrays is
touched whatever they are told."""

from typing import Any

import numpy as np
import pytest

from recommender.models.passes import ranking_pass, stars_pass

K = 4


def history(**other: Any) -> dict[str, Any]:
    """Two users who rated two and one of three movies."""
    return {
        "offsets": np.array([0, 2, 3]),
        "movies": np.array([0, 2, 1], np.int32),
        "ratings": np.array([5, 1, 3], np.float32),
        "first": 0,
        "last": 2,
    } | other


def stars_arguments(**other: Any) -> dict[str, Any]:
    taken = {"user_taken": np.ones(2, bool), "movie_taken": np.ones(3, bool)}
    biases = {"user_bias": np.zeros(2), "movie_bias": np.zeros(3)}
    factors = {"user_factors": np.ones((2, K)), "movie_factors": np.ones((3, K)), "k": K}
    rates = dict.fromkeys(("mean", "bias_rate", "bias_shrinkage", "rate", "shrinkage"), 0.1)
    return history() | taken | biases | factors | rates | other


def ranking_arguments(**other: Any) -> dict[str, Any]:
    scale = {"user_scale": np.ones(2, np.float32), "base": 0.1, "slope": 0.2}
    table = np.ones((3, K), np.float32)
    columns = {"columns": table, "product": np.zeros_like(table), "width": K}
    return history() | scale | columns | {"left": 0, "right": K} | other


WRONG_HISTORIES: list[dict[str, Any]] = [
    {"offsets": np.array([0, 2])},
    {"offsets": np.array([0, 2, 4])},
    {"offsets": np.array([-1, 2, 3])},
    {"offsets": np.array([0, 4, 3])},
    {"ratings": np.zeros(2, np.float32)},
    {"movies": np.array([0, 3, 1], np.int32)},
    {"movies": np.array([0, -1, 1], np.int32)},
    {"first": -1},
    {"first": 2, "last": 1},
    {"last": 3},
]


@pytest.mark.parametrize(
    "wrong",
    [
        *WRONG_HISTORIES,
        {"movie_taken": np.ones(2, bool)},
        {"user_bias": np.zeros(3)},
        {"movie_bias": np.zeros(2)},
        {"user_factors": np.ones((1, K))},
        {"movie_factors": np.ones((3, K), np.float32)},
        {"k": K + 1},
        {"k": 0},
        {"k": 2, "user_factors": np.ones((2, 2)), "movie_factors": np.ones((3, 2))},
        {"k": 1004, "user_factors": np.ones((2, 1004)), "movie_factors": np.ones((3, 1004))},
    ],
)
def test_stars_arrays_that_do_not_fit_change_nothing(wrong: dict[str, Any]) -> None:
    arguments = stars_arguments(**wrong)
    before = {name: np.copy(value) for name, value in arguments.items()}
    with pytest.raises(ValueError, match=r"do not fit|out of range"):
        stars_pass(*arguments.values())
    for name, value in arguments.items():
        assert (value == before[name]).all()


@pytest.mark.parametrize(
    "wrong",
    [
        *WRONG_HISTORIES,
        {"user_scale": np.ones(3, np.float32)},
        {"columns": np.ones((3, K), np.float32).ravel()[:-1]},
        {"left": -1},
        {"left": K},
        {"left": 2, "right": 2},
        {"right": K + 1},
        {"product": np.zeros((2, K), np.float32)},
        {"columns": np.ones((3, K))},
        {"width": K + 1},
        {"width": 0},
    ],
)
def test_ranking_arrays_that_do_not_fit_change_nothing(wrong: dict[str, Any]) -> None:
    arguments = ranking_arguments(**wrong)
    with pytest.raises(ValueError, match=r"do not fit|out of range"):
        ranking_pass(*arguments.values())
    assert not arguments["product"].any()


def test_read_only_arrays_are_not_changed() -> None:
    factors = np.ones((2, K))
    factors.flags.writeable = False
    with pytest.raises(TypeError, match="read-write"):
        stars_pass(*stars_arguments(user_factors=factors).values())


def test_what_was_visited_is_counted() -> None:
    assert stars_pass(*stars_arguments().values()) == 3
    assert stars_pass(*stars_arguments(first=1).values()) == 1
    assert stars_pass(*stars_arguments(movie_taken=np.array([1, 0, 0], bool)).values()) == 1
    assert stars_pass(*stars_arguments(user_taken=np.array([0, 1], bool)).values()) == 1
    assert ranking_pass(*ranking_arguments().values()) == 2


@pytest.mark.parametrize("k", [4, 8, 20, 24])
def test_the_stars_pass_is_surprises_loop(k: int) -> None:
    rng = np.random.default_rng(k)
    n_users, n_movies, each = 3, 5, 40  # the same movie again and again, even twice in a row
    movies = rng.integers(0, n_movies, n_users * each).astype(np.int32)
    ratings = rng.integers(1, 6, len(movies)).astype(np.float32)
    taken = {"user_taken": np.array([1, 0, 1], bool), "movie_taken": np.arange(n_movies) != 2}
    arrays = [rng.normal(0, 0.3, shape) for shape in (n_users, n_movies, (n_users, k))]
    arrays.append(rng.normal(0, 0.3, (n_movies, k)))
    expected = [array.copy() for array in arrays]
    bu, bi, pu, qi = expected
    for at, (movie, rating) in enumerate(zip(movies, ratings, strict=True)):
        user = at // each
        if taken["user_taken"][user] and taken["movie_taken"][movie]:
            err = rating - (3.1 + bu[user] + bi[movie] + pu[user] @ qi[movie])
            bu[user] += 0.01 * (err - 0.2 * bu[user])
            bi[movie] += 0.01 * (err - 0.2 * bi[movie])
            p, q = pu[user].copy(), qi[movie].copy()
            pu[user] += 0.03 * (err * q - 0.1 * p)
            qi[movie] += 0.03 * (err * p - 0.1 * q)
    offsets = np.arange(0, len(movies) + 1, each)
    names = ("user_bias", "movie_bias", "user_factors", "movie_factors")
    rates = {"mean": 3.1, "bias_rate": 0.01, "bias_shrinkage": 0.2, "rate": 0.03, "shrinkage": 0.1}
    changed = dict(zip(names, arrays, strict=True)) | taken | rates | {"k": k}
    given = stars_arguments(
        offsets=offsets, movies=movies, ratings=ratings, last=n_users, **changed
    )
    stars_pass(*given.values())
    for found, wanted in zip(arrays, expected, strict=True):
        assert found == pytest.approx(wanted, abs=1e-12)


def test_the_ranking_pass_is_the_matrix_product() -> None:
    rng = np.random.default_rng(0)
    columns = rng.standard_normal((3, K)).astype(np.float32)
    users = rng.random(2).astype(np.float32)
    arguments = ranking_arguments(columns=columns, user_scale=users)
    w = np.array([[1.1, 0, 0.3], [0, 0.7, 0]])
    wanted = w.T @ np.diag(users) @ w @ columns
    ranking_pass(*(arguments | {"right": 1}).values())
    assert arguments["product"][:, :1] == pytest.approx(wanted[:, :1], abs=1e-6)
    assert not arguments["product"][:, 1:].any()
    ranking_pass(*(arguments | {"left": 1}).values())
    assert arguments["product"] == pytest.approx(wanted, abs=1e-6)


def test_users_without_scale_are_left_out() -> None:
    users = np.array([1, 0], np.float32)
    arguments = ranking_arguments(user_scale=users)
    ranking_pass(*arguments.values())
    assert not arguments["product"][1].any()
    assert arguments["product"][[0, 2]].all()
