"""The ratings as the ranking model is fitted to them, on the executors of a Spark cluster.

The same fit as in `recommender.models.ranking_fit`; only XᵀX times a block of columns is computed
where the ratings are. What scales a user follows from the user's own ratings, so nothing is kept
for users.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame

from recommender.core.progress import Progress, no_progress
from recommender.models.protocol import TrainingData
from recommender.models.ranking import RankingModel, RankingSettings
from recommender.models.ranking_choice import train_ranking
from recommender.models.ranking_fit import RatingRows, Weighting
from recommender.spark.aggregation import aggregate
from recommender.spark.blocks import UserBlock


def fit_ranking(
    ratings: DataFrame,
    data: TrainingData,
    settings: RankingSettings,
    progress: Progress = no_progress,
) -> RankingModel:
    """Fit the ranking model; the same up to rounding as `RankingModel.fit`.

    Args:
        ratings: packed blocks, see `spark.blocks`.
        data: its history is read for the users by whom settings are chosen; the content model
            stays on the driver.
        progress: is given the fraction done, 0..1.
    """

    def rows(weighting: Weighting) -> ClusterRows:
        return ClusterRows(ratings, weighting, data.n_movies)

    return train_ranking(rows, data, settings, progress)


class ClusterRows(RatingRows):
    """X, from the ratings on the executors; see `ranking_fit.RatingRows`.

    Each product reads the ratings once, so they should be persisted. Memory: on the driver four
    arrays of 4·K bytes for each movie; on an executor three such arrays and a block of ratings for
    each core.

    Args:
        ratings: packed blocks, see `spark.blocks`.
        left_out: users whose rows are not in X, ascending.
    """

    def __init__(
        self,
        ratings: DataFrame,
        weighting: Weighting,
        n_movies: int,
        left_out: np.ndarray | None = None,
    ) -> None:
        self._ratings, self._weighting, self._n_movies = ratings, weighting, n_movies
        self._left_out = np.zeros(0, np.int32) if left_out is None else left_out

    def energy(self) -> tuple[np.ndarray, int]:
        sums = np.zeros((self._n_movies + 1, 1))
        aggregate(self._ratings, sums, _Sent(self._weighting, self._left_out), _add_energy)
        return sums[:-1, 0], round(sums[-1, 0])

    def add_gram(self, columns: np.ndarray, product: np.ndarray, progress: Progress) -> None:
        sent = _Sent(self._weighting, self._left_out, columns)
        aggregate(self._ratings, product, sent, _add_gram, progress)

    def without(self, users: np.ndarray) -> ClusterRows:
        left_out = np.union1d(self._left_out, users)
        return ClusterRows(self._ratings, self._weighting, self._n_movies, left_out)


@dataclass(frozen=True)
class _Sent:
    """Goes to the executors."""

    weighting: Weighting
    left_out: np.ndarray
    columns: np.ndarray | None = None

    def squared_scale(self, block: UserBlock) -> np.ndarray:
        scale = self.weighting.squared_scale(block.lengths)
        scale[np.isin(block.users, self.left_out)] = 0
        return scale


def _add_energy(sent: _Sent, block: UserBlock, sums: np.ndarray) -> None:
    scale = sent.squared_scale(block)
    squares = sent.weighting(block.ratings) ** 2 * scale[block.rows]
    sums[:-1, 0] += np.bincount(block.movies, squares, len(sums) - 1)
    sums[-1, 0] += np.count_nonzero(scale)


def _add_gram(sent: _Sent, block: UserBlock, sums: np.ndarray) -> None:
    from scipy.sparse import csr_matrix

    rows = csr_matrix(
        (sent.weighting(block.ratings), block.movies, block.offsets),
        shape=(len(block.users), len(sums)),
    )
    image = rows @ sent.columns
    image *= sent.squared_scale(block)[:, None]
    sums += rows.T @ image
