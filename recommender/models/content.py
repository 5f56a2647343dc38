"""The content model: TF-IDF over what is written about a movie.

The weights are scikit-learn's `TfidfVectorizer` (smoothed idf, rows of length 1); serving needs
only the finished weights, kept as plain arrays, and numpy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from recommender.bundle.catalogue import MovieText
from recommender.bundle.writer import BundleWriter
from recommender.core.progress import Progress, no_progress
from recommender.core.rows import Selection
from recommender.core.text_folding import fold
from recommender.models.protocol import (
    Contributions,
    ModelFiles,
    TrainingData,
)

_ARRAYS = ("offsets", "terms", "weights")
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")


@dataclass(frozen=True)
class ContentSettings:
    """Settings of the content model.

    Attributes:
        max_features: how many terms to keep, the most frequent first; at most 65,536.
    """

    max_features: int = 2000


@dataclass(frozen=True)
class ContentModel:
    """TF-IDF rows of all movies, each of length 1 (or empty, for a movie without any term).

    Memory: 6 bytes for each term of each movie, memory-mapped when read from a bundle.

    Attributes:
        n_terms: the number of columns.
        offsets: int64, shape (movies + 1,): where each movie's row begins.
        terms: uint16, shape (entries,): column numbers.
        weights: float32, shape (entries,): TF-IDF weights.
        vocabulary: the terms in column order, after `fit`; a model that was loaded has none, its
            terms are in the bundle's catalogue.
    """

    name: ClassVar[str] = "content"

    n_terms: int
    offsets: np.ndarray
    terms: np.ndarray
    weights: np.ndarray
    vocabulary: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        data: TrainingData,
        settings: ContentSettings | None = None,
        progress: Progress = no_progress,
    ) -> ContentModel:
        """Weigh the terms of `data.texts`; the ratings play no part."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        stop_words = _english_stop_words()
        vectorizer = TfidfVectorizer(
            analyzer=lambda movie: tokens(movie, stop_words),
            max_features=(settings or ContentSettings()).max_features,
            dtype=np.float32,
        )
        try:
            matrix = vectorizer.fit_transform(data.texts)
        except ValueError:  # scikit-learn's way to say that not one movie has a term
            return _empty(len(data.texts))
        matrix.sort_indices()
        progress(1.0)
        return cls(
            n_terms=matrix.shape[1],
            offsets=matrix.indptr.astype(np.int64),
            terms=matrix.indices.astype(np.uint16),
            weights=matrix.data,
            vocabulary=tuple(vectorizer.get_feature_names_out().tolist()),
        )

    @classmethod
    def fit_memory(
        cls, n_users: int, n_movies: int, n_ratings: int, settings: ContentSettings | None = None
    ) -> int:
        """Return 1,280 bytes for each movie: scikit-learn keeps all terms until it has counted
        them."""
        return 1280 * n_movies

    @classmethod
    def load(cls, files: ModelFiles) -> ContentModel:
        """Open the saved model, memory-mapped."""
        offsets, terms, weights = (files.array(f"content_{name}") for name in _ARRAYS)
        return cls(int(files.numbers(cls.name)["n_terms"]), offsets, terms, weights)

    def save(self, writer: BundleWriter) -> None:
        """Write the arrays and the number of terms."""
        for name in _ARRAYS:
            writer.save_array(f"content_{name}", getattr(self, name))
        writer.save_numbers(self.name, {"n_terms": self.n_terms})

    @property
    def n_movies(self) -> int:
        """Number of movies, those that nobody rated among them."""
        return len(self.offsets) - 1

    @property
    def cell_bytes(self) -> int:
        """Bytes that `score` takes for one profile and one movie, on average."""
        return 16 + 12 * len(self.terms) // max(1, self.n_movies)

    def weighted_sum(self, movies: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the weighted sum of some movies' rows, scaled to length 1 (or all 0).

        Args:
            movies: indices, shape (n,).
            weights: one for each movie, shape (n,).

        Returns:
            float32, shape (n_terms,).
        """
        entries, lengths = self._entries(movies)
        values = self.weights[entries] * np.repeat(weights, lengths)
        summed = np.bincount(self.terms[entries], weights=values, minlength=self.n_terms)
        length = np.linalg.norm(summed)
        return (summed / length if length > 0 else summed).astype(np.float32)

    def profile(self, movies: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """Return the taste of somebody: the rows of the movies that they rated at or above their
        own mean, weighted by the stars, scaled to length 1.

        Args:
            movies: indices, shape (n,).
            ratings: stars, shape (n,).

        Returns:
            float32, shape (n_terms,); all 0 for somebody without ratings.
        """
        if len(movies) == 0:
            return np.zeros(self.n_terms, dtype=np.float32)
        liked = ratings >= ratings.mean()
        return self.weighted_sum(movies[liked], ratings[liked])

    def score(self, profiles: np.ndarray, movies: Selection) -> np.ndarray:
        """Return the cosines between profiles and some movies, m of them.

        Args:
            profiles: rows of length 1, float32, shape (n, n_terms).

        Returns:
            float64 within 0..1, shape (n, m); 0 for a movie without terms.
        """
        entries, lengths = self._entries(movies)
        scores = np.zeros((len(profiles), len(lengths)))
        filled = np.flatnonzero(lengths)
        if len(filled):
            products = profiles.take(self.terms[entries], axis=1)
            products *= self.weights[entries]
            begins = (np.cumsum(lengths) - lengths)[filled]
            scores[:, filled] = np.add.reduceat(products, begins, axis=1, dtype=np.float64)
        return scores

    def explain(self, movies: np.ndarray, ratings: np.ndarray, movie: int) -> Contributions:
        """Return the terms of `movie` that are in somebody's profile, and what each adds to the
        cosine of the two."""
        profile = self.profile(movies, ratings)
        entries = slice(int(self.offsets[movie]), int(self.offsets[movie + 1]))
        parts = profile[self.terms[entries]].astype(np.float64) * self.weights[entries]
        return Contributions("terms", self.terms[entries][parts > 0], parts[parts > 0])

    def _entries(self, movies: Selection) -> tuple[Selection, np.ndarray]:
        """Return where the rows of `movies` stand in the arrays, and how long each is."""
        if isinstance(movies, slice):
            offsets = self.offsets[movies.start : movies.stop + 1]
            return slice(int(offsets[0]), int(offsets[-1])), np.diff(offsets)
        lengths = self.offsets[movies + 1] - self.offsets[movies]
        begins = self.offsets[movies] - np.cumsum(lengths) + lengths
        return np.repeat(begins, lengths) + np.arange(lengths.sum()), lengths


def tokens(movie: MovieText, stop_words: frozenset[str] = frozenset()) -> list[str]:
    """Return the terms of one movie: ``genre:drama``, ``decade:1990``, ``tag:…``, ``country:…``,
    ``cast:…`` and plain words of title, tags and plot.

    Korean words also give their pairs of syllables, so that a word meets itself with another
    particle behind it ("기생충" in "기생충은").
    """
    found = [f"genre:{fold(genre)}" for genre in movie.genres]
    if movie.year is not None:
        found.append(f"decade:{movie.year // 10 * 10}")
    found += [f"tag:{fold(tag)}" for tag in movie.tags]
    if movie.country:
        found.append(f"country:{fold(movie.country)}")
    found += [f"cast:{fold(name)}" for name in re.split(r"[|,;]", movie.cast or "") if name.strip()]
    for word in fold(" ".join([movie.title, *movie.tags, movie.plot or ""])).split():
        if _HANGUL.fullmatch(word):
            found.append(word)
            found += [word[i : i + 2] for i in range(len(word) - 1) if len(word) > 2]
        elif len(word) > 1 and word not in stop_words:
            found.append(word)
    return found


def _english_stop_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(ENGLISH_STOP_WORDS)


def _empty(n_movies: int) -> ContentModel:
    return ContentModel(
        n_terms=0,
        offsets=np.zeros(n_movies + 1, dtype=np.int64),
        terms=np.zeros(0, dtype=np.uint16),
        weights=np.zeros(0, dtype=np.float32),
    )
