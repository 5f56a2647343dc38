"""Who rated what: all ratings, user by user, in three arrays that may be larger than memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recommender.bundle.bundle import Bundle

ARRAYS = ("history_offsets", "history_movies", "history_ratings")
_BLOCK = 1 << 18
_PORTION = 1 << 22


@dataclass(frozen=True)
class RatingBlock:
    """Consecutive ratings: three arrays of one length."""

    users: np.ndarray
    movies: np.ndarray
    ratings: np.ndarray


@dataclass(frozen=True)
class History:
    """All ratings, sorted by user and then by movie (compressed sparse rows).

    From a bundle, movies and ratings are `shards.ShardedRows`, read like the arrays they stand for.

    Attributes:
        offsets: int64, shape (users + 1,): where each user's ratings begin.
        movies: int32, shape (ratings,): movie indices.
        ratings: float32, shape (ratings,): stars.
    """

    offsets: np.ndarray
    movies: np.ndarray
    ratings: np.ndarray

    @classmethod
    def open(cls, folder: Path) -> History:
        """The arrays in `folder`, memory-mapped, to be read from beginning to end."""
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS))

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> History:
        """The histories that `bundle` holds in shards, to be read user by user."""
        offsets = bundle.array(ARRAYS[0], at_random=True)
        starts = offsets[[*bundle.first_users, len(offsets) - 1]].tolist()
        return cls(offsets, *(bundle.shards.rows(name, starts) for name in ARRAYS[1:]))

    @property
    def n_users(self) -> int:
        return len(self.offsets) - 1

    def of(self, user: int) -> tuple[np.ndarray, np.ndarray]:
        """The movies that one user rated, ascending, and the stars; reads nothing else."""
        start, stop = self.offsets[user], self.offsets[user + 1]
        return self.movies[start:stop], self.ratings[start:stop]

    def portions(self) -> Iterator[tuple[int, int]]:
        """All users as ranges (first, last + 1) that have about 2^22 ratings each."""
        ends = np.arange(_PORTION, int(self.offsets[-1]), _PORTION)
        inner = np.unique(np.searchsorted(self.offsets, ends))
        return itertools.pairwise([0, *inner.tolist(), self.n_users])

    def everything(self) -> Iterator[RatingBlock]:
        """All ratings, in order, at most 2^18 at a time; no block is empty."""
        for start in range(0, len(self.movies), _BLOCK):
            stop = min(start + _BLOCK, len(self.movies))
            first = int(np.searchsorted(self.offsets, start, side="right")) - 1
            last = int(np.searchsorted(self.offsets, stop, side="left"))
            bounds = np.clip(self.offsets[first : last + 1], start, stop)
            rated_by = np.repeat(np.arange(first, last), np.diff(bounds))
            yield RatingBlock(rated_by, self.movies[start:stop], self.ratings[start:stop])

    def blocks(self, users: np.ndarray, movies: np.ndarray) -> Iterator[RatingBlock]:
        """The ratings of some users and movies, in order, at most 2^18 at a time; blocks may be
        empty.

        Args:
            users: which users, bool, shape (users,).
            movies: which movies, bool, shape (movies,).
        """
        for block in self.everything():
            taken = users[block.users] & movies[block.movies]
            yield RatingBlock(block.users[taken], block.movies[taken], block.ratings[taken])
