"""Measures of lists of movies and of predicted stars.

A list is judged by the movies that its user rated well in the held-out part; `core.relevance` says
which these are, and has NDCG. Novelty: Vargas and Castells, "Rank and relevance in novelty and
diversity metrics for recommender systems", 2011 (mean self-information).
"""

from __future__ import annotations

import numpy as np

from recommender.core.relevance import NDCG_AT, ndcg

RECALL_AT = 20


def recall(top: np.ndarray, relevant: np.ndarray) -> float:
    """Recall@20 of one list: the share of the relevant movies that is in it, 0..1."""
    return float(np.isin(relevant, top[:RECALL_AT]).mean())


def self_information(counts: np.ndarray, n_users: int) -> np.ndarray:
    """−log₂ of the share of users who rated each movie; a movie without ratings counts as if it
    had one. Float64, shape (movies,)."""
    return -np.log2(np.maximum(counts, 1) / n_users)


class ListMetrics:
    """Collects the lists of many users, one by one.

    Memory: three numbers for each list, a flag for each movie.

    Args:
        information: from `self_information`, shape (movies,).
    """

    def __init__(self, information: np.ndarray) -> None:
        self._information = information
        self._seen = np.zeros(len(information), dtype=bool)
        self._values: dict[str, list[float]] = {"ndcg@10": [], "recall@20": [], "novelty": []}

    def add(self, top: np.ndarray, relevant: np.ndarray) -> None:
        """Take in one user's list and relevant movies."""
        self._values["ndcg@10"].append(ndcg(top, relevant))
        self._values["recall@20"].append(recall(top, relevant))
        if len(shown := top[:NDCG_AT]):
            self._values["novelty"].append(float(self._information[shown].mean()))
        self._seen[shown] = True

    def result(self) -> dict[str, np.ndarray]:
        """The values of all users by metric; ``coverage@10``, one value, is the share of all
        movies that is in anybody's first ten."""
        values = {name: np.array(found) for name, found in self._values.items()}
        return {**values, "coverage@10": np.array([self._seen.mean()])}


class StarsMetrics:
    """Collects the errors of predicted stars, block by block."""

    def __init__(self) -> None:
        self._count, self._absolute, self._squared = 0, 0.0, 0.0

    def add(self, predicted: np.ndarray, ratings: np.ndarray) -> None:
        """Take in some predictions and what was given."""
        errors = predicted - ratings
        self._count += len(errors)
        self._absolute += float(np.abs(errors).sum())
        self._squared += float((errors**2).sum())

    def result(self) -> dict[str, np.ndarray]:
        """RMSE and MAE, one value each."""
        count = max(1, self._count)
        return {
            "rmse": np.array([np.sqrt(self._squared / count)]),
            "mae": np.array([self._absolute / count]),
        }
