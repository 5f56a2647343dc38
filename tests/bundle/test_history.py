import ctypes
import mmap
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from recommender import Recommender
from recommender.bundle import history as module
from recommender.bundle import shards
from recommender.bundle.bundle import Bundle
from recommender.bundle.history import ARRAYS, History
from recommender.bundle.writer import BundleWriter


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


def pages_in_memory(array: np.ndarray) -> int:
    """Return how many pages of a file the system holds, mapped or not. Source: mincore(2)."""
    start = array.ctypes.data // mmap.PAGESIZE * mmap.PAGESIZE
    length = array.ctypes.data + array.nbytes - start
    marks = (ctypes.c_ubyte * -(-length // mmap.PAGESIZE))()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(length), marks) == 0
    return sum(mark & 1 for mark in marks)


@pytest.mark.skipif(sys.platform != "linux", reason="mincore and posix_fadvise")
def test_reading_one_user_does_not_read_the_file(
    tiny: Recommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, each = 5000, 200
    arrays = (
        np.arange(users + 1) * each,
        np.tile(np.arange(each, dtype=np.int32), users),
        np.ones(users * each, dtype=np.float32),
    )
    monkeypatch.setattr(shards, "MAX_USERS", 2000)
    with BundleWriter(tmp_path / "bundle") as writer:
        for name, array in zip(ARRAYS, arrays, strict=True):
            writer.save_array(name, array)
        for name in ("stars_user_bias", "stars_user_factors"):
            writer.save_array(name, np.zeros((users, 20)))
        writer.commit(tiny.bundle.manifest.info | {"shards": shards.split(writer.folder)})
    bundle = Bundle.open(tmp_path / "bundle")
    for name in bundle.files:
        with open(bundle.file(name)) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    history = History.from_bundle(bundle)
    mapped = [bundle.shards.arrays(number) for number in range(3)]
    if pages_in_memory(mapped[1]["history_movies"]):
        pytest.skip("the file system keeps its files in memory")
    movies, ratings = history.of(users // 2)
    assert movies.sum() == sum(range(each))
    assert ratings.sum() == each
    factors = bundle.shards.rows("stars_user_factors", [0, 2000, 4000, users])[users // 2]
    assert not factors.any()
    for name, most in (("history_movies", 2), ("history_ratings", 2), ("stars_user_factors", 1)):
        assert 1 <= pages_in_memory(mapped[1][name]) <= most
        assert pages_in_memory(mapped[0][name]) == pages_in_memory(mapped[2][name]) == 0
    # Where each shard begins, and where this user's ratings do.
    assert pages_in_memory(history.offsets) <= 4 + 2
