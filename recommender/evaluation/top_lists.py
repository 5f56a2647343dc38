"""Lists of the best movies by any model, for an evaluation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recommender.bundle.history import History
from recommender.core.top_n import TopN
from recommender.models.protocol import Model

_USER_BATCH = 64
_MOVIE_BATCH = 1 << 14


def top_unrated(
    model: Model, history: History, n_movies: int, users: np.ndarray, n: int
) -> Iterator[np.ndarray]:
    """Yield for each of `users` the n best movies that they have not rated, best first.

    Memory: that of a batch of 64 users and 16,384 movies.

    Args:
        history: what they have rated.
        users: indices, shape (users,).
    """
    for start in range(0, len(users), _USER_BATCH):
        rated = [history.of(user) for user in users[start : start + _USER_BATCH].tolist()]
        profiles = np.stack([model.profile(*ratings) for ratings in rated])
        best = TopN(len(rated), n)
        for first in range(0, n_movies, _MOVIE_BATCH):
            batch = slice(first, min(first + _MOVIE_BATCH, n_movies))
            scores = model.score(profiles, batch)
            for row, (movies, _) in enumerate(rated):
                inside = movies[slice(*np.searchsorted(movies, (batch.start, batch.stop)))]
                scores[row, inside - batch.start] = -np.inf
            best.add(scores, first)
        yield from (movies for movies, _ in best.rows())
