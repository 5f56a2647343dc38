"""How long each question to the library takes, warm, in one thread.

    .venv/bin/python benchmarks/latency.py --bundle bundle

Prints the median and the slowest of many calls, each with another user, movie or word.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from recommender import Filters, Recommender


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--calls", type=int, default=200)
    options = parser.parse_args()

    started = time.perf_counter()
    matinee = Recommender.open(options.bundle)
    print(f"{'open and check the bundle':<34} {1000 * (time.perf_counter() - started):8.1f} ms")
    print(f"{'':<34} {'median':>11} {'slowest':>11}")
    for name, call in questions(matinee):
        call(0)
        times = [_milliseconds(call, i) for i in range(options.calls)]
        print(f"{name:<34} {statistics.median(times):8.2f} ms {max(times):8.2f} ms")
    started = time.perf_counter()
    users = sum(1 for _ in matinee.recommend_all(10))
    seconds = time.perf_counter() - started
    print(f"{'hybrid for all users':<34} {seconds:8.2f} s  ({users / seconds:,.0f} users a second)")


def questions(matinee: Recommender) -> Iterator[tuple[str, Callable[[int], object]]]:
    """Every question the app asks, by name; a call takes a number that picks what is asked."""
    rng = np.random.default_rng(0)
    users = rng.permutation(np.array(matinee.users(10_000), dtype=object))
    popular = matinee.popular(500)
    words = [word for movie in popular for word in movie.title.split() if len(word) > 2]
    some = Filters(genres=matinee.genres[:2], years=(1980, 2010))

    def user(i: int) -> object:
        return users[i % len(users)]

    def movie(i: int) -> object:
        return popular[i % len(popular)].movie_id

    yield "recommend for a user", lambda i: matinee.recommend_for_user(user(i), 20)
    yield "hybrid", lambda i: matinee.hybrid_recommend(user(i), 20)
    yield "hybrid, filtered", lambda i: matinee.hybrid_recommend(user(i), 20, filters=some)
    yield "similar by content", lambda i: matinee.find_similar_movies(movie(i), 20, "content")
    yield (
        "similar by collaboration",
        lambda i: matinee.find_similar_movies(movie(i), 20, "collaborative"),
    )
    yield "title search", lambda i: matinee.search(words[i % len(words)], 12)
    yield "what a user rated highest", lambda i: matinee.rated_by(user(i), 12)
    yield "most rated movies", lambda i: matinee.popular(12)


def _milliseconds(call: Callable[[int], object], i: int) -> float:
    started = time.perf_counter()
    call(i)
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
