"""Movies similar to one, by each of the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from recommender.errors import NotFoundError
from recommender.hybrid import HybridScorer
from recommender.topn import TopN

Method = Literal["content", "collaborative", "hybrid", "predicted"]
METHODS: tuple[Method, ...] = ("content", "collaborative", "hybrid", "predicted")


def most_similar(
    scorer: HybridScorer, movie: int, n: int, method: Method, allowed: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The n movies most similar to `movie`, best first, and their similarities.

    Args:
        method: ``"content"``: cosine of the TF-IDF rows. ``"collaborative"``: closeness in the
            ranking model (`RankingModel.closeness`), as a share of the closest movie's.
            ``"hybrid"``: the mean of these two. ``"predicted"``: the published method, cosine of
            the stars that all users would give (`StarsModel.similarity`).
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
    row = scorer.content.profile(np.array([movie]), np.ones(1))[None]
    closest = np.finfo(np.float32).tiny
    if method != "content":
        closest = max(
            closest, *(_closeness(scorer, movie, m).max() for m in scorer.movie_batches())
        )
    for movies in scorer.movie_batches():
        content = close = np.zeros(0)
        if method != "collaborative":
            content = scorer.content.similarity(row, movies)[0]
        if method != "content":
            close = np.maximum(_closeness(scorer, movie, movies) / closest, 0)
        if method == "hybrid":
            scores = (content + close) / 2
        else:
            scores = content if method == "content" else close
        yield movies, np.where(scores > 0, scores, -np.inf)


def _closeness(scorer: HybridScorer, movie: int, movies: slice) -> np.ndarray:
    """Closeness in the ranking model of all but the movie itself."""
    close = scorer.ranking.closeness(movie, movies).astype(np.float64)
    if movies.start <= movie < movies.stop:
        close[movie - movies.start] = 0.0
    return close
