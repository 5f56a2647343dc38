"""Popularity: the most often rated movies for everybody, which any other model must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recommender.bundle.writer import BundleWriter
from recommender.core.progress import Progress, no_progress
from recommender.core.rows import Selection
from recommender.models.protocol import ModelFiles, TrainingData


@dataclass(frozen=True)
class Popularity:
    """Scores a movie by its number of ratings, the same for everybody.

    Memory: 8 bytes a movie, and 8 for each cell of a batch.

    Attributes:
        counts: how many ratings each movie has, int64, shape (movies,).
    """

    name: ClassVar[str] = "popularity"
    cell_bytes: ClassVar[int] = 8

    counts: np.ndarray

    @classmethod
    def fit(
        cls, data: TrainingData, settings: Any = None, progress: Progress = no_progress
    ) -> Popularity:
        """Take the number of ratings of each movie."""
        progress(1.0)
        return cls(data.counts.astype(np.int64))

    @classmethod
    def fit_memory(cls, n_users: int, n_movies: int, n_ratings: int, settings: Any = None) -> int:
        """Return 8 bytes for each movie."""
        return 8 * n_movies

    def profile(self, movies: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """Return an empty vector: nothing depends on the person."""
        return np.zeros(0)

    def score(self, profiles: np.ndarray, movies: Selection) -> np.ndarray:
        """Return the numbers of ratings; float64, shape (n, m)."""
        return np.tile(self.counts[movies].astype(np.float64), (len(profiles), 1))

    def save(self, writer: BundleWriter) -> None:
        """Write the counts."""
        writer.save_array("popularity_counts", self.counts)

    @classmethod
    def load(cls, files: ModelFiles) -> Popularity:
        """Open the saved model, memory-mapped."""
        return cls(files.array("popularity_counts"))
