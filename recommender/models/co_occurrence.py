"""Co-occurrence: movies that the same people rated, whatever the stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recommender.bundle.writer import BundleWriter
from recommender.core.progress import Progress, no_progress
from recommender.core.rows import Selection
from recommender.models.protocol import (
    Contributions,
    ModelFiles,
    TrainingData,
)


@dataclass(frozen=True)
class CoOccurrence:
    """Scores a movie by its cosines with what a person rated, on who rated what.

    Source: Sarwar et al., "Item-based collaborative filtering recommendation algorithms", 2001.
    The table of all cosines, 4 bytes × movies², is never made: a profile holds how near the person
    is to each user of the data.

    Memory: 4 bytes a rating and 8 a movie; a profile takes 4 bytes a user, and a batch 12 bytes a
    cell and 12 bytes for each rating of its movies.

    Attributes:
        n_users: the width of a profile.
        offsets: int64, shape (movies + 1,): where the users of each movie begin.
        users: int32, shape (ratings,): who rated the movie, ascending.
    """

    name: ClassVar[str] = "co-occurrence"

    n_users: int
    offsets: np.ndarray
    users: np.ndarray

    @classmethod
    def fit(
        cls, data: TrainingData, settings: Any = None, progress: Progress = no_progress
    ) -> CoOccurrence:
        """Turn the history round, so that the users of a movie lie together."""
        offsets = np.concatenate([[0], np.cumsum(data.counts)]).astype(np.int64)
        users = np.empty(int(offsets[-1]), dtype=np.int32)
        filled = offsets[:-1].copy()
        for block in data.history.everything():
            order = np.argsort(block.movies, kind="stable")
            movies, counts = np.unique(block.movies, return_counts=True)
            within = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
            users[np.repeat(filled[movies], counts) + within] = block.users[order]
            filled[movies] += counts
            progress(int(filled.sum() - offsets[:-1].sum()) / max(1, len(users)))
        return cls(data.history.n_users, offsets, users)

    @classmethod
    def fit_memory(cls, n_users: int, n_movies: int, n_ratings: int, settings: Any = None) -> int:
        """Return 4 bytes for each rating and 24 for each movie."""
        return 4 * n_ratings + 24 * n_movies

    @property
    def cell_bytes(self) -> int:
        """Bytes that `score` takes for one profile and one movie, on average."""
        return 12 + 12 * len(self.users) // max(1, len(self.offsets) - 1)

    def profile(self, movies: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """Return the nearness to each user: Σ 1/‖i‖ over the movies i that both rated.

        Returns:
            float32, shape (n_users,).
        """
        counts, users = self._raters(movies)
        weights = np.repeat(self._scale(counts), counts)
        return np.bincount(users, weights, self.n_users).astype(np.float32)

    def score(self, profiles: np.ndarray, movies: Selection) -> np.ndarray:
        """Return sums of cosines; float32, shape (n, m)."""
        from scipy.sparse import csr_matrix

        counts, users = self._raters(movies)
        ends = np.concatenate([[0], np.cumsum(counts)])
        weights = np.repeat(self._scale(counts), counts)
        rated = csr_matrix((weights, users, ends), shape=(len(counts), self.n_users))
        return np.ascontiguousarray((rated @ profiles.T).T)

    def explain(self, movies: np.ndarray, ratings: np.ndarray, movie: int) -> Contributions:
        """Return the cosine of `movie` with each rated movie; they sum up to the score."""
        own, raters = self._raters(slice(movie, movie + 1))
        seen = np.zeros(self.n_users, dtype=bool)
        seen[raters] = True
        counts, users = self._raters(movies)
        rows = np.repeat(np.arange(len(counts)), counts)
        together = np.bincount(rows, seen[users], len(counts))
        return Contributions("movies", movies, together * self._scale(counts) * self._scale(own))

    def save(self, writer: BundleWriter) -> None:
        """Write the arrays."""
        writer.save_array("co-occurrence_offsets", self.offsets)
        writer.save_array("co-occurrence_users", self.users)
        writer.save_numbers(self.name, {"n_users": self.n_users})

    @classmethod
    def load(cls, files: ModelFiles) -> CoOccurrence:
        """Open the saved model, memory-mapped."""
        return cls(
            int(files.numbers(cls.name)["n_users"]),
            files.array("co-occurrence_offsets"),
            files.array("co-occurrence_users"),
        )

    def _raters(self, movies: Selection) -> tuple[np.ndarray, np.ndarray]:
        """Return how many users rated each movie, and these users, movie after movie."""
        if isinstance(movies, slice):
            offsets = self.offsets[movies.start : movies.stop + 1]
            return np.diff(offsets), self.users[offsets[0] : offsets[-1]]
        starts, stops = self.offsets[movies], self.offsets[movies + 1]
        pairs = zip(starts.tolist(), stops.tolist(), strict=True)
        users = [self.users[start:stop] for start, stop in pairs]
        return stops - starts, np.concatenate([self.users[:0], *users])

    @staticmethod
    def _scale(counts: np.ndarray) -> np.ndarray:
        """1 / ‖i‖ of movies with so many ratings, as float32."""
        return (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32)
