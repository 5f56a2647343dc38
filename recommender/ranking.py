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

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recommender.bundle import Bundle, BundleWriter
from recommender.content import ContentModel
from recommender.history import History
from recommender.topn import Rows

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_ARRAYS = ("vectors", "popularity")
# Ratings above this share of the scale speak for a movie, those below against it.
_NEUTRAL = 1 / 3
# What the lowest rating counts when the space is shaped, the highest counting 1 more.
_CHOSEN = np.float32(0.1)
_USER_BLOCK = 8192
_OVERSAMPLING = 16
_PASSES = 12


@dataclass(frozen=True)
class RankingSettings:
    """How the ranking model is made; the defaults were chosen on a validation split.

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

    Memory: 4·(k+1) bytes for each movie, memory-mapped when read from a bundle.

    Attributes:
        scale: lowest and highest rating.
        rated_exponent, popularity_exponent: p and q, see `RankingSettings`.
        vectors: e_j, float32, shape (movies, k).
        popularity: number of ratings, at least 1, float32, shape (movies,).
    """

    scale: tuple[float, float]
    rated_exponent: float
    popularity_exponent: float
    vectors: np.ndarray
    popularity: np.ndarray

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> RankingModel:
        """The model that `bundle` holds, memory-mapped."""
        settings = bundle.info["settings"]["ranking"]
        low, high = bundle.info["data"]["scale"]
        return cls(
            (low, high),
            settings["rated_exponent"],
            settings["popularity_exponent"],
            *(bundle.array(f"ranking_{name}") for name in _ARRAYS),
        )

    def save(self, writer: BundleWriter) -> None:
        """Write the arrays."""
        for name in _ARRAYS:
            writer.save_array(f"ranking_{name}", getattr(self, name))

    def weights(self, movies: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """How much each rated movie counts: its stars above neutral, less for the much rated.

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
        """The person who gave these ratings, as a vector; float32, shape (k,)."""
        return self.weights(movies, ratings) @ self.vectors[movies]

    def scores(
        self, profiles: np.ndarray, movies: Rows, exponent: float | None = None
    ) -> np.ndarray:
        """Scores of some movies, m of them.

        Args:
            profiles: from `profile`, shape (n, k).
            exponent: another q than the model's; lower prefers the less well known.

        Returns:
            float32, shape (n, m).
        """
        exponent = self.popularity_exponent if exponent is None else exponent
        return (profiles @ self.vectors[movies].T) * self.popularity[movies] ** exponent

    def contributions(
        self, movies: np.ndarray, ratings: np.ndarray, movie: int, exponent: float | None = None
    ) -> np.ndarray:
        """What each rated movie adds to the score of `movie`; they sum up to it.

        Returns:
            float32, shape (n,).
        """
        exponent = self.popularity_exponent if exponent is None else exponent
        shares = self.weights(movies, ratings) * (self.vectors[movies] @ self.vectors[movie])
        return shares * self.popularity[movie] ** exponent

    def closeness(self, movie: int, movies: Rows) -> np.ndarray:
        """How well each of `movies`, m of them, answers "more like `movie`".

        e_i · e_j / √‖e_j‖ · pop_j^0.4: between the dot product, which finds what people go on to
        like but answers with the same famous movies every time, and the cosine, which finds the
        closest but often unknown ones (`docs/evaluation.md` has the figures).

        Returns:
            float32, shape (m,); 0 for a movie about which nothing is known.
        """
        many = self.vectors[movies]
        lengths = np.sqrt(np.linalg.norm(many, axis=1))
        dots = (many @ self.vectors[movie]) / np.maximum(lengths, np.finfo(np.float32).tiny)
        return dots * self.popularity[movies] ** np.float32(0.4)


def fit_ranking(
    history: History,
    content: ContentModel,
    counts: np.ndarray,
    scale: tuple[float, float],
    settings: RankingSettings,
    progress: Callable[[float], None] = lambda fraction: None,
) -> RankingModel:
    """Fit the ranking model by randomized subspace iteration over blocks of users.

    Source: Halko, Martinsson and Tropp, "Finding structure with randomness", 2011, algorithm 4.4.
    Memory: a few copies of movies × (k + 16) and one block of users; it does not grow with the
    number of ratings.

    Args:
        counts: how many ratings each movie has, shape (movies,).
        scale: lowest and highest rating.
        progress: told the fraction done, 0..1.
    """
    popularity = np.maximum(counts, 1).astype(np.float32)
    matrix = _StackedMatrix(history, content, popularity, scale, settings)
    k = min(settings.n_factors, len(popularity))
    width = min(k + _OVERSAMPLING, len(popularity))
    rng = np.random.default_rng(settings.random_state)
    basis = rng.standard_normal((len(popularity), width), dtype=np.float32)
    for done in range(_PASSES):
        basis, _ = np.linalg.qr(matrix.gram(basis))
        progress((done + 1) / (_PASSES + 1))
    image = matrix.gram(basis)
    squares, rotation = np.linalg.eigh((basis.T @ image).astype(np.float64))
    squares, rotation = squares[::-1][:k], rotation[:, ::-1][:, :k]
    squares = np.maximum(squares, 0)
    half = squares[min(settings.damping, k - 1)]
    damped = np.sqrt(squares / np.maximum(squares + half, np.finfo(float).tiny))
    vectors = (basis @ rotation.astype(np.float32)) * damped.astype(np.float32)
    progress(1.0)
    return RankingModel(
        scale,
        settings.rated_exponent,
        settings.popularity_exponent,
        np.ascontiguousarray(vectors),
        popularity,
    )


class _StackedMatrix:
    """M of the module's docstring, never written out: only MᵀM times a block of columns."""

    def __init__(
        self,
        history: History,
        content: ContentModel,
        popularity: np.ndarray,
        scale: tuple[float, float],
        settings: RankingSettings,
    ) -> None:
        from scipy.sparse import csr_matrix

        self._history = history
        self._low, self._span = np.float32(scale[0]), np.float32(scale[1] - scale[0])
        self._step = popularity**-settings.rated_exponent
        energy = np.zeros(len(popularity))
        for block in self._blocks():
            energy += np.bincount(block.indices, weights=block.data**2, minlength=len(popularity))
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

    def gram(self, columns: np.ndarray) -> np.ndarray:
        """MᵀM · columns, float32, shape of `columns`."""
        product = self._features @ (self._features.T @ columns)
        for block in self._blocks():
            product += block.T @ (block @ columns)
        return product

    def _blocks(self) -> Iterator[csr_matrix]:
        """The upper part of M by rows, some thousand users at a time."""
        from scipy.sparse import csr_matrix

        history = self._history
        for first in range(0, history.n_users, _USER_BLOCK):
            offsets = history.offsets[first : first + _USER_BLOCK + 1]
            part = slice(int(offsets[0]), int(offsets[-1]))
            offsets = offsets - offsets[0]
            movies = history.movies[part]
            # The lowest rating still says that the movie was chosen, so it counts a little.
            weights = (history.ratings[part] - self._low) / self._span + _CHOSEN
            rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
            sums = np.bincount(rows, weights=weights, minlength=len(offsets) - 1)
            weights = weights * self._step[movies] / np.sqrt(sums[rows]).astype(np.float32)
            yield csr_matrix(
                (weights.astype(np.float32), movies, offsets),
                shape=(len(offsets) - 1, len(self._step)),
            )
