"""The content model: TF-IDF over what is written about a movie.

The weights are scikit-learn's `TfidfVectorizer` (smoothed idf, rows of length 1); serving needs
only the finished weights, kept as plain arrays, and numpy.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from recommender.bundle.bundle import Bundle, BundleWriter
from recommender.bundle.catalogue import MovieText
from recommender.core.text_folding import fold
from recommender.core.top_n import Rows

_ARRAYS = ("offsets", "terms", "weights")
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")


@dataclass(frozen=True)
class ContentModel:
    """TF-IDF rows of all movies, each of length 1 (or empty, for a movie without any term).

    Memory: 6 bytes for each term of each movie, memory-mapped when read from a bundle.

    Attributes:
        n_terms: the number of columns.
        offsets: int64, shape (movies + 1,): where each movie's row begins.
        terms: uint16, shape (entries,): column numbers.
        weights: float32, shape (entries,): TF-IDF weights.
    """

    n_terms: int
    offsets: np.ndarray
    terms: np.ndarray
    weights: np.ndarray

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> ContentModel:
        """The model that `bundle` holds, memory-mapped."""
        arrays = {name: bundle.array(f"content_{name}") for name in _ARRAYS}
        return cls(n_terms=bundle.info["content"]["n_terms"], **arrays)

    @classmethod
    def written(cls, writer: BundleWriter, n_terms: int) -> ContentModel:
        """The model that `writer` has saved, memory-mapped."""
        return cls(n_terms, *(writer.array(f"content_{name}") for name in _ARRAYS))

    def save(self, writer: BundleWriter) -> dict[str, int]:
        """Write the arrays; returns what belongs into the manifest under ``content``."""
        for name in _ARRAYS:
            writer.save_array(f"content_{name}", getattr(self, name))
        return {"n_terms": self.n_terms}

    @property
    def n_movies(self) -> int:
        return len(self.offsets) - 1

    @property
    def cell_bytes(self) -> int:
        """Bytes that `similarity` takes for one profile and one movie, on average."""
        return 16 + 12 * len(self.terms) // max(1, self.n_movies)

    def profile(self, movies: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The weighted sum of some movies' rows, scaled to length 1 (or all 0).

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

    def user_profile(self, movies: np.ndarray, ratings: np.ndarray) -> np.ndarray:
        """What a user likes: the rows of the movies rated at or above the user's own mean,
        weighted by their stars, scaled to length 1.

        Args:
            movies: indices, shape (n,).
            ratings: stars, shape (n,).

        Returns:
            float32, shape (n_terms,); all 0 for a user without ratings.
        """
        if len(movies) == 0:
            return np.zeros(self.n_terms, dtype=np.float32)
        liked = ratings >= ratings.mean()
        return self.profile(movies[liked], ratings[liked])

    def similarity(self, profiles: np.ndarray, movies: Rows) -> np.ndarray:
        """Cosine between profiles and some movies, m of them.

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

    def shared_terms(self, profile: np.ndarray, movie: int) -> tuple[np.ndarray, np.ndarray]:
        """The terms of `movie` that are in `profile`, and what each adds to their cosine.

        Returns:
            Column numbers and float64 parts, shapes (t,); the parts sum up to the cosine.
        """
        entries = slice(int(self.offsets[movie]), int(self.offsets[movie + 1]))
        parts = profile[self.terms[entries]].astype(np.float64) * self.weights[entries]
        return self.terms[entries][parts > 0], parts[parts > 0]

    def _entries(self, movies: Rows) -> tuple[Rows, np.ndarray]:
        """Where the rows of `movies` stand in `terms` and `weights`, and how long each is."""
        if isinstance(movies, slice):
            offsets = self.offsets[movies.start : movies.stop + 1]
            return slice(int(offsets[0]), int(offsets[-1])), np.diff(offsets)
        lengths = self.offsets[movies + 1] - self.offsets[movies]
        begins = self.offsets[movies] - np.cumsum(lengths) + lengths
        return np.repeat(begins, lengths) + np.arange(lengths.sum()), lengths


def fit_content(movies: Collection[MovieText], max_features: int) -> tuple[ContentModel, list[str]]:
    """Fit the model; returns it with its terms in column order.

    Args:
        movies: all movies, in index order.
        max_features: how many terms to keep, the most frequent first; at most 65,536.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    stop_words = _english_stop_words()
    vectorizer = TfidfVectorizer(
        analyzer=lambda movie: tokens(movie, stop_words),
        max_features=max_features,
        dtype=np.float32,
    )
    try:
        matrix = vectorizer.fit_transform(movies)
    except ValueError:  # scikit-learn's way to say that not one movie has a term
        return _empty(len(movies)), []
    matrix.sort_indices()
    model = ContentModel(
        n_terms=matrix.shape[1],
        offsets=matrix.indptr.astype(np.int64),
        terms=matrix.indices.astype(np.uint16),
        weights=matrix.data,
    )
    return model, vectorizer.get_feature_names_out().tolist()


def tokens(movie: MovieText, stop_words: frozenset[str] = frozenset()) -> list[str]:
    """The terms of one movie: ``genre:drama``, ``decade:1990``, ``tag:…``, ``country:…``,
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
