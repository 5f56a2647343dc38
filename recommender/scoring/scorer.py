"""The scorer: what people would like most, from all models together, in batches.

The hybrid is a weighted one (Burke, "Hybrid recommender systems: survey and experiments", 2002):
w · collaborative + (1 − w) · content. The collaborative part is the score of one of the models that
order lists, the ranking model by default, brought to 0..1 over the person's candidates; the content
part is the cosine to the person's profile.

People and movies are taken in batches, so the memory needed is that of one batch of people times
one batch of movies, whatever the size of the catalogue. The result does not depend on the batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

from recommender.bundle.history import History
from recommender.core.rows import Selection
from recommender.core.top_n import TopN
from recommender.models.content import ContentModel
from recommender.models.protocol import KnowsUsers, Model, Obscures
from recommender.models.ranking import RankingModel
from recommender.models.stars import StarsModel

M = TypeVar("M", bound=Model)
# What one request takes whatever its batch: the lists, the texts and the reasons.
_REQUEST_BYTES = 2**20
# What `TopN` takes for one rank of one person while it takes a block in.
_RANK_BYTES = 64
# Ratings that differ by less are equal.
_ROUNDING = 1e-6
# With variety, the list is chosen from this many times its length of the best movies.
_POOL = 10


@dataclass(frozen=True, slots=True)
class UserRatings:
    """Somebody to recommend to, a user of the data or a visitor.

    Attributes:
        movies: what they rated, indices in ascending order, shape (n,).
        ratings: their stars, float32, shape (n,).
        profiles: vectors that models hold for them, by the model's name, the stars model's always;
            what is not here follows from the ratings.
        mean: the mean of the ratings that they gave, where `ratings` has others too.
    """

    movies: np.ndarray
    ratings: np.ndarray
    profiles: Mapping[str, np.ndarray]
    mean: float | None = None

    def vector(self, name: str, model: Model) -> np.ndarray:
        """Return the vector that `model`, called `name`, scores for them."""
        own = self.profiles.get(name)
        return model.profile(self.movies, self.ratings) if own is None else own

    def liked(self, scale: tuple[float, float]) -> np.ndarray:
        """Return which movies they rated well, bool, shape (n,): above their own mean, or, where
        all ratings are equal, all of them if that is in the upper half of the `scale`."""
        if not len(self.ratings):
            return np.zeros(0, dtype=bool)
        mean = float(self.ratings.mean(dtype=np.float64)) if self.mean is None else self.mean
        above: np.ndarray = self.ratings > mean + _ROUNDING
        if above.any():
            return above
        return np.asarray(self.ratings >= max(mean, sum(scale) / 2) - _ROUNDING)


@dataclass(frozen=True, slots=True)
class Request:
    """Request to the scorer.

    Attributes:
        n: how many movies at most.
        weight: w of the hybrid, 0..1; 1 is collaborative alone, 0 content alone.
        rank_by: the name of the model whose scores the collaborative part is.
        allowed: which movies may be recommended, bool, shape (movies,); all by default.
        obscurity: 0..1, prefers the less well known, where the model can (`Obscures`).
        variety: 0..1, how much likeness to movies higher up in the list counts against a movie.
    """

    n: int
    weight: float = 1.0
    rank_by: str = RankingModel.name
    allowed: np.ndarray | None = None
    obscurity: float = 0.0
    variety: float = 0.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """One person's best movies, best first.

    Attributes:
        person: whose.
        movies: indices, shape (m,).
        scores: what they are ordered by (before variety), float32, shape (m,).
        low, high: the collaborative scores that were brought to 0 and to 1.
    """

    person: UserRatings
    movies: np.ndarray
    scores: np.ndarray
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """Parts that the scores of a list are made of; all arrays have the list's length.

    Attributes:
        predicted: predicted stars, not clipped.
        collaborative, content: the hybrid's parts before weighting, 0..1.
    """

    predicted: np.ndarray
    collaborative: np.ndarray
    content: np.ndarray


def _all_rows(rows: int, row_bytes: int) -> int:
    return rows


@dataclass(frozen=True)
class HybridScorer:
    """Ranks the catalogue for many people in bounded memory.

    Memory: about 24 bytes for each cell of a batch of people times a batch of movies, and what the
    content model takes for it.

    Attributes:
        models: those that order lists, by `rank_by`; the stars model predicts stars and the ranking
            model tells how alike movies are, whatever the order.
        content, history: the content model, and who rated what.
        user_batch, movie_batch: how many are scored at once, at most.
        batch_size_for: given a number of rows and the bytes that each takes, returns how many to
            take at once; all by default. `memory_toolkit.guard.guard.Guard.batch` follows the
            memory that is left.
    """

    models: Mapping[str, Model]
    content: ContentModel
    history: History
    user_batch: int = 128
    movie_batch: int = 2048
    batch_size_for: Callable[[int, int], int] = _all_rows

    @property
    def stars(self) -> StarsModel:
        """The model that predicts stars."""
        return self._model(StarsModel)

    @property
    def ranking(self) -> RankingModel:
        """The model whose vectors tell how alike movies are."""
        return self._model(RankingModel)

    def _model(self, kind: type[M]) -> M:
        model = self.models[kind.name]
        assert isinstance(model, kind)
        return model

    @property
    def max_bytes(self) -> int:
        """Bytes that a request for one person takes at most."""
        return self._person_bytes + 24 * self.content.n_movies + _REQUEST_BYTES

    @property
    def _person_bytes(self) -> int:
        """Bytes for one person and a whole batch of movies."""
        movies = min(self.movie_batch, self.content.n_movies)
        return movies * self._cell_bytes + 8 * self.content.n_terms

    @property
    def _cell_bytes(self) -> int:
        """Bytes for one person and one movie in a batch."""
        return 16 + max(m.cell_bytes for m in self.models.values()) + self.content.cell_bytes

    def user(self, index: int) -> UserRatings:
        """Return a user of the data."""
        profiles = {
            name: model.user_profile(index)
            for name, model in self.models.items()
            if isinstance(model, KnowsUsers)
        }
        return UserRatings(*self.history.of(index), profiles)

    def collaborative(self, request: Request) -> Model:
        """Return the model whose scores are the collaborative part of the answer."""
        model = self.models[request.rank_by]
        if request.obscurity > 0 and isinstance(model, Obscures):
            return model.obscured(request.obscurity)
        return model

    def by_stars(self, request: Request) -> bool:
        """Return whether the collaborative part of the answer is the predicted stars."""
        return self.models[request.rank_by] is self.stars

    def rank(self, people: Iterable[UserRatings], request: Request) -> Iterator[Ranked]:
        """The best movies for each of `people`, in order, of those they have not rated."""
        people = iter(people)
        person_bytes = self._person_bytes + _RANK_BYTES * self._pool(request)
        while batch := list(islice(people, self.batch_size_for(self.user_batch, person_bytes))):
            yield from self._rank_batch(batch, request)

    def _rank_batch(self, people: list[UserRatings], request: Request) -> list[Ranked]:
        batch = _Batch(self, people, request)
        best = TopN(len(people), self._pool(request))
        # Without content the order needs no scale, so finding the range finds the best as well.
        alone = request.weight == 1
        low, high = self._range(batch, best if alone else None)
        if not alone:
            self._add_hybrid(batch, low[:, None], high[:, None], best)
        ranked = []
        for row, (movies, scores) in enumerate(best.rows()):
            if alone:
                scores = _scaled(scores, low[row], high[row])
            scores = scores.astype(np.float32)
            order = np.lexsort((movies, -scores))  # the scale may have made some of them equal
            ends = float(low[row]), float(high[row])
            found = movies[order], scores[order]
            ranked.append(self._ranked(people[row], request, *ends, *found))
        return ranked

    def _pool(self, request: Request) -> int:
        """Return how many of the best are kept, of which variety chooses."""
        pool = request.n * _POOL if request.variety > 0 else request.n
        return min(pool, self.content.n_movies)

    def _range(self, batch: _Batch, best: TopN | None) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest collaborative score over each one's candidates, shape (people,); adds
        the scores themselves to `best`."""
        low = np.full(len(batch.people), np.inf, dtype=np.float32)
        high = -low
        for movies in self.movie_batches(len(batch.people)):
            scores = batch.collaborative(movies)
            batch.exclude(scores, movies, -np.inf)
            high = np.maximum(high, scores.max(axis=1))
            if best is not None:
                best.add(scores, movies.start)
            batch.exclude(scores, movies, np.inf)
            low = np.minimum(low, scores.min(axis=1))
        return low, high

    def _add_hybrid(self, batch: _Batch, low: np.ndarray, high: np.ndarray, best: TopN) -> None:
        weight = batch.request.weight
        for movies in self.movie_batches(len(batch.people)):
            # Rounding each part to 32 bits makes equal what differs only by the order of
            # summation, which is all that the size of a batch can change.
            scores = self.content.score(batch.profiles, movies).astype(np.float32, copy=False)
            scores *= 1 - weight
            if weight > 0:
                collaborative = _scaled(batch.collaborative(movies), low, high)
                collaborative *= weight
                scores += collaborative
            batch.exclude(scores, movies, -np.inf)
            best.add(scores, movies.start)

    def _ranked(
        self,
        person: UserRatings,
        request: Request,
        low: float,
        high: float,
        movies: np.ndarray,
        scores: np.ndarray,
    ) -> Ranked:
        if request.variety > 0:
            kept = most_various(scores, self.ranking.inputs[movies], request.n, request.variety)
            movies, scores = movies[kept], scores[kept]
        return Ranked(person, movies, scores, low, high)

    def parts(self, ranked: Ranked, request: Request) -> ScoreParts:
        """Split the scores of `ranked`, the answer to `request`, into their parts."""
        batch = _Batch(self, [ranked.person], request)
        collaborative = batch.collaborative(ranked.movies)[0]
        return ScoreParts(
            predicted=batch.predicted(ranked.movies)[0],
            collaborative=_scaled(collaborative, ranked.low, ranked.high),
            content=self.content.score(batch.profiles, ranked.movies)[0],
        )

    def movie_batches(self, people: int = 1) -> Iterator[slice]:
        """The movies in batches, for so many people at once."""
        n_movies = self.content.n_movies
        rows = self.batch_size_for(
            min(self.movie_batch, max(1, n_movies)), people * self._cell_bytes
        )
        for start in range(0, n_movies, rows):
            yield slice(start, min(start + rows, n_movies))


class _Batch:
    """Some people as the models need them: one row a person."""

    def __init__(self, scorer: HybridScorer, people: list[UserRatings], request: Request) -> None:
        self.people = people
        self.request = request
        self._scorer = scorer
        # Who has rated what, by movie, so that those of a batch of movies lie together.
        rated = np.concatenate([one.movies for one in people])
        order = np.argsort(rated, kind="stable")
        rows = np.repeat(np.arange(len(people)), [len(one.movies) for one in people])
        self._rated, self._rated_by = rated[order], rows[order]
        # A column for each, turned round: so the content of many is multiplied without a copy.
        self.profiles = np.stack(
            [scorer.content.profile(one.movies, one.ratings) for one in people], axis=1
        ).T
        self._model = scorer.collaborative(request)
        self._vectors = np.stack([one.vector(request.rank_by, self._model) for one in people])
        self._stars = np.stack([one.profiles[StarsModel.name] for one in people])

    def collaborative(self, movies: Selection) -> np.ndarray:
        """Return what the collaborative part orders by, float32, shape (people, movies)."""
        return self._model.score(self._vectors, movies).astype(np.float32, copy=False)

    def predicted(self, movies: Selection) -> np.ndarray:
        """Return predicted stars, not clipped, float64, shape (people, movies)."""
        return self._scorer.stars.score(self._stars, movies)

    def exclude(self, scores: np.ndarray, movies: slice, value: float) -> None:
        """Put `value` where somebody has rated the movie already, or where it is not allowed."""
        some = slice(*np.searchsorted(self._rated, (movies.start, movies.stop)))
        scores[self._rated_by[some], self._rated[some] - movies.start] = value
        if self.request.allowed is not None:
            scores[:, ~self.request.allowed[movies]] = value


def most_various(scores: np.ndarray, vectors: np.ndarray, n: int, variety: float) -> np.ndarray:
    """Positions of n movies, each chosen for its score and its unlikeness to those before it.

    Source: Carbonell and Goldstein, "The use of MMR", 1998 (maximal marginal relevance).

    Args:
        scores: best first, shape (m,).
        vectors: of the same movies, shape (m, k); likeness is their cosine.
        variety: 0..1, the weight of unlikeness.
    """
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    vectors = vectors / lengths
    relevance = _scaled(scores, scores.min(initial=np.inf), scores.max(initial=-np.inf))
    likeness = np.zeros(len(scores))
    left = np.ones(len(scores), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(n, len(scores))):
        marginal = (1 - variety) * relevance - variety * likeness
        best = int(np.argmax(np.where(left, marginal, -np.inf)))
        chosen.append(best)
        left[best] = False
        likeness = np.maximum(likeness, vectors @ vectors[best])
    return np.array(chosen, dtype=np.int64)


def _scaled(scores: np.ndarray, low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
    """`scores` brought to 0..1 between `low` and `high`; 0 where the two are equal."""
    with np.errstate(invalid="ignore"):  # without candidates the range is inf..-inf
        wide = np.greater(high, low)
        span = np.where(wide, np.subtract(high, low), np.inf)
    scaled: np.ndarray = scores - np.where(wide, low, 0)
    scaled /= span
    return scaled
