"""The ranking model: which movies a person would pick, from what the person rated.

Ordering by predicted stars answers another question, how much one would like what one picked, and
recommends worse than popularity does. This model is a truncated SVD of the scaled rating matrix
with the content features stacked under it, so that ratings and content shape one space:

    M = [ D_u^-½ · W · D_i^-p ]    W: ratings as weights, D_u: their sum for each user,
        [ √(w·c) · Fᵀ         ]    D_i: ratings of each movie, F: TF-IDF, c: energy of a column

A person's score for movie j is pop_j^q · e_j · Σ_i weight_i · pop_i^-p · e_i over the movies i that
they rated: a sum of one part for each rated movie, which is what the reasons show. Nothing is
stored for users, so somebody new is served like everybody else.

Scaling by p: Christakopoulou and Karypis's EigenRec (Nikolakopoulos et al., 2019); damping of the
directions by s²/(s² + s_d²): the low-rank form of ridge regression, as in EASE (Steck, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from recommender.bundle.history import History
from recommender.bundle.writer import BundleWriter
from recommender.core.progress import Progress, no_progress
from recommender.core.rows import Selection
from recommender.models.content import ContentModel
from recommender.models.protocol import (
    Contributions,
    ModelFiles,
    TrainingData,
)

_ARRAYS = ("vectors", "popularity")
# Ratings above this share of the scale speak for a movie, those below against it.
_NEUTRAL = 1 / 3
# What the lowest rating counts when the space is shaped, the highest counting 1 more.
_CHOSEN = 0.1
_OVERSAMPLING = 16
_PASSES = 12
_ROWS = 8192


@dataclass(frozen=True)
class RankingSettings:
    """Settings of the ranking model; the defaults were chosen on a validation split.

    Attributes:
        n_factors: k, the length of a movie's vector.
        damping: d, the direction at which the damping reaches one half.
        content_weight: w, how much content counts beside ratings in shaping the space.
        rated_exponent: p, how far a much rated movie counts less among what a person rated.
        popularity_exponent: q, how far a much rated movie is preferred in the answer.
        random_state: where the random numbers of the decomposition start.
    """

    n_factors: int = 64
    damping: int = 16
    content_weight: float = 0.3
    rated_exponent: float = 0.3
    popularity_exponent: float = 0.2
    random_state: int = 0


@dataclass(frozen=True)
class RankingModel:
    """One vector for each movie, rated or not; nothing for users.

    Memory: 4·(k+1) bytes for each movie, memory-mapped when read from a bundle; to score a batch,
    8 bytes for each cell and 4·k for each movie.

    Attributes:
        scale: lowest and highest rating.
        rated_exponent, popularity_exponent: p and q, see `RankingSettings`.
        vectors: e_j, float32, shape (movies, k).
        popularity: number of ratings, at least 1, float32, shape (movies,).
    """

    name: ClassVar[str] = "ranking"
    cell_bytes: ClassVar[int] = 8

    scale: tuple[float, float]
    rated_exponent: float
    popularity_exponent: float
    vectors: np.ndarray
    popularity: np.ndarray

    @classmethod
    def fit(
        cls,
        data: TrainingData,
        settings: RankingSettings | None = None,
        progress: Progress = no_progress,
    ) -> RankingModel:
        """Fit the model by randomized subspace iteration; `data.fitted` must have the content.

        Source: Halko, Martinsson and Tropp, "Finding structure with randomness", 2011, algorithm
        4.4. Memory: see `fit_memory`; it does not grow with the number of ratings.
        """
        settings = settings or RankingSettings()
        popularity = popularity_of(data.counts)
        rows = _HistoryRows(data.history, Weighting.of(popularity, data.scale, settings))
        content = data.model(ContentModel)
        return decompose(rows, content, popularity, data.scale, settings, progress)

    @classmethod
    def fit_memory(
        cls, n_users: int, n_movies: int, n_ratings: int, settings: RankingSettings | None = None
    ) -> int:
        """Return 8·(k + 54) bytes for each movie, 8 for each user, and 50 MB for the content
        features and SciPy."""
        settings = settings or RankingSettings()
        return 50 * 2**20 + 8 * (settings.n_factors + 54) * n_movies + 8 * n_users

    @classmethod
    def load(cls, files: ModelFiles) -> RankingModel:
        """Open the saved model, memory-mapped."""
        numbers = files.numbers(cls.name)
        return cls(
            (numbers["low"], numbers["high"]),
            numbers["rated_exponent"],
            numbers["popularity_exponent"],
            *(files.array(f"ranking_{name}") for name in _ARRAYS),
        )

    def save(self, writer: BundleWriter) -> None:
        """Write the arrays, the scale and the exponents."""
        for name in _ARRAYS:
            writer.save_array(f"ranking_{name}", getattr(self, name))
        low, high = self.scale
        writer.save_numbers(
            self.name,
            {
                "rated_exponent": self.rated_exponent,
                "popularity_exponent": self.popularity_exponent,
                "low": low,
                "high": high,
            },
        )

    def weights(self, movies: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """Return the weight of each rated movie: its stars above neutral, less for the much rated.

        Args:
            movies: indices, shape (n,).
            ratings: stars, shape (n,).

        Returns:
            float32, shape (n,).
        """
        low, high = self.scale
        stars = (ratings - low) / (high - low) - _NEUTRAL
        return (stars * self.popularity[movies] ** -self.rated_exponent).astype(np.float32)

    def profile(self, movies: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """Return the person who gave these ratings as a vector; float32, shape (k,)."""
        return self.weights(movies, ratings) @ self.vectors[movies]

    def score(self, profiles: np.ndarray, movies: Selection) -> np.ndarray:
        """Return the scores of some movies, m of them; float32, shape (n, m)."""
        scores: np.ndarray = profiles @ self.vectors[movies].T
        scores *= self.popularity[movies] ** self.popularity_exponent
        return scores

    def explain(self, movies: np.ndarray, ratings: np.ndarray, movie: int) -> Contributions:
        """Return what each rated movie adds to the score of `movie`."""
        shares = self.weights(movies, ratings) * (self.vectors[movies] @ self.vectors[movie])
        shares *= self.popularity[movie] ** self.popularity_exponent
        return Contributions("movies", movies, shares)

    def closeness(self, movie: int, movies: Selection) -> np.ndarray:
        """Return how well each of `movies`, m of them, answers "more like `movie`".

        e_i · e_j / √‖e_j‖ · pop_j^0.4: between the dot product, which finds what people go on to
        like but answers with the same famous movies every time, and the cosine, which finds the
        closest but often unknown ones (`docs/evaluation.md` has the figures).

        Returns:
            float32, shape (m,); 0 for a movie about which nothing is known.
        """
        many = self.vectors[movies]
        lengths = np.einsum("jk,jk->j", many, many) ** np.float32(0.25)
        dots = (many @ self.vectors[movie]) / np.maximum(lengths, np.finfo(np.float32).tiny)
        return dots * self.popularity[movies] ** np.float32(0.4)


@dataclass(frozen=True)
class Weighting:
    """The upper part of M as it follows from the ratings.

    Attributes:
        base, slope: a rating of r weighs base + slope · r in W.
        step: D_i^-p, float32, shape (movies,).
    """

    base: float
    slope: float
    step: np.ndarray

    @classmethod
    def of(
        cls, popularity: np.ndarray, scale: tuple[float, float], settings: RankingSettings
    ) -> Weighting:
        """Make the weighting of `settings`, for movies with so many ratings."""
        slope = 1 / (scale[1] - scale[0])
        # The lowest rating still says that the movie was chosen, so it counts a little.
        return cls(_CHOSEN - slope * scale[0], slope, popularity**-settings.rated_exponent)

    def __call__(self, ratings: np.ndarray) -> np.ndarray:
        """Return W, without the scaling of users and movies; shape of `ratings`."""
        return ratings * self.slope + self.base


class RatingRows(Protocol):
    """The upper part of M: a row for each user, wherever the ratings are."""

    def energy(self) -> np.ndarray:
        """Return the squared length of each column; float64, shape (movies,)."""

    def add_gram(self, columns: np.ndarray, product: np.ndarray, progress: Progress) -> None:
        """Add MᵀM · columns to `product`; float32, both of shape (movies, width)."""


def popularity_of(counts: np.ndarray) -> np.ndarray:
    """Return `RankingModel.popularity` for movies with so many ratings."""
    return np.maximum(counts, 1).astype(np.float32)


def decompose(
    rows: RatingRows,
    content: ContentModel,
    popularity: np.ndarray,
    scale: tuple[float, float],
    settings: RankingSettings,
    progress: Progress,
) -> RankingModel:
    """Fit the model from the upper part of M, which alone knows the ratings; see
    `RankingModel.fit`."""
    matrix = _StackedMatrix(rows, content, popularity, settings)
    k = min(settings.n_factors, len(popularity))
    width = min(k + _OVERSAMPLING, len(popularity))
    rng = np.random.default_rng(settings.random_state)
    basis = rng.standard_normal((len(popularity), width), dtype=np.float32)
    for done in range(_PASSES):

        def tell(fraction: float, done: int = done) -> None:
            progress((done + fraction) / (_PASSES + 1))

        basis = matrix.gram(basis, tell)
        _orthonormalize(basis)
    image = matrix.gram(basis, lambda fraction: progress((_PASSES + fraction) / (_PASSES + 1)))
    squares, rotation = np.linalg.eigh((basis.T @ image).astype(np.float64))
    del image  # before there is another array of that size
    squares, rotation = squares[::-1][:k], rotation[:, ::-1][:, :k]
    squares = np.maximum(squares, 0)
    half = squares[min(settings.damping, k - 1)]
    rotation = rotation * np.sqrt(squares / np.maximum(squares + half, np.finfo(float).tiny))
    vectors = basis @ rotation.astype(np.float32)
    progress(1.0)
    return RankingModel(
        scale, settings.rated_exponent, settings.popularity_exponent, vectors, popularity
    )


def _orthonormalize(columns: np.ndarray) -> None:
    """Turn the columns, in place, into an orthonormal basis of what they span.

    By way of the eigenvectors of the small matrix of their dot products, in 64 bits, which needs
    no copy of the columns. What they span only by rounding comes out short instead of long.
    """
    dots = np.zeros((columns.shape[1], columns.shape[1]))
    for first in range(0, len(columns), _ROWS):
        rows = columns[first : first + _ROWS].astype(np.float64)
        dots += rows.T @ rows
    squares, rotation = np.linalg.eigh(dots)
    rotation /= np.sqrt(np.maximum(squares, squares[-1] * 1e-12))
    for first in range(0, len(columns), _ROWS):
        columns[first : first + _ROWS] = columns[first : first + _ROWS] @ rotation


class _StackedMatrix:
    """M of the module's docstring, never written out: only MᵀM times a block of columns."""

    def __init__(
        self,
        rows: RatingRows,
        content: ContentModel,
        popularity: np.ndarray,
        settings: RankingSettings,
    ) -> None:
        from scipy.sparse import csr_matrix

        self._rows = rows
        energy = rows.energy()
        # Movies that nobody rated get the energy of one that was rated once, so that their
        # content alone gives them a vector.
        once = energy[(energy > 0) & (popularity <= 1)]
        floor = np.median(once) if len(once) else energy[energy > 0].min(initial=1.0)
        weight = np.sqrt(settings.content_weight * np.maximum(energy, floor))
        lengths = np.diff(content.offsets)
        self._features = csr_matrix(
            (
                content.weights * np.repeat(weight, lengths).astype(np.float32),
                content.terms.astype(np.int32),
                content.offsets,
            ),
            shape=(len(popularity), max(1, content.n_terms)),
        )

    def gram(self, columns: np.ndarray, progress: Progress) -> np.ndarray:
        """Return MᵀM · columns, float32, shape of `columns`."""
        product: np.ndarray = self._features @ (self._features.T @ columns)
        self._rows.add_gram(columns, product, progress)
        return product


class _HistoryRows:
    """The upper part of M, from the ratings on disk."""

    def __init__(self, history: History, weighting: Weighting) -> None:
        self._history = history
        self._weighting = weighting
        self._user_scale = self._users()

    def energy(self) -> np.ndarray:
        energy = np.zeros(len(self._weighting.step))
        for block in self._history.everything():
            squares = self._weighting(block.ratings) ** 2 * self._user_scale[block.users]
            energy += np.bincount(block.movies, weights=squares, minlength=len(energy))
        return energy * self._weighting.step**2

    def add_gram(self, columns: np.ndarray, product: np.ndarray, progress: Progress) -> None:
        # Not at the top: serving does without what a compiler made.
        from recommender.models.passes import ranking_pass

        history, weighting = self._history, self._weighting
        for first, last in history.portions():
            ranking_pass(
                *(*history.arrays(), first, last),
                *(self._user_scale, weighting.step, weighting.base, weighting.slope),
                *(columns, product, columns.shape[1]),
            )
            progress(last / history.n_users)

    def _users(self) -> np.ndarray:
        """Return D_u⁻¹, and 0 for users without ratings; float32, shape (users,)."""
        sums = np.zeros(self._history.n_users)
        for block in self._history.everything():
            first = block.users[0]
            found = np.bincount(block.users - first, weights=self._weighting(block.ratings))
            sums[first : first + len(found)] += found
        return np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0).astype(np.float32)
