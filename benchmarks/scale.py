"""How long one question takes over a catalogue the size of MovieLens-32M (87,585 movies).

    .venv/bin/python benchmarks/scale.py

The models are random numbers of the real shapes: the time does not depend on what they say.
Somebody new with 200 ratings is folded in and asked for 20 movies.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable

import numpy as np

from recommender.collaborative import StarsModel
from recommender.content import ContentModel
from recommender.history import History
from recommender.hybrid import HybridScorer, Person, Question
from recommender.ranking import RankingModel
from recommender.search import SCHEMA, title_query, title_row
from recommender.similar import METHODS, most_similar

N_MOVIES, N_RATED, N_TERMS, CALLS = 87_585, 200, 2000, 50
SCALE = (0.5, 5.0)


def main() -> None:
    rng = np.random.default_rng(0)
    scorer = make_scorer(rng)
    movies = np.sort(rng.choice(N_MOVIES, N_RATED, replace=False)).astype(np.int32)
    ratings = (rng.integers(1, 11, N_RATED) / 2).astype(np.float32)

    def ask(question: Question) -> None:
        bias, factors = scorer.stars.fold_in(movies, ratings)
        ranked = next(scorer.rank([Person(movies, ratings, bias, factors)], question))
        scorer.parts(ranked, question)

    for name, question in (
        ("somebody new, ranking", Question(20)),
        ("somebody new, ranking with variety", Question(20, variety=0.5)),
        ("somebody new, predicted stars", Question(20, rank_by="stars")),
        ("somebody new, hybrid", Question(20, 0.9)),
    ):
        report(name, lambda question=question: ask(question))
    for method in METHODS:
        report(
            f"similar, {method}", lambda method=method: most_similar(scorer, 5, 20, method, None)
        )
    titles = make_titles(rng)
    for text in ("toy", "star wars", "2 toy", "nothing like it"):
        sql, values = title_query(text, 20) or ("", [])
        report(
            f"title search, {text!r}",
            lambda sql=sql, values=values: titles.execute(sql, values).fetchall(),
        )


def make_titles(rng: np.random.Generator) -> sqlite3.Connection:
    """As many made-up titles, of four words out of twenty each."""
    frequent = "toy story the matrix war wars love up of 2 night day man woman star red blue king"
    words = np.array([*frequent.split(), "lost", "house"])
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    drawn = rng.choice(words, (N_MOVIES, 4))
    rows = (title_row(i, " ".join(four), 1950 + i % 70, i) for i, four in enumerate(drawn))
    connection.executemany("INSERT INTO titles VALUES (?,?,?,?)", rows)
    return connection


def make_scorer(rng: np.random.Generator) -> HybridScorer:
    """Models of the real shapes; nobody is in the data."""
    stars = StarsModel(
        global_mean=3.5,
        scale=SCALE,
        user_bias=np.zeros(0),
        movie_bias=rng.normal(0, 0.3, N_MOVIES),
        user_factors=np.zeros((0, 20)),
        movie_factors=rng.normal(0, 0.1, (N_MOVIES, 20)),
        gram=np.eye(22),
        movie_known=np.ones(N_MOVIES, dtype=bool),
    )
    ranking = RankingModel(
        scale=SCALE,
        rated_exponent=0.3,
        popularity_exponent=0.2,
        vectors=rng.normal(0, 0.1, (N_MOVIES, 64)).astype(np.float32),
        popularity=rng.integers(1, 9999, N_MOVIES).astype(np.float32),
    )
    offsets = np.concatenate([[0], np.cumsum(rng.integers(4, 12, N_MOVIES))])
    content = ContentModel(
        n_terms=N_TERMS,
        offsets=offsets,
        terms=rng.integers(0, N_TERMS, offsets[-1]).astype(np.uint16),
        weights=rng.random(offsets[-1]).astype(np.float32) / 3,
    )
    nobody = History(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    return HybridScorer(stars, ranking, content, nobody)


def report(name: str, call: Callable[[], object]) -> None:
    call()
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    print(f"{name:<36} median {statistics.median(times):6.1f} ms  slowest {max(times):6.1f} ms")


if __name__ == "__main__":
    main()
