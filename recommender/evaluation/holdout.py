"""Hold-out splits: the ratings a model is trained on, and those it is judged by.

Both parts are written to disk as histories of their own and mapped, block by block, so a split
needs no more memory for 32 million ratings than for 100,000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recommender.bundle.history import History
from recommender.dataset.history_files import ArrayFile

SHARE = 0.2
_BLOCK = 1 << 18


@dataclass(frozen=True)
class Holdout:
    """Two histories with the numbering of the whole: every user and movie keeps its index."""

    train: History
    test: History


@dataclass(frozen=True)
class _Users:
    """Consecutive users with all their ratings.

    Attributes:
        ratings: where their ratings stand in the history.
        counts: how many ratings each has, shape (users,).
        rows: for each rating whose it is, counted from the first of these users.
    """

    ratings: slice
    counts: np.ndarray
    rows: np.ndarray


# Which of some users' ratings go into the train and which into the test part, two masks.
_Chooser = Callable[[_Users], tuple[np.ndarray, np.ndarray]]


def split_random(
    history: History,
    folder: Path,
    seed: int,
    taking_part: np.ndarray | None = None,
    share: float = SHARE,
) -> Holdout:
    """Hold out a random share of each user's ratings.

    Args:
        folder: where the two parts are written; created if needed.
        seed: where the random numbers start; the same seed gives the same split.
        taking_part: which users, bool, shape (users,); the others' ratings are in neither part.
        share: of each user's ratings, rounded to whole ones.
    """
    rng = np.random.default_rng(seed)
    first = 0

    def choose(users: _Users) -> tuple[np.ndarray, np.ndarray]:
        nonlocal first
        # Consecutive draws do not depend on how the users are cut into blocks.
        order = np.lexsort((rng.random(len(users.rows)), users.rows))
        rank = np.arange(len(users.rows)) - np.repeat(
            np.cumsum(users.counts) - users.counts, users.counts
        )
        test = np.empty(len(users.rows), dtype=bool)
        test[order] = rank < np.round(share * users.counts)[users.rows]
        last = first + len(users.counts)
        kept = np.ones_like(test) if taking_part is None else taking_part[first:last][users.rows]
        first = last
        return kept & ~test, kept & test

    return _split(history, folder, choose)


def split_by_time(
    history: History, times: np.ndarray, folder: Path, share: float = SHARE
) -> Holdout:
    """Train on the earliest ratings and hold out the latest share of all.

    The held-out ratings of users who have none in the train part are in neither part.

    Args:
        times: when each rating was given, int64, shape (ratings,).
        folder: where the two parts are written; created if needed.
    """
    latest = _quantile(times, 1 - share)

    def choose(users: _Users) -> tuple[np.ndarray, np.ndarray]:
        train = np.asarray(times[users.ratings]) <= latest
        known = np.bincount(users.rows[train], minlength=len(users.counts)) > 0
        return train, ~train & known[users.rows]

    return _split(history, folder, choose)


def _split(history: History, folder: Path, choose: _Chooser) -> Holdout:
    parts = [folder / name for name in ("train", "test")]
    for part in parts:
        part.mkdir(parents=True, exist_ok=True)
    counts: list[list[np.ndarray]] = [[], []]
    with ExitStack() as stack:
        files = [
            (
                stack.enter_context(ArrayFile(part / "history_movies.npy", "<i4")),
                stack.enter_context(ArrayFile(part / "history_ratings.npy", "<f4")),
            )
            for part in parts
        ]
        for users in _user_blocks(history):
            movies, ratings = history.movies[users.ratings], history.ratings[users.ratings]
            for chosen, pair, found in zip(choose(users), files, counts, strict=True):
                pair[0].append(movies[chosen])
                pair[1].append(ratings[chosen])
                found.append(np.bincount(users.rows[chosen], minlength=len(users.counts)))
    for part, found in zip(parts, counts, strict=True):
        offsets = np.concatenate([[0], np.cumsum(np.concatenate(found))]).astype(np.int64)
        np.save(part / "history_offsets.npy", offsets)
    return Holdout(*(History.open(part) for part in parts))


def _user_blocks(history: History) -> Iterator[_Users]:
    """All users in order, about 2^18 ratings at a time and never less than one user."""
    offsets, first = history.offsets, 0
    while first < history.n_users:
        last = int(np.searchsorted(offsets, offsets[first] + _BLOCK, side="right")) - 1
        last = max(last, first + 1)
        counts = np.diff(offsets[first : last + 1])
        rows = np.repeat(np.arange(last - first), counts)
        yield _Users(slice(int(offsets[first]), int(offsets[last])), counts, rows)
        first = last


def _quantile(times: np.ndarray, share: float) -> int:
    """The earliest time at or before which `share` of all lie, found without sorting them."""
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(times), _BLOCK)]
    low = min(int(times[block].min()) for block in blocks)
    high = max(int(times[block].max()) for block in blocks)
    wanted = share * len(times)
    while low < high:
        middle = (low + high) // 2
        if sum(int((times[block] <= middle).sum()) for block in blocks) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low
