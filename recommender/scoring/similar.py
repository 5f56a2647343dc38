"""Movies similar to one, by each of the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from recommender.core.errors import NotFoundError, SettingsError
from recommender.core.top_n import TopN
from recommender.scoring.scorer import HybridScorer

Method = Literal["content", "collaborative", "hybrid", "predicted"]
METHODS: tuple[Method, ...] = ("content", "collaborative", "hybrid", "predicted")
# The best of them on held-out ratings, see `docs/evaluation.md`.
DEFAULT_METHOD: Method = "hybrid"
# With fewer ratings a movie's closeness to others is as much chance: content takes its place, the
# more the fewer they are.
_ENOUGH_RATINGS = 3


def check_method(method: Method, methods: tuple[Method, ...]) -> None:
    """Check that `method` is one of `methods`, those that are on.

    Raises:
        SettingsError: it is off.
        ValueError: there is no such method.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    if method not in methods:
        raise SettingsError(
            f"method {method!r} is off; use 'content', or set MATINEE_COLLABORATIVE_SIMILARITY=true"
        )


def most_similar(
    scorer: HybridScorer, movie: int, n: int, method: Method, allowed: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The n movies most similar to `movie`, best first, and their similarities.

    Args:
        method: ``"content"``: cosine of the TF-IDF rows. ``"collaborative"``: closeness in the
            ranking model (`RankingModel.closeness`), as a share of the closest movie's.
            ``"hybrid"``: the mean of these two. ``"predicted"``: the published method, cosine of
            the stars that all users would give (`StarsModel.similarity`). Of a movie with n < 3
            ratings, n / 3 of the closeness count, and the content for the rest.
        allowed: which movies may be in the list, bool, shape (movies,); all by default.

    Returns:
        Indices and similarities (at most 1), shapes (m,) with m ≤ n.

    Raises:
        NotFoundError: the movie has too few ratings for ``"predicted"``.
    """
    if method == "predicted":
        known = scorer.stars.movie_known
        if not known[movie]:
            raise NotFoundError(
                "this movie has too few ratings to compare predicted stars; use another method"
            )
        allowed = known if allowed is None else known & allowed
        batches = _by_predicted_stars(scorer, movie)
    else:
        batches = _by_content_and_ranking(scorer, movie, method)
    best = TopN(1, n)
    for movies, scores in batches:
        if movies.start <= movie < movies.stop:
            scores[movie - movies.start] = -np.inf
        if allowed is not None:
            scores[~allowed[movies]] = -np.inf
        best.add(scores[None], movies.start)
    ((found, similarities),) = best.rows()
    return found, np.minimum(similarities, 1.0)


def _by_predicted_stars(scorer: HybridScorer, movie: int) -> Iterator[tuple[slice, np.ndarray]]:
    for movies in scorer.movie_batches():
        yield movies, scorer.stars.similarity(movie, movies)


def _by_content_and_ranking(
    scorer: HybridScorer, movie: int, method: Method
) -> Iterator[tuple[slice, np.ndarray]]:
    """Batches of movies with their similarities; -inf for those that have nothing in common."""
    row = scorer.content.weighted_sum(np.array([movie]), np.ones(1))[None]
    weight = {"content": 0.0, "hybrid": 0.5, "collaborative": 1.0}[method]
    weight *= min(1.0, float(scorer.ranking.popularity[movie]) / _ENOUGH_RATINGS)
    close = _closeness(scorer, movie) if weight else np.zeros(scorer.content.n_movies)
    for movies in scorer.movie_batches():
        scores = weight * close[movies]
        if weight < 1:
            scores = scores + (1 - weight) * scorer.content.score(row, movies)[0]
        yield movies, np.where(scores > 0, scores, -np.inf)


def _closeness(scorer: HybridScorer, movie: int) -> np.ndarray:
    """Closeness in the ranking model, as a share of the closest movie's; 0 for the movie itself;
    float32, shape (movies,)."""
    close = np.zeros(scorer.content.n_movies, dtype=np.float32)
    for movies in scorer.movie_batches():
        close[movies] = scorer.ranking.closeness(movie, movies)
    close[movie] = 0.0
    np.maximum(close, 0, out=close)
    close /= max(close.max(), np.finfo(np.float32).tiny)
    return close
