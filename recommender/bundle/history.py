"""The history: all ratings, user by user, in three arrays that may be larger than memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recommender.bundle.bundle import Bundle
from recommender.core.rows import Rows

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

    Attributes:
        offsets: int64, shape (users + 1,): where each user's ratings begin.
        movies: int32, shape (ratings,): movie indices.
        ratings: float32, shape (ratings,): stars.
    """

    offsets: np.ndarray
    movies: Rows
    ratings: Rows

    @classmethod
    def open(cls, folder: Path) -> History:
        """Open the arrays in `folder`, memory-mapped, to be read from beginning to end."""
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS))

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> History:
        """Open the histories that `bundle` holds in shards, to be read user by user."""
        offsets = bundle.array(ARRAYS[0], at_random=True)
        starts = offsets[[*bundle.first_users, len(offsets) - 1]].tolist()
        return cls(offsets, *(bundle.shards.rows(name, starts) for name in ARRAYS[1:]))

    @property
    def n_users(self) -> int:
        """Number of users with a history."""
        return len(self.offsets) - 1

    def of(self, user: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the movies that one user rated, ascending, and the stars; reads nothing else."""
        start, stop = self.offsets[user], self.offsets[user + 1]
        return self.movies[start:stop], self.ratings[start:stop]

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return offsets, movies and ratings of a history that is whole, for compiled passes.

        Raises:
            TypeError: it lies in shards.
        """
        if not (isinstance(self.movies, np.ndarray) and isinstance(self.ratings, np.ndarray)):
            raise TypeError("a history in shards has no whole arrays")
        return self.offsets, self.movies, self.ratings

    def movie_counts(self, n_movies: int) -> np.ndarray:
        """Return how many ratings each movie has; int64, shape (movies,)."""
        counts = np.zeros(n_movies, dtype=np.int64)
        for block in self.everything():
            counts += np.bincount(block.movies, minlength=n_movies)
        return counts

    def mean_rating(self) -> float:
        """Return the mean of all ratings, summed in 64 bits; 0 where there are none."""
        total = sum(float(block.ratings.sum(dtype=np.float64)) for block in self.everything())
        return total / max(1, len(self.ratings))

    def portions(self) -> Iterator[tuple[int, int]]:
        """Return all users as ranges (first, last + 1) that have about 2^22 ratings each."""
        ends = np.arange(_PORTION, int(self.offsets[-1]), _PORTION)
        inner = np.unique(np.searchsorted(self.offsets, ends))
        return itertools.pairwise([0, *inner.tolist(), self.n_users])

    def everything(self) -> Iterator[RatingBlock]:
        """Yield all ratings, in order, at most 2^18 at a time; no block is empty."""
        for start in range(0, len(self.movies), _BLOCK):
            stop = min(start + _BLOCK, len(self.movies))
            first = int(np.searchsorted(self.offsets, start, side="right")) - 1
            last = int(np.searchsorted(self.offsets, stop, side="left"))
            bounds = np.clip(self.offsets[first : last + 1], start, stop)
            rated_by = np.repeat(np.arange(first, last), np.diff(bounds))
            yield RatingBlock(rated_by, self.movies[start:stop], self.ratings[start:stop])

    def blocks(self, users: np.ndarray, movies: np.ndarray) -> Iterator[RatingBlock]:
        """Yield the ratings of some users and movies, in order, at most 2^18 at a time; blocks may
        be empty.

        Args:
            users: which users, bool, shape (users,).
            movies: which movies, bool, shape (movies,).
        """
        for block in self.everything():
            taken = users[block.users] & movies[block.movies]
            yield RatingBlock(block.users[taken], block.movies[taken], block.ratings[taken])
