import numpy as np
import pytest

pytest.importorskip("pyspark")

from recommender.models.stars import StarsModel
from recommender.models.stars_training import gram_of
from recommender.spark.blocks import UserBlock
from recommender.spark.user_rows import DAMPING, UserRows

K, SHRINKAGE = 3, 0.2
MOVIES = np.array([0, 1, 4, 2, 3, 3, 0, 4], np.int32)
STARS = np.array([5, 3.5, 1, 4, 2, 4.5, 2, 3], np.float32)
# Users 10, 12 (nothing known), 13 (takes no part) and 19.
BLOCK = UserBlock(
    np.array([10, 12, 13, 19], np.int32), np.array([3, 2, 1, 2], np.int32), MOVIES, STARS
)


@pytest.fixture(scope="module")
def side() -> UserRows:
    """Movies 2 and 3 are not known, but for user 13 nobody would have rated them alone."""
    rng = np.random.default_rng(2)
    model = StarsModel(
        global_mean=3.2,
        scale=(0.5, 5.0),
        user_bias=np.zeros(0),
        movie_bias=rng.normal(size=5),
        user_factors=np.zeros((0, K)),
        movie_factors=rng.normal(size=(5, K)),
        gram=gram_of(3.2, rng.normal(size=9), rng.normal(size=(9, K))),
        movie_known=np.array([True, True, False, False, True]),
    )
    users = np.ones(20, dtype=bool)
    users[13] = False
    return UserRows(model, users, SHRINKAGE)


def test_who_and_what_takes_part(side: UserRows) -> None:
    assert side.taken(BLOCK).tolist() == [True, True, True, False, False, False, True, True]
    assert side.trained(BLOCK).tolist() == [True, False, False, True]


def test_biases_are_damped_means(side: UserRows) -> None:
    rest, biases = side.residuals(BLOCK)
    left = STARS - 3.2 - side.model.movie_bias[MOVIES]
    assert rest == pytest.approx(np.where(side.taken(BLOCK), left, 0))
    expected = [left[:3].sum() / (3 + DAMPING), 0, 0, left[6:].sum() / (2 + DAMPING)]
    assert biases == pytest.approx(expected)


def test_trained_users_take_the_half_step(side: UserRows) -> None:
    biases, factors = side.rows(BLOCK, np.array([0, 3]))
    _, expected = side.residuals(BLOCK)
    assert biases == pytest.approx(expected[[0, 3]])
    for row, own in enumerate((slice(0, 3), slice(6, 8))):
        q, n = side.model.movie_factors[MOVIES[own]], own.stop - own.start
        left = STARS[own] - 3.2 - side.model.movie_bias[MOVIES[own]] - biases[row]
        rows = np.vstack([q, np.eye(K) * (SHRINKAGE * n) ** 0.5])
        solved = np.linalg.lstsq(rows, np.append(left, np.zeros(K)))[0]
        assert factors[row] == pytest.approx(solved)


def test_the_others_are_folded_in(side: UserRows) -> None:
    biases, factors = side.rows(BLOCK, np.array([1, 2]))
    nothing = side.model.fold_in(np.zeros(0, np.int32), np.zeros(0, np.float32))
    for row in range(2):
        assert biases[row] == nothing[0]
        assert (factors[row] == nothing[1]).all()
    knows = UserBlock(np.array([13]), np.array([3], np.int32), MOVIES[:3], STARS[:3])
    (bias,), (row,) = side.rows(knows, np.array([0]))
    expected = side.model.fold_in(MOVIES[:3], STARS[:3])
    assert bias == expected[0]
    assert (row == expected[1]).all()
