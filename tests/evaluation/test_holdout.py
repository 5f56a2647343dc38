from pathlib import Path

import numpy as np
import pytest

from recommender.bundle.history import History
from recommender.evaluation import holdout as holdout_module
from recommender.evaluation.holdout import split_by_time, split_random


@pytest.fixture(scope="module")
def history() -> History:
    """60 users with 0 to 30 ratings of 40 movies."""
    rng = np.random.default_rng(2)
    counts = rng.integers(0, 31, size=60)
    movies = [np.sort(rng.choice(40, size=count, replace=False)) for count in counts]
    return History(
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate(movies).astype(np.int32),
        (rng.integers(1, 11, size=counts.sum()) / 2).astype(np.float32),
    )


def triples(history: History) -> list[tuple[int, int, float]]:
    users = np.repeat(np.arange(history.n_users), np.diff(history.offsets))
    return list(zip(users.tolist(), history.movies.tolist(), history.ratings.tolist(), strict=True))  # type: ignore[attr-defined]


@pytest.mark.parametrize("share", [0.2, 0.25])
def test_random_split_takes_every_rating_once_and_a_share_of_each_user(
    history: History, tmp_path: Path, share: float
) -> None:
    parts = split_random(history, tmp_path, seed=1, share=share)
    assert sorted(triples(parts.train) + triples(parts.test)) == triples(history)
    counts = np.diff(history.offsets)
    assert np.diff(parts.test.offsets).tolist() == np.round(share * counts).astype(int).tolist()
    assert triples(parts.test) == sorted(triples(parts.test))


def test_random_split_is_the_seeds_and_not_the_blocks(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = triples(split_random(history, tmp_path / "one", seed=1).test)
    assert triples(split_random(history, tmp_path / "two", seed=2).test) != one
    monkeypatch.setattr(holdout_module, "_BLOCK", 17)  # less than some users have
    assert triples(split_random(history, tmp_path / "small", seed=1).test) == one


def test_random_split_of_some_users(history: History, tmp_path: Path) -> None:
    some = np.arange(60) % 3 == 0
    parts = split_random(history, tmp_path, 1, some)
    expected = [triple for triple in triples(history) if some[triple[0]]]
    assert sorted(triples(parts.train) + triples(parts.test)) == expected
    assert parts.train.n_users == parts.test.n_users == 60


@pytest.mark.parametrize("block", [7, 1 << 18])
def test_split_by_time(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(holdout_module, "_BLOCK", block)
    times = np.random.default_rng(3).integers(-50, 1000, size=len(history.movies))
    times[-30:] = 990  # whoever comes last has no train rating
    parts = split_by_time(history, times, tmp_path)
    threshold = np.sort(times)[int(np.ceil(0.8 * len(times))) - 1]
    both = list(zip(triples(history), times.tolist(), strict=True))
    train = [triple for triple, time in both if time <= threshold]
    known = {user for user, _, _ in train}
    test = [triple for triple, time in both if time > threshold]
    assert triples(parts.train) == train
    assert triples(parts.test) == [triple for triple in test if triple[0] in known]
    assert {user for user, _, _ in test} - known
