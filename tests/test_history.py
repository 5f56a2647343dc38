import numpy as np
import pytest

from recommender import history as module
from recommender.history import History


@pytest.fixture
def history() -> History:
    """User 0 rated three movies, user 1 none, user 2 two, user 3 one."""
    return History(
        np.array([0, 3, 3, 5, 6]),
        np.array([0, 2, 3, 1, 2, 0], dtype=np.int32),
        np.array([5, 4, 3, 2, 1, 0.5], dtype=np.float32),
    )


def test_of(history: History) -> None:
    movies, ratings = history.of(2)
    assert movies.tolist() == [1, 2]
    assert ratings.tolist() == [2, 1]
    assert len(history.of(1)[0]) == 0
    assert history.n_users == 4


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_blocks_hold_every_rating_in_order(
    history: History, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK", size)
    blocks = list(history.blocks(np.ones(4, bool), np.ones(4, bool)))
    assert np.concatenate([b.users for b in blocks]).tolist() == [0, 0, 0, 2, 2, 3]
    assert np.concatenate([b.movies for b in blocks]).tolist() == [0, 2, 3, 1, 2, 0]
    assert np.concatenate([b.ratings for b in blocks]).tolist() == [5, 4, 3, 2, 1, 0.5]


def test_blocks_of_some_users_and_movies(history: History) -> None:
    users, movies = np.array([1, 1, 0, 1], bool), np.array([1, 0, 1, 0], bool)
    (block,) = history.blocks(users, movies)
    assert list(zip(block.users, block.movies, strict=True)) == [(0, 0), (0, 2), (3, 0)]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 100])
def test_portions_hold_every_user_once(
    history: History, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PORTION", size)
    users = [user for first, last in history.portions() for user in range(first, last)]
    assert users == [0, 1, 2, 3]
