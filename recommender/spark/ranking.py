"""The ranking model, fitted by a Spark cluster.

The same decomposition as in `recommender.models.ranking`; only MᵀM times a block of columns is
computed where the ratings are. What scales a user follows from the user's own ratings, so nothing
is kept for users.
"""

from __future__ import annotations

import numpy as np
from pyspark.sql import DataFrame

from recommender.core.progress import Progress, no_progress
from recommender.models.content import ContentModel
from recommender.models.protocol import TrainingData
from recommender.models.ranking import (
    RankingModel,
    RankingSettings,
    Weighting,
    decompose,
    popularity_of,
)
from recommender.spark.aggregation import aggregate
from recommender.spark.blocks import UserBlock


def fit_ranking(
    ratings: DataFrame,
    data: TrainingData,
    settings: RankingSettings,
    progress: Progress = no_progress,
) -> RankingModel:
    """Fit the ranking model by randomized subspace iteration; the same up to rounding as
    `RankingModel.fit`, whose source and settings it has.

    The ratings are read 14 times, once for each product with MᵀM, so they should be persisted.
    Memory: on the driver four arrays of 4·(k + 16) bytes for each movie; on an executor three such
    arrays and a block of ratings for each core.

    Args:
        ratings: packed blocks, see `spark.blocks`.
        data: its history is not read; the content model stays on the driver.
        progress: is given the fraction done, 0..1.
    """
    popularity = popularity_of(data.counts)
    rows = _ClusterRows(ratings, Weighting.of(popularity, data.scale, settings))
    content = data.model(ContentModel)
    return decompose(rows, content, popularity, data.scale, settings, progress)


class _ClusterRows:
    """The upper part of M, from the ratings on the executors; see `ranking.RatingRows`."""

    def __init__(self, ratings: DataFrame, weighting: Weighting) -> None:
        self._ratings = ratings
        self._weighting = weighting

    def energy(self) -> np.ndarray:
        sums = np.zeros((len(self._weighting.step), 1))
        aggregate(self._ratings, sums, self._weighting, _add_energy)
        return sums[:, 0] * self._weighting.step**2

    def add_gram(self, columns: np.ndarray, product: np.ndarray, progress: Progress) -> None:
        aggregate(self._ratings, product, (self._weighting, columns), _add_gram, progress)


def _add_energy(weighting: Weighting, block: UserBlock, sums: np.ndarray) -> None:
    weights = weighting(block.ratings)
    squares = weights**2 * _user_scale(block, weights)[block.rows]
    sums[:, 0] += np.bincount(block.movies, squares, len(sums))


def _add_gram(sent: tuple[Weighting, np.ndarray], block: UserBlock, sums: np.ndarray) -> None:
    from scipy.sparse import csr_matrix

    weighting, columns = sent
    weights = weighting(block.ratings)
    scaled = csr_matrix(
        (weights * weighting.step[block.movies], block.movies, block.offsets),
        shape=(len(block.users), len(sums)),
    )
    image = scaled @ columns
    image *= _user_scale(block, weights)[:, None]
    sums += scaled.T @ image


def _user_scale(block: UserBlock, weights: np.ndarray) -> np.ndarray:
    """D_u⁻¹ of a block's users; float32, shape (users,)."""
    sums = np.bincount(block.rows, weights, len(block.users))
    return np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0).astype(np.float32)
