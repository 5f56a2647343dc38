"""Fitting the ranking model: EASE in few directions, with content, out of core.

EASE (Steck, "Embarrassingly shallow autoencoders for sparse data", 2019) predicts each movie from
all others: it minimises ‖X − XB‖² + λ‖B‖² with a zero diagonal of B, where X has a row for each
user, and finds B from the movies × movies matrix G = XᵀX. Neither is made here:

1. A rating weighs from `lowest_weight` to 1 in X, and a row is divided by (its ratings)^0.35.
   Content joins as rows: G ← XᵀX + α·FFᵀ, F the TF-IDF weights times √ of each column's energy,
   so that a movie nobody rated is known by its content.
2. G ≈ VΣVᵀ + diag(r), as in factor analysis: V and Σ from subspace iteration over the ratings on
   disk, r the energy of a column that they leave. Then P = (G + Λ)⁻¹ = R⁻¹ − WWᵀ by Woodbury, R
   the diagonal r + Λ, and B = W·Zᵀ without its diagonal, Z the rows of W divided by diag(P). Λ is
   λ times a power of a column's energy, so that much rated movies, from which most can be
   predicted, do not drown the others (as in Steck, "Autoencoders that don't overfit towards the
   identity", 2020, where the power is 1).
3. The model is XB in its k leading directions O, the output vectors; B·O are the input vectors.
   This low rank ranks better than B itself (`docs/evaluation.md`).

All of 2 and 3 but the iteration follows from V and two K × K matrices, whatever λ, α and k are:
so these are cheap to choose (`ranking_choice`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from recommender.bundle.history import History
from recommender.core.progress import Progress, no_progress, scaled
from recommender.core.rows import Selection
from recommender.models.content import ContentModel
from recommender.models.ranking import RankingModel, RankingSettings

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# A user's row is divided by (number of ratings)^_ROW_POWER.
_ROW_POWER = 0.35
# Gives directions to begin with, once; None for random ones.
Start = Callable[[], np.ndarray | None]
# Passes over the ratings from a random start, and from where a similar iteration ended.
_PASSES, _WARM_PASSES = 6, 2
_ROWS = 2048
_THREADS = 2
_TINY = 1e-9


@dataclass(frozen=True)
class Weighting:
    """A weighting says how X follows from the ratings.

    Attributes:
        base, slope: a rating of r weighs base + slope · r.
    """

    base: float
    slope: float

    @classmethod
    def of(cls, scale: tuple[float, float], settings: RankingSettings) -> Weighting:
        """That of `settings`, for ratings of a scale."""
        low, high = scale
        slope = (1 - settings.lowest_weight) / (high - low)
        return cls(settings.lowest_weight - slope * low, slope)

    def __call__(self, ratings: np.ndarray) -> np.ndarray:
        """Return what ratings weigh, before users are scaled; shape of `ratings`."""
        return ratings * self.slope + self.base

    @staticmethod
    def squared_scale(counts: np.ndarray) -> np.ndarray:
        """Return the squares of what the rows of users with so many ratings are multiplied by;
        float32, 0 for users without ratings."""
        scale = np.maximum(counts, 1).astype(np.float32) ** np.float32(-2 * _ROW_POWER)
        return np.where(counts > 0, scale, np.float32(0))


class RatingRows(Protocol):
    """X: a row for each user, wherever the ratings are."""

    def energy(self) -> tuple[np.ndarray, int]:
        """Return the squared length of each column, float64, shape (movies,), and the number of
        users with ratings."""

    def add_gram(self, columns: np.ndarray, product: np.ndarray, progress: Progress) -> None:
        """Add XᵀX · columns to `product`; float32, both of shape (movies, width)."""

    def without(self, users: np.ndarray) -> RatingRows:
        """Return the same without the rows of `users`, ascending indices."""


class HistoryRows(RatingRows):
    """X, from the ratings on disk.

    Memory: 4 bytes for each user.
    """

    def __init__(
        self,
        history: History,
        weighting: Weighting,
        n_movies: int,
        scale: np.ndarray | None = None,
    ) -> None:
        self._history, self._weighting, self._n_movies = history, weighting, n_movies
        self._scale = weighting.squared_scale(np.diff(history.offsets)) if scale is None else scale

    def energy(self) -> tuple[np.ndarray, int]:
        energy = np.zeros(self._n_movies)
        for block in self._history.everything():
            squares = self._weighting(block.ratings) ** 2 * self._scale[block.users]
            energy += np.bincount(block.movies, weights=squares, minlength=len(energy))
        return energy, int(np.count_nonzero(self._scale))

    def add_gram(self, columns: np.ndarray, product: np.ndarray, progress: Progress) -> None:
        # Not at the top: serving does without what a compiler made.
        from recommender.models.passes import ranking_pass

        history, weighting, width = self._history, self._weighting, columns.shape[1]
        # Each thread has its own columns, so that the sums do not depend on how many there are.
        bounds = np.linspace(0, width, min(_THREADS, width) + 1).astype(int).tolist()
        with ThreadPoolExecutor(_THREADS) as pool:
            for first, last in history.portions():
                part = partial(ranking_pass, *history.arrays(), first, last)
                part = partial(part, self._scale, weighting.base, weighting.slope)
                part = partial(part, columns, product, width)
                passes = [pool.submit(part, *some) for some in itertools.pairwise(bounds)]
                for one in passes:
                    one.result()
                progress(last / history.n_users)

    def without(self, users: np.ndarray) -> HistoryRows:
        scale = self._scale.copy()
        scale[users] = 0
        return HistoryRows(self._history, self._weighting, self._n_movies, scale)


@dataclass(frozen=True)
class Directions:
    """G in its K leading directions, and the energy of its columns.

    Attributes:
        basis: Q, orthonormal columns, float32, shape (movies, K).
        ratings, content: QᵀXᵀXQ and QᵀFFᵀQ, float64, shape (K, K).
        energy, content_energy: diagonals of XᵀX and of FFᵀ, float64, shape (movies,).
        row_energy: mean squared length of a user's row.
    """

    basis: np.ndarray
    ratings: np.ndarray
    content: np.ndarray
    energy: np.ndarray
    content_energy: np.ndarray
    row_energy: float

    def solve(self, settings: RankingSettings) -> Solution:
        """Find B and its projection for `settings`, in time movies · K²."""
        alpha, k = settings.content_weight, min(settings.n_factors, self.basis.shape[1])
        values, rotation = np.linalg.eigh(self.ratings + alpha * self.content)
        values = np.maximum(values, max(values[-1], _TINY) * _TINY)
        left = self.energy + alpha * self.content_energy  # what the directions leave becomes R
        inner = np.diag(1 / values)
        ridge = _relative(left) ** settings.regularization_exponent
        ridge *= settings.regularization * self.row_energy
        for rows, basis in blocks(self.basis):
            vectors = basis @ rotation
            left[rows] = np.maximum(left[rows] - vectors**2 @ values, 0) + ridge[rows]
            inner += vectors.T @ (vectors / left[rows, None])
        to_w = rotation @ np.linalg.inv(np.linalg.cholesky(inner)).T
        squares, turned = np.linalg.eigh(self.ratings)
        root = turned * np.sqrt(np.maximum(squares, 0))
        # XB's right singular vectors are those of root · QᵀB: BᵀQ · root, turned.
        through = np.zeros_like(root)
        solution = Solution(self.basis, left, to_w, through, root, through)
        for rows, basis in blocks(self.basis):
            through += solution.parts(rows)[0].T @ basis
        through[:] = through @ root
        gram = np.zeros_like(root)
        for rows, _ in blocks(self.basis):
            images = solution.outputs(rows)
            gram += images.T @ images
        squares, turned = np.linalg.eigh(gram)
        squares, turned = squares[::-1][:k], turned[:, ::-1][:, :k]
        turned = turned / np.sqrt(np.maximum(squares, max(squares[0], _TINY) * _TINY))
        to_inputs = np.zeros((len(root), turned.shape[1]))
        solution = Solution(self.basis, left, to_w, through @ turned, root @ turned, to_inputs)
        for rows, _ in blocks(self.basis):
            _, z, diagonal = solution.parts(rows)
            to_inputs += z.T @ solution._outputs(rows, z, diagonal)
        return solution


@dataclass(frozen=True)
class Solution:
    """The vectors of all movies, made when they are asked for: rows of Q times small matrices.

    Attributes:
        basis: Q, shape (movies, K).
        left: the diagonal R, shape (movies,).
        to_w, through, root, to_inputs: small, see `Directions.solve`.
    """

    basis: np.ndarray
    left: np.ndarray
    to_w: np.ndarray
    through: np.ndarray
    root: np.ndarray
    to_inputs: np.ndarray

    def parts(self, rows: Selection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return W and Z for some movies, m of them, shape (m, K), and the diagonal of WZᵀ, shape
        (m, 1)."""
        left = self.left[rows][:, None]
        w = self.basis[rows] @ self.to_w / left
        squares = (w**2).sum(axis=1, keepdims=True)
        inverse = np.maximum(1 / left - squares, _TINY / left)  # the diagonal of P
        return w, w / inverse, squares / inverse

    def outputs(self, rows: Selection) -> np.ndarray:
        """Return the output vectors of some movies, m of them, shape (m, k)."""
        return self._outputs(rows, *self.parts(rows)[1:])

    def pair(self, rows: Selection) -> tuple[np.ndarray, np.ndarray]:
        """Return the input and the output vectors of some movies, m of them, shape (m, k)."""
        w, z, diagonal = self.parts(rows)
        outputs = self._outputs(rows, z, diagonal)
        return w @ self.to_inputs - diagonal * outputs, outputs

    def _outputs(self, rows: Selection, z: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
        return z @ self.through - diagonal * (self.basis[rows] @ self.root)

    def vectors(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the input and the output vectors of all movies, float32, shape (movies, k)."""
        inputs, outputs = np.empty((2, len(self.basis), self.root.shape[1]), np.float32)
        for rows, _ in blocks(self.basis):
            inputs[rows], outputs[rows] = self.pair(rows)
        return inputs, outputs


def blocks(array: np.ndarray, most: int = 0) -> Iterator[tuple[slice, np.ndarray]]:
    """Go through some rows at a time, `most` of them if it is not 0."""
    size = most or _ROWS
    for first in range(0, len(array), size):
        rows = slice(first, min(first + size, len(array)))
        yield rows, array[rows]


def no_start() -> np.ndarray | None:
    """Return no directions to begin with."""
    return None


def fit_ranking(
    rows: RatingRows,
    content: ContentModel,
    counts: np.ndarray,
    scale: tuple[float, float],
    settings: RankingSettings,
    progress: Progress = no_progress,
    start: Start = no_start,
) -> RankingModel:
    """Fit the ranking model.

    Memory: two arrays of 4·K bytes for each movie, then one, and two of 4·k; it does not grow with
    the number of ratings.

    Args:
        counts: how many ratings each movie has, shape (movies,).
        scale: lowest and highest rating.
        progress: told the fraction done, 0..1.
        start: gives directions of nearly the same ratings to begin with, shape (movies, K). It is
            asked only then, so that no caller holds them besides.
    """
    directions = find_directions(rows, content, settings, progress, start)
    inputs, outputs = directions.solve(settings).vectors()
    exponent = settings.popularity_exponent
    return RankingModel(scale, settings.neutral, inputs, outputs, popularity_of(counts), exponent)


def popularity_of(counts: np.ndarray) -> np.ndarray:
    """Return `RankingModel.popularity` for so many ratings; float32, at least 1."""
    return np.maximum(counts, 1).astype(np.float32)


def find_directions(
    rows: RatingRows,
    content: ContentModel,
    settings: RankingSettings,
    progress: Progress = no_progress,
    start: Start = no_start,
) -> Directions:
    """Find G's leading directions by randomized subspace iteration.

    Source: Halko, Martinsson and Tropp, "Finding structure with randomness", 2011, algorithm 4.4.
    """
    n_movies = content.n_movies
    energy, n_users = rows.energy()
    features, content_energy = _features(content, energy)
    basis, passes = start(), _WARM_PASSES
    if basis is None:
        rng = np.random.default_rng(settings.random_state)
        width = min(settings.rank, n_movies)
        basis = rng.standard_normal((n_movies, width), dtype=np.float32)
        passes = _PASSES
    for done in range(passes + 1):
        part = scaled(progress, done / (passes + 1), (done + 1) / (passes + 1))
        terms = features.T @ basis
        if done < passes:
            image = features @ (np.float32(settings.content_weight) * terms)
        else:
            image = np.zeros_like(basis)
        rows.add_gram(basis, image, part)
        if done < passes:
            basis = image
            _orthonormalize(basis)
    progress(1.0)
    return Directions(
        basis,
        _products(basis, image),
        (terms.T @ terms).astype(np.float64),
        energy,
        content_energy,
        float(energy.sum()) / max(1, n_users),
    )


def _features(content: ContentModel, energy: np.ndarray) -> tuple[csr_matrix, np.ndarray]:
    """F, and the diagonal of FFᵀ.

    Movies that nobody rated get the energy of one that was rated little, so that their content
    alone gives them vectors.
    """
    from scipy.sparse import csr_matrix

    floor = np.quantile(energy[energy > 0], 0.1) if energy.any() else 1.0
    lengths = np.diff(content.offsets)
    energy = np.where(lengths > 0, np.maximum(energy, floor), 0)
    weights = content.weights * np.repeat(np.sqrt(energy), lengths).astype(np.float32)
    shape = (len(energy), max(1, content.n_terms))
    return csr_matrix((weights, content.terms.astype(np.int32), content.offsets), shape), energy


def _relative(energy: np.ndarray) -> np.ndarray:
    """Return the energy of columns in units of their mean, never 0."""
    mean = energy[energy > 0].mean() if energy.any() else 1.0
    return np.maximum(energy / mean, _TINY)


def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """leftᵀ · right in 64 bits, made symmetric."""
    products = np.zeros((left.shape[1], right.shape[1]))
    for rows, some in blocks(left):
        products += some.astype(np.float64).T @ right[rows]
    return (products + products.T) / 2


def _orthonormalize(columns: np.ndarray) -> None:
    """Turn the columns, in place, into an orthonormal basis of what they span.

    By way of the eigenvectors of the small matrix of their dot products, in 64 bits, which needs
    no copy of the columns. What they span only by rounding comes out short instead of long.
    """
    squares, rotation = np.linalg.eigh(_products(columns, columns))
    rotation /= np.sqrt(np.maximum(squares, squares[-1] * 1e-12))
    for rows, some in blocks(columns):
        columns[rows] = some @ rotation
