"""The scorer: what users would like most, by stars or by stars and content, in batches.

The hybrid is a weighted one (Burke, "Hybrid recommender systems: survey and experiments", 2002):
w · collaborative + (1 − w) · content. The collaborative part is the predicted stars brought to
0..1 over the user's candidates; the content part is the cosine to the user's profile.

Users and movies are taken in batches, so the memory needed is that of one batch of users times one
batch of movies, whatever the size of the catalogue. The result does not depend on the batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from recommender.collaborative import StarsModel
from recommender.content import ContentModel
from recommender.history import History
from recommender.topn import TopN


@dataclass(frozen=True, slots=True)
class Ranked:
    """One user's best movies, best first; all arrays have one length.

    Attributes:
        movies: indices.
        scores: what they are ordered by, float32.
        predicted: predicted stars, not clipped.
        collaborative, content: the hybrid's parts before weighting, 0..1.
    """

    movies: np.ndarray
    scores: np.ndarray
    predicted: np.ndarray
    collaborative: np.ndarray
    content: np.ndarray


@dataclass(frozen=True)
class HybridScorer:
    """Ranks the catalogue for many users in bounded memory.

    Memory: about 40 bytes for each cell of a batch of users times a batch of movies, and 8 more
    for each of its terms.

    Attributes:
        stars, content, history: the models and who rated what.
        user_batch, movie_batch: how many are scored at once.
    """

    stars: StarsModel
    content: ContentModel
    history: History
    user_batch: int = 32
    movie_batch: int = 2048

    def rank(
        self, users: np.ndarray, n: int, weight: float, allowed: np.ndarray | None = None
    ) -> Iterator[Ranked]:
        """The n best movies for each of `users`, in order, of those they have not rated.

        Args:
            users: user indices, shape (m,).
            n: how many movies at most.
            weight: w of the hybrid, 0..1; 1 orders by predicted stars alone, 0 by content alone.
            allowed: which movies may be recommended, bool, shape (movies,); all by default.
        """
        for start in range(0, len(users), self.user_batch):
            yield from self._rank_batch(users[start : start + self.user_batch], n, weight, allowed)

    def _rank_batch(
        self, users: np.ndarray, n: int, weight: float, allowed: np.ndarray | None
    ) -> list[Ranked]:
        rated = [self.history.of(user) for user in users]
        excluded = [movies for movies, _ in rated]
        profiles = np.stack([self.content.user_profile(*pair) for pair in rated])
        low, high = self._stars_range(users, excluded, allowed)
        best = TopN(len(users), n)
        for start, stop in self._movie_batches():
            scores = np.zeros((len(users), stop - start))
            if weight > 0:
                predicted = self.stars.predict(users, start, stop)
                scores += weight * _scaled(predicted, low[:, None], high[:, None])
            if weight < 1:
                scores += (1 - weight) * self.content.similarity(profiles, start, stop)
            # Rounding to 32 bits makes equal what differs only by the order of summation, which
            # is all that the size of a batch can change.
            scores = scores.astype(np.float32)
            _exclude(scores, start, stop, excluded, allowed)
            best.add(scores, start)
        return [
            self._describe(user, profiles[i], low[i], high[i], *best_of_user)
            for i, (user, best_of_user) in enumerate(zip(users, best.rows(), strict=True))
        ]

    def _describe(
        self,
        user: int,
        profile: np.ndarray,
        low: float,
        high: float,
        movies: np.ndarray,
        scores: np.ndarray,
    ) -> Ranked:
        """The parts of a list that has been chosen, computed for its few movies only."""
        factors = self.stars.movie_factors[movies]
        predicted = factors @ self.stars.user_factors[user] + self.stars.movie_bias[movies]
        predicted += self.stars.global_mean + self.stars.user_bias[user]
        content = [self.content.similarity(profile[None], m, m + 1).item() for m in movies]
        return Ranked(
            movies=movies,
            scores=scores,
            predicted=predicted,
            collaborative=_scaled(predicted, low, high),
            content=np.array(content),
        )

    def _stars_range(
        self, users: np.ndarray, excluded: list[np.ndarray], allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest predicted stars over each user's candidates, shape (users,)."""
        low, high = np.full(len(users), np.inf), np.full(len(users), -np.inf)
        for start, stop in self._movie_batches():
            predicted = self.stars.predict(users, start, stop)
            _exclude(predicted, start, stop, excluded, allowed)
            high = np.maximum(high, predicted.max(axis=1))
            predicted[predicted == -np.inf] = np.inf
            low = np.minimum(low, predicted.min(axis=1))
        return low, high

    def _movie_batches(self) -> Iterator[tuple[int, int]]:
        n_movies = self.content.n_movies
        for start in range(0, n_movies, self.movie_batch):
            yield start, min(start + self.movie_batch, n_movies)


def _scaled(stars: np.ndarray, low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
    """`stars` brought to 0..1 between `low` and `high`; 0 where the two are equal."""
    span = np.subtract(high, low)
    with np.errstate(invalid="ignore"):  # a user without candidates has the range inf..-inf
        return np.where(span > 0, (stars - low) / np.where(span > 0, span, 1.0), 0.0)


def _exclude(
    scores: np.ndarray,
    start: int,
    stop: int,
    excluded: list[np.ndarray],
    allowed: np.ndarray | None,
) -> None:
    """Put -inf where a user has rated the movie already, or where it is not allowed."""
    for row, movies in enumerate(excluded):
        first, last = np.searchsorted(movies, (start, stop))
        scores[row, movies[first:last] - start] = -np.inf
    if allowed is not None:
        scores[:, ~allowed[start:stop]] = -np.inf
