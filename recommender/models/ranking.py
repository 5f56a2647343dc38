"""The ranking model: which movies a person would pick, from what the person rated.

Ordering by predicted stars answers another question, how much one would like what one picked, and
recommends worse than popularity does. This model is a linear autoencoder of low rank: each movie
has a vector by which it speaks as one that was rated, and another by which it is found. A person's
score for movie j is

    Σ_i (rating_i − neutral) · input_i · output_j      over the movies i that they rated,

a sum of one part for each rated movie, which is what the reasons show. Nothing is stored for
users, so somebody new is served like everybody else. `ranking_fit` says where the vectors come
from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from recommender.bundle.writer import BundleWriter
from recommender.core.progress import Progress, no_progress
from recommender.core.relevance import Relevant
from recommender.core.rows import Selection
from recommender.models.protocol import Contributions, ModelFiles, TrainingData

_ARRAYS = ("inputs", "outputs", "popularity")
# What the lowest rating counts at most: "not interested" is one, and must speak against.
_LOWEST = -1 / 6
# How far `obscured` lowers the popularity exponent at most.
MAX_OBSCURITY = 0.4


@dataclass(frozen=True)
class RankingSettings:
    """Settings of the ranking model, or those that a search for better ones begins with.

    Attributes:
        n_factors: k, the length of a movie's vectors.
        rank: K, in how many directions the ratings are summed up; fewer where memory is short.
        regularization: λ, in squared lengths of an average user's row.
        regularization_exponent: λ grows with this power of how much a movie was rated; 0: λ is
            the same for all movies.
        content_weight: α, how much content counts beside ratings.
        neutral: the share of the scale above which a rating speaks for a movie's like.
        lowest_weight: what the lowest rating counts in the fit, the highest counting 1.
        popularity_exponent: scores are multiplied by this power of a movie's popularity.
        random_state: where the random numbers start.
        choose_for: search for the settings by which lists have the most of these movies, see
            `ranking_choice`; None: use them as they are.
    """

    n_factors: int = 64
    rank: int = 192
    regularization: float = 3.5
    regularization_exponent: float = 0.25
    content_weight: float = 0.5
    neutral: float = 1 / 4
    lowest_weight: float = 0.3
    popularity_exponent: float = -0.15
    random_state: int = 0
    choose_for: Relevant | None = None


@dataclass(frozen=True)
class RankingModel:
    """Two vectors for each movie, rated or not; nothing for users.

    Memory: 4·(2k+1) bytes for each movie, memory-mapped when read from a bundle; to score a batch,
    8 bytes for each cell and 4·k for each movie.

    Attributes:
        scale: lowest and highest rating.
        neutral: see `RankingSettings`.
        inputs: the movies as rated ones, float32, shape (movies, k).
        outputs: the movies as they are found, float32, shape (movies, k).
        popularity: number of ratings, at least 1, float32, shape (movies,).
        popularity_exponent: scores are multiplied by this power of popularity; below 0 prefers the
            less well known.
        chosen: the settings that were chosen, and by how many users and with which figures.
    """

    name: ClassVar[str] = "ranking"
    cell_bytes: ClassVar[int] = 8

    scale: tuple[float, float]
    neutral: float
    inputs: np.ndarray
    outputs: np.ndarray
    popularity: np.ndarray
    popularity_exponent: float = 0.0
    chosen: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        data: TrainingData,
        settings: RankingSettings | None = None,
        progress: Progress = no_progress,
    ) -> RankingModel:
        """Fit the model; `data.fitted` must have the content.

        Memory: see `fit_memory`; it does not grow with the number of ratings.
        """
        # Not at the top: serving does without what training needs.
        from recommender.models.ranking_choice import train_ranking
        from recommender.models.ranking_fit import HistoryRows, Weighting

        def rows(weighting: Weighting) -> HistoryRows:
            return HistoryRows(data.history, weighting, data.n_movies)

        return train_ranking(rows, data, settings or RankingSettings(), progress)

    @classmethod
    def fit_memory(
        cls, n_users: int, n_movies: int, n_ratings: int, settings: RankingSettings | None = None
    ) -> int:
        """Return 8·(K + 38) bytes for each movie, 8 for each user, and 60 MB for the content
        features and SciPy."""
        settings = settings or RankingSettings()
        return 60 * 2**20 + 8 * (settings.rank + 38) * n_movies + 8 * n_users

    @classmethod
    def load(cls, files: ModelFiles) -> RankingModel:
        """Open the saved model, memory-mapped."""
        numbers = dict(files.numbers(cls.name))
        scale, neutral = (numbers.pop("low"), numbers.pop("high")), numbers.pop("neutral")
        exponent = numbers.pop("popularity_exponent")
        inputs, outputs, popularity = (files.array(f"ranking_{name}") for name in _ARRAYS)
        return cls(scale, neutral, inputs, outputs, popularity, exponent, numbers)

    def save(self, writer: BundleWriter) -> None:
        """Write the arrays, the scale, and what was chosen."""
        for name in _ARRAYS:
            writer.save_array(f"ranking_{name}", getattr(self, name))
        low, high = self.scale
        numbers = {"low": low, "high": high, "neutral": self.neutral}
        numbers["popularity_exponent"] = self.popularity_exponent
        writer.save_numbers(self.name, numbers | dict(self.chosen))

    def weights(self, ratings: np.ndarray) -> np.ndarray:
        """Return how much each rating counts: its share of the scale above `neutral`.

        The lowest rating always counts against, whatever `neutral` is.

        Args:
            ratings: stars, shape (n,).

        Returns:
            float32, shape (n,).
        """
        low, high = self.scale
        shares = (ratings - low) / (high - low)
        weights = np.where(shares > 0, shares - self.neutral, min(_LOWEST, -self.neutral))
        return weights.astype(np.float32)

    def profile(self, movies: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """Fold in the person who gave these ratings; a vector, float32, shape (k,)."""
        return self.weights(ratings) @ self.inputs[movies]

    def score(self, profiles: np.ndarray, movies: Selection) -> np.ndarray:
        """Return the scores of some movies, m of them; float32, shape (n, m)."""
        scores: np.ndarray = profiles @ self.outputs[movies].T
        if self.popularity_exponent:
            scores *= self.popularity[movies] ** np.float32(self.popularity_exponent)
        return scores

    def obscured(self, obscurity: float) -> RankingModel:
        """Return the model with its popularity exponent lowered by up to `MAX_OBSCURITY`."""
        exponent = self.popularity_exponent - MAX_OBSCURITY * obscurity
        return dataclasses.replace(self, popularity_exponent=exponent)

    def explain(self, movies: np.ndarray, ratings: np.ndarray, movie: int) -> Contributions:
        """Return what each rated movie adds to the score of `movie`."""
        shares = self.weights(ratings) * (self.inputs[movies] @ self.outputs[movie])
        shares *= self.popularity[movie] ** np.float32(self.popularity_exponent)
        return Contributions("movies", movies, shares)

    def closeness(self, movie: int, movies: Selection) -> np.ndarray:
        """Return how well each of `movies`, m of them, answers "more like `movie`".

        x_i · x_j / ‖x_j‖^¼ · pop_j^0.4 with the input vectors x: between the dot product, which
        finds what people go on to like but answers with the same famous movies every time, and
        the cosine, which finds the closest but often unknown ones (`docs/evaluation.md` has the
        figures).

        Returns:
            float32, shape (m,); 0 for a movie about which nothing is known.
        """
        many = self.inputs[movies]
        lengths = np.einsum("jk,jk->j", many, many) ** np.float32(0.125)
        dots = (many @ self.inputs[movie]) / np.maximum(lengths, np.finfo(np.float32).tiny)
        return dots * self.popularity[movies] ** np.float32(0.4)
