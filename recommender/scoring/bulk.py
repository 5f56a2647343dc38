"""Everybody's best movies: for work in bulk, which may load SciPy and use every core."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from recommender.core.rows import Selection
from recommender.models.content import ContentModel
from recommender.scoring.scorer import HybridScorer, Ranked, Request


class SparseContent(ContentModel):
    """The same model with SciPy's product, many times faster where there are many profiles."""

    @property
    def cell_bytes(self) -> int:
        """Bytes that `score` takes for one profile and one movie."""
        return 8

    @cached_property
    def _matrix(self) -> csr_matrix:
        shape = (self.n_movies, self.n_terms)
        return csr_matrix((self.weights, self.terms.astype(np.int32), self.offsets), shape)

    def score(self, profiles: np.ndarray, movies: Selection) -> np.ndarray:
        """Return what `ContentModel.score` does, but as float32."""
        return np.ascontiguousarray((self._matrix[movies] @ profiles.T).T)


def rank_everybody(scorer: HybridScorer, request: Request, threads: int) -> Iterator[Ranked]:
    """The best movies for every user of the data, in order.

    Memory: that of `threads` batches of the scorer, and 12 bytes for each term of each movie.

    Args:
        threads: how many batches of users are ranked at the same time; more than there are
            cores is no use.
    """
    # Not at the top: the workers of a cluster, which rank one batch at a time, do without.
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    content = scorer.content
    sparse = SparseContent(content.n_terms, content.offsets, content.terms, content.weights)
    scorer = dataclasses.replace(scorer, content=sparse)
    users = range(scorer.history.n_users)
    waiting: deque[Future[list[Ranked]]] = deque()

    def rank(some: range) -> list[Ranked]:
        return list(scorer.rank(map(scorer.user, some), request))

    # Each thread multiplies on its own core; the library's own threads would only be in the way.
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(users), scorer.user_batch):
            waiting.append(pool.submit(rank, users[first : first + scorer.user_batch]))
            if len(waiting) > threads:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
