"""Ids that movies have elsewhere: at IMDb and TMDB, as mapped arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recommender.bundle.bundle import Bundle
from recommender.bundle.writer import BundleWriter

_ARRAYS = ("imdb", "tmdb")
_IMDB_ID = re.compile(r"tt([0-9]{1,9})")


@dataclass(frozen=True)
class MovieLinks:
    """IMDb and TMDB ids of all movies.

    Memory: 8 bytes a movie, memory-mapped when read from a bundle.

    Attributes:
        imdb: int32, shape (movies,): the number in the IMDb id; 0 where it is unknown.
        tmdb: int32, shape (movies,): the TMDB id; 0 where it is unknown.
    """

    imdb: np.ndarray
    tmdb: np.ndarray

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> MovieLinks:
        """Open the links that `bundle` holds; a bundle without any knows no movie's."""
        if f"movie_{_ARRAYS[0]}.npy" not in bundle.files:
            unknown = np.broadcast_to(np.int32(0), bundle.training.data.movies)
            return cls(unknown, unknown)
        return cls(*(bundle.array(f"movie_{name}") for name in _ARRAYS))

    def save(self, writer: BundleWriter) -> None:
        """Write the arrays, if any movie has an id in them."""
        if self.imdb.any() or self.tmdb.any():
            for name in _ARRAYS:
                writer.save_array(f"movie_{name}", getattr(self, name))

    def imdb_id(self, movie: int) -> str | None:
        """Return the IMDb id of the movie with this index, such as ``tt0114709``."""
        number = int(self.imdb[movie])
        return f"tt{number:07d}" if number else None

    def tmdb_id(self, movie: int) -> int | None:
        """Return the TMDB id of the movie with this index."""
        return int(self.tmdb[movie]) or None

    def by_imdb_id(self, imdb_ids: Iterable[str]) -> dict[str, int]:
        """Return the index of the first movie that has each IMDb id, of those that a movie has.

        Memory: 8 bytes a movie while it runs.
        """
        wanted = {one: int(match[1]) for one in imdb_ids if (match := _IMDB_ID.fullmatch(one))}
        order = np.argsort(self.imdb, kind="stable").astype(np.int32)
        numbers = np.fromiter(wanted.values(), np.int32, len(wanted))
        places = np.searchsorted(self.imdb, numbers, sorter=order)
        found = order[np.minimum(places, len(order) - 1)] if len(order) else order
        return {
            one: movie
            for one, movie in zip(wanted, found.tolist(), strict=False)
            if wanted[one] and self.imdb[movie] == wanted[one]
        }
