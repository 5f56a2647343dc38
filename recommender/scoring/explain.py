"""Explanations: the parts that the score of a recommended movie is the sum of.

Nothing here is a template: the ranking model's score is a sum over the movies a person rated
(`RankingModel.explain`), and the content part is a sum over terms, so the reasons are the
largest parts of the very number that the list is ordered by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.models.protocol import Explains
from recommender.scoring.scorer import HybridScorer, Ranked, Request


@dataclass(frozen=True, slots=True)
class Explanation:
    """score = offset + the sum of all `movie_parts` + the sum of all `term_parts`.

    Attributes:
        offset: what no movie and no term brought: the start of the 0..1 scale and, where the list
            is ordered by predicted stars, the whole collaborative part.
        movies: what the person rated, indices, shape (n,).
        movie_parts: what each of them brought, below 0 where it spoke against, shape (n,).
        terms: columns of the content model, shape (t,).
        term_parts: what each of them brought, shape (t,).
    """

    offset: float
    movies: np.ndarray
    movie_parts: np.ndarray
    terms: np.ndarray
    term_parts: np.ndarray


def explain(scorer: HybridScorer, ranked: Ranked, request: Request, rank: int) -> Explanation:
    """Take apart the score of the movie at position `rank` of the list `ranked`.

    Args:
        ranked: the answer of `scorer` to `request`.
    """
    person, movie = ranked.person, int(ranked.movies[rank])
    weight, span = request.weight, ranked.high - ranked.low
    parts = np.zeros(0)
    rated = person.movies[:0]
    shared = scorer.content.explain(person.movies, person.ratings, movie)
    term_parts = (1 - weight) * shared.parts
    model = scorer.collaborative(request)
    if isinstance(model, Explains) and span > 0:
        shares = model.explain(person.movies, person.ratings, movie)
        rated = shares.indices
        parts = weight * shares.parts.astype(np.float64) / span
        offset = -weight * ranked.low / span
    else:
        offset = float(ranked.scores[rank]) - float(term_parts.sum())
    return Explanation(offset, rated, parts, shared.indices, term_parts)
