"""Well-known movies: those rated most often, and of them those that split opinions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recommender.bundle.movie_facts import MovieFacts
from recommender.core.top_n import largest
from recommender.scoring.scorer import most_various

# So many of the most rated movies at least are looked through for those that split opinions.
_MIN_CANDIDATES = 100
_VARIETY = 0.5


def most_rated(
    facts: MovieFacts,
    n: int,
    allowed: np.ndarray | None = None,
    left_out: Sequence[int] | np.ndarray = (),
) -> np.ndarray:
    """Return the n movies that are rated most often; int64, shape (m,) with m ≤ n.

    Args:
        allowed: which movies may come, bool, shape (movies,); all by default.
        left_out: indices of movies that must not come.
    """
    candidates = np.ones(len(facts.count), bool) if allowed is None else allowed.copy()
    candidates[np.asarray(left_out, np.int64)] = False
    return largest(facts.count, n, candidates)


def most_divisive(
    facts: MovieFacts, inputs: np.ndarray, n: int, left_out: Sequence[int] | np.ndarray = ()
) -> np.ndarray:
    """Return n well-known movies whose ratings differ most, and that are unlike each other.

    Args:
        inputs: what movies are unlike by, shape (movies, factors), as `RankingModel.inputs`.
        left_out: indices of movies that must not come.
    """
    known = most_rated(facts, max(_MIN_CANDIDATES, 5 * n), None, left_out)
    known = known[np.argsort(-facts.deviation[known], kind="stable")]
    return known[most_various(facts.deviation[known], inputs[known], n, _VARIETY)]
