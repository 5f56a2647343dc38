"""Ways of ranking everybody's movies: this process on all its cores, or one that is given."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np

from recommender.scoring.scorer import HybridScorer, Request

# Everybody's best movies, as indices, and their scores, in the order of the users.
RankEverybody = Callable[[HybridScorer, Request], Iterator[tuple[np.ndarray, np.ndarray]]]


def on_every_core(
    scorer: HybridScorer, request: Request
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the movies and scores of every user of the data, see `RankEverybody`."""
    # Not at the top: it loads SciPy, which serving does without.
    from recommender.scoring.bulk import rank_everybody

    for best in rank_everybody(scorer, request, os.cpu_count() or 1):
        yield best.movies, best.scores
