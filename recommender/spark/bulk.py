"""Everybody's best movies, ranked by the workers of a Spark cluster.

The driver hands out users in blocks and takes back what was ranked, in order. Workers get the
movies' part of the models once and the histories of their block, nothing else: they need not see
the bundle, nor where the answers go. Ranking a block takes seconds, handing it out and writing what
comes back some hundredth of that, so one driver keeps about a hundred cores busy.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
from pyspark import Broadcast, SparkContext
from pyspark.sql import SparkSession

from recommender.bundle.history import History
from recommender.models.stars import StarsModel
from recommender.scoring.bulk import SparseContent
from recommender.scoring.everybody import RankEverybody
from recommender.scoring.scorer import HybridScorer, Request, UserRatings
from recommender.spark.errors import one_line_errors
from recommender.spark.jobs import cancel_jobs

# Users that are ranked in one task; the local engine's batches fit in without a rest.
USERS_PER_TASK = 2048
# Blocks that are prepared or under way for each core, so that none waits for the driver.
TASKS_AHEAD = 2
_MAX_THREADS = 1024

# What people have rated, the vectors that models hold for them, and how many movies each has rated.
_Packed = tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], np.ndarray]
# The best movies of several people, their scores, and how many each has.
_Best = tuple[np.ndarray, np.ndarray, np.ndarray]


def on_cluster(master: str, conf: Mapping[str, str]) -> RankEverybody:
    """Return the ranking on the cluster at `master`, for `Recommender.recommend_all`.

    The cluster is asked when the first of the answers is, and released after the last.

    Args:
        master, conf: see `session.open_session`, whose errors come with the first answer.
    """

    # Not at the top: the workers import this module, and have numpy, pyarrow and scipy only.
    from recommender.spark.session import open_session

    def rank(scorer: HybridScorer, request: Request) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        with open_session(master, conf) as spark, one_line_errors():
            yield from rank_everybody(spark, scorer, request)

    return rank


def rank_everybody(
    spark: SparkSession, scorer: HybridScorer, request: Request
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the top-n movies for every user of the data and their scores, in order.

    The same as `recommender.scoring.bulk.rank_everybody`. Memory: of the driver two blocks for each
    core of the cluster, about 8 bytes a rating, two times; of a worker's process the arrays of the
    movies, and one batch of the scorer.
    """
    context = spark.sparkContext
    models = context.broadcast(_without_users(scorer))
    group = f"recommend-{secrets.token_hex(4)}"
    waiting: deque[Future[_Best]] = deque()

    def rank(first: int) -> _Best:
        context.setJobGroup(group, f"Recommending to users from {first:,}")
        last = min(first + USERS_PER_TASK, scorer.history.n_users)
        packed = _pack([scorer.user(index) for index in range(first, last)])
        return _on_a_worker(context, models, request, packed)

    with ExitStack() as stack:
        stack.callback(models.destroy)
        pool = stack.enter_context(ThreadPoolExecutor(_MAX_THREADS))
        stack.callback(cancel_jobs, context, group)  # for whoever stops early
        for first in range(0, scorer.history.n_users, USERS_PER_TASK):
            waiting.append(pool.submit(rank, first))
            # Asked anew each time: a cluster may grow.
            if len(waiting) >= min(_MAX_THREADS, TASKS_AHEAD * context.defaultParallelism):
                yield from _each(*waiting.popleft().result())
        while waiting:
            yield from _each(*waiting.popleft().result())


def _without_users(scorer: HybridScorer) -> HybridScorer:
    """Return the scorer without the users' rows: what the workers need has a row for each movie."""
    content = scorer.content
    stars = dataclasses.replace(
        scorer.stars,
        user_bias=np.zeros(0),
        user_factors=np.zeros((0, scorer.stars.movie_factors.shape[1])),
    )
    return HybridScorer(
        {**scorer.models, StarsModel.name: stars},
        SparseContent(content.n_terms, content.offsets, content.terms, content.weights),
        History(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)),
        scorer.user_batch,
        scorer.movie_batch,
    )


def _on_a_worker(
    context: SparkContext, models: Broadcast[HybridScorer], request: Request, packed: _Packed
) -> _Best:
    """Rank one block of people, as a job of one task; Spark does it anew if its worker dies."""

    def rank(blocks: Iterable[_Packed]) -> Iterator[_Best]:
        for block in blocks:
            ranked = list(models.value.rank(_unpack(block), request))
            counts = np.array([len(one.movies) for one in ranked])
            movies = np.concatenate([one.movies for one in ranked]).astype(np.int32)
            yield movies, np.concatenate([one.scores for one in ranked]), counts

    (best,) = context.parallelize([packed], 1).mapPartitions(rank).collect()
    return best


def _pack(people: list[UserRatings]) -> _Packed:
    """As few arrays: to take a thousand small ones apart would keep the driver busy."""
    return (
        np.concatenate([one.movies for one in people]),
        np.concatenate([one.ratings for one in people]),
        {name: np.stack([one.profiles[name] for one in people]) for name in people[0].profiles},
        np.array([len(one.movies) for one in people]),
    )


def _unpack(packed: _Packed) -> Iterator[UserRatings]:
    movies, ratings, profiles, counts = packed
    ends = np.cumsum(counts)
    for person, (start, end) in enumerate(zip(ends - counts, ends, strict=True)):
        own = {name: vectors[person] for name, vectors in profiles.items()}
        yield UserRatings(movies[start:end], ratings[start:end], own)


def _each(
    movies: np.ndarray, scores: np.ndarray, counts: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    ends = np.cumsum(counts)[:-1]
    yield from zip(np.split(movies, ends), np.split(scores, ends), strict=True)
