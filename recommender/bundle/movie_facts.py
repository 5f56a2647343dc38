"""Facts of every movie in mapped arrays: year, genres, number, mean and spread of its ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recommender.bundle.bundle import Bundle
from recommender.bundle.writer import BundleWriter
from recommender.core.errors import NotFoundError

_ARRAYS = ("year", "genres", "count", "mean", "deviation")


@dataclass(frozen=True)
class MovieFacts:
    """Year, genres and ratings of all movies, as filters and lists need them.

    Memory: 14 bytes a movie and one bit for each genre, memory-mapped when read from a bundle.

    Attributes:
        genre_names: the genres, by name, in the order of their bits.
        year: int16, shape (movies,); 0 where it is unknown.
        genres: uint8, shape (movies, ceil(genres / 8)): one bit a genre, the lowest first.
        count: int32, shape (movies,): number of ratings.
        mean: float32, shape (movies,): mean rating; NaN without ratings.
        deviation: float32, shape (movies,): standard deviation of the ratings; 0 without any.
    """

    genre_names: tuple[str, ...]
    year: np.ndarray
    genres: np.ndarray
    count: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> MovieFacts:
        """Open the facts that `bundle` holds, memory-mapped."""
        arrays = (bundle.array(f"movie_{name}") for name in _ARRAYS)
        return cls(bundle.training.data.genres, *arrays)

    def save(self, writer: BundleWriter) -> list[str]:
        """Write the arrays; returns the genres, which belong into the manifest."""
        for name in _ARRAYS:
            writer.save_array(f"movie_{name}", getattr(self, name))
        return list(self.genre_names)

    @property
    def years(self) -> tuple[int, int]:
        """The first and the last year; (0, 0) if none is known."""
        known = self.year[self.year > 0]
        return (int(known.min()), int(known.max())) if len(known) else (0, 0)

    def has_genre(self, genre: str) -> np.ndarray:
        """Return which movies have a genre; bool, shape (movies,).

        Raises:
            NotFoundError: no movie has it.
        """
        try:
            bit = self.genre_names.index(genre)
        except ValueError:
            raise NotFoundError(
                f"no movie has the genre {genre!r}; there are: {', '.join(self.genre_names)}"
            ) from None
        return (self.genres[:, bit >> 3] >> (bit & 7)) & 1 == 1


def pack_genres(
    genres: Sequence[Sequence[str]], n_movies: int
) -> tuple[tuple[str, ...], np.ndarray]:
    """Return genres as `MovieFacts` stores them: the names, the most frequent first, and bits."""
    counts: dict[str, int] = {}
    for row in genres:
        for genre in row:
            counts[genre] = counts.get(genre, 0) + 1
    names = tuple(sorted(counts, key=lambda genre: (-counts[genre], genre)))
    bit = {genre: i for i, genre in enumerate(names)}
    packed = np.zeros((n_movies, (len(names) + 7) // 8), dtype=np.uint8)
    for i, row in enumerate(genres):
        for genre in row:
            packed[i, bit[genre] >> 3] |= 1 << (bit[genre] & 7)
    return names, packed
