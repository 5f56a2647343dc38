"""Time and memory of opening a bundle and of each question to it, warm and cold.

    .venv/bin/python -m benchmarks.serving --bundle bundle --published

Prints Markdown tables. Warm: the median and the 95th percentile of many calls in one thread, each
about another user or movie. Cold: the bundle is opened, its files are dropped from the system's
memory, and one question is asked; beside it stands what that read from the disk. --published also
times the published app's own code (`published.py`) on the same ratings, once for each question:
half a minute for the sample, four minutes and 5 GB of memory for a million ratings.
"""

from __future__ import annotations

import argparse
import mmap
import os
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.command_line import command_line, write_rows
from benchmarks.machine import one_line
from benchmarks.report import Column, Row, Table, markdown
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.actions import action
from recommender import Filters, Recommender
from recommender.bundle.shards import shard_number
from recommender.core.records import Id
from recommender.scoring.similar import METHODS, Method

N, RATED = 20, 200
Questions = dict[str, Callable[[int], object]]
TABLES = (
    Table("memory", (Column("what", "own memory"), Column("mb", "MB", ".1f")), "memory"),
    Table(
        "questions",
        (
            *(Column("question", "question"), Column("median_ms", "warm, median ms", ".1f")),
            *(Column("p95_ms", "p95 ms", ".1f"), Column("cold_ms", "cold, median ms", ".0f")),
            *(Column("slowest_ms", "slowest ms", ".0f"), Column("read_mb", "MB read", ".1f")),
        ),
        "questions",
    ),
    Table(
        "published",
        (
            *(Column("question", "question"), Column("published_ms", "published app, ms", ",.0f")),
            *(Column("median_ms", "Matinee, ms", ".1f"), Column("times", "times", ",.0f")),
        ),
        "published",
    ),
)


def main() -> None:
    """Measure opening and every question and print a table."""
    options = _options()
    rows = list(_rows(options))
    size = Recommender.open(options.bundle).statistics
    print(f"{size.ratings:,} ratings, {size.users:,} users, {size.movies:,} movies; {one_line()}\n")
    print("\n\n".join(markdown(table, rows) for table in TABLES[: 2 + options.published]))
    write_rows(options.json, rows)


def _options() -> argparse.Namespace:
    parser = command_line(__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--calls", type=int, default=100, help="warm calls of each question")
    parser.add_argument("--cold", type=int, default=5, help="cold calls of each question")
    parser.add_argument("--published", action="store_true", help="the published app's code, too")
    return parser.parse_args()


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    before = read().own
    with action("open") as opening:
        matinee = Recommender.open(options.bundle)
    with action("ask") as asking:
        warm = {
            name: [_milliseconds(ask, i) for i in range(options.calls + 1)][1:]
            for name, ask in questions(matinee).items()
        }
    for what, own in (
        ("before opening", before),
        ("opened", opening.record.after),
        ("after all questions", asking.record.after),
        ("at most", max(opening.record.peak, asking.record.peak)),
    ):
        yield {"table": "memory", "what": what, "mb": own / MB}
    del matinee  # nothing is dropped that is mapped elsewhere
    opened = [
        _milliseconds(lambda _: Recommender.open(options.bundle), i)
        for i in range(options.calls // 10 + 1)
    ]
    yield _row("open and check", opened, [_cold_open(options.bundle) for _ in range(options.cold)])
    for name, taken in warm.items():
        yield _row(name, taken, [_cold(options.bundle, name, i) for i in range(options.cold)])
    if options.published:
        yield from _published(options.bundle, warm)


def _row(name: str, warm: list[float], cold: list[tuple[float, float]]) -> Row:
    slow, disk = zip(*cold, strict=True) if cold else ((float("nan"),), (float("nan"),))
    return {
        "table": "questions",
        "question": name,
        "median_ms": statistics.median(warm),
        "p95_ms": float(np.percentile(warm, 95)),
        "cold_ms": statistics.median(slow),
        "slowest_ms": max(slow),
        "read_mb": statistics.median(disk),
    }


def questions(matinee: Recommender) -> Questions:
    """Every question the app asks, by name; a call takes a number that picks what is asked."""
    rng = np.random.default_rng(0)
    users = rng.permutation(np.array(matinee.users(10_000), dtype=object))
    popular = [movie.movie_id for movie in matinee.popular(500)]
    words = [word for m in matinee.popular(500) for word in m.title.split() if len(word) > 2]
    some = Filters(genres=matinee.genres[:2], years=(1980, 2010))
    low, high = matinee.scale
    rated = min(RATED, len(popular))
    new = [
        dict(zip(rng.permutation(popular)[:rated].tolist(), stars, strict=True))
        for stars in rng.uniform(low, high, (20, rated)).tolist()
    ]

    def user(i: int) -> Id:
        found: Id = users[i % len(users)]
        return found

    found: Questions = {
        "recommend for a user": lambda i: matinee.recommend_for_user(user(i), N),
        "by predicted stars": lambda i: matinee.recommend_for_user(user(i), N, rank_by="stars"),
        "hybrid": lambda i: matinee.hybrid_recommend(user(i), N),
        "hybrid, filtered": lambda i: matinee.hybrid_recommend(user(i), N, filters=some),
        f"somebody new, {rated} ratings": lambda i: matinee.recommend(new[i % len(new)], N),
        "somebody new, hybrid": lambda i: matinee.recommend(new[i % len(new)], N, cf_weight=0.9),
    }
    for method in METHODS:
        found[f"similar, {method}"] = partial(_similar, matinee, popular, method)
    found["title search"] = lambda i: matinee.search(words[i % len(words)], N)
    found["what a user rated highest"] = lambda i: matinee.rated_by(user(i), N)
    found["most rated movies"] = lambda i: matinee.popular(N)
    return found


def _similar(matinee: Recommender, movies: list[Id], method: Method, i: int) -> object:
    return matinee.find_similar_movies(movies[i % len(movies)], N, method)


def _milliseconds(ask: Callable[[int], object], i: int) -> float:
    started = time.perf_counter()
    ask(i)
    return 1000 * (time.perf_counter() - started)


def _cold_open(bundle: Path) -> tuple[float, float]:
    """Milliseconds to open a bundle that is on the disk alone, and MB read from there."""
    _drop(Recommender.open(bundle))
    read_before = _read_from_disk()
    taken = _milliseconds(lambda _: Recommender.open(bundle), 0)
    return taken, (_read_from_disk() - read_before) / MB


def _cold(bundle: Path, name: str, i: int) -> tuple[float, float]:
    """Milliseconds of one question whose files are on the disk alone, and MB read from there."""
    matinee = Recommender.open(bundle)
    ask = questions(matinee)[name]
    _drop(matinee)
    read_before = _read_from_disk()
    taken = _milliseconds(ask, i)
    return taken, (_read_from_disk() - read_before) / MB


def _drop(matinee: Recommender) -> None:
    """Drop the bundle's files from the system's memory, as when others needed it."""
    bundle = matinee.bundle
    whole = [Path(name) for name in bundle.files if shard_number(name) is None]
    arrays = [bundle.array(file.stem) for file in whole if file.suffix == ".npy"]
    for number in bundle.shards.mapped:
        arrays += bundle.shards.arrays(number).values()
    for array in arrays:
        mapping = getattr(array.base, "_mmap", None)
        if mapping is not None:
            mapping.madvise(mmap.MADV_DONTNEED)
    for name in bundle.files:
        with open(bundle.file(name), "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read_from_disk() -> int:
    """Bytes that this process had the disk read. Source: proc(5), /proc/self/io."""
    lines = Path("/proc/self/io").read_text("ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["read_bytes"])


def _published(bundle: Path, warm: dict[str, list[float]]) -> Iterator[Row]:
    from benchmarks.published import Published

    matinee = Recommender.open(bundle)
    published = Published(matinee)
    movie = int(np.argmax(matinee._facts.count))
    user = int(published.ratings["users"].iloc[0])
    for name, ours, ask in (
        ("recommend for a user", "by predicted stars", lambda: published.recommend(user, N)),
        ("hybrid", "hybrid", lambda: published.hybrid(user, N)),
        ("similar by collaboration", "similar, predicted", lambda: published.similar(movie, N)),
    ):
        started = time.perf_counter()
        ask()
        taken = 1000 * (time.perf_counter() - started)
        median = statistics.median(warm[ours])
        row: Row = {"table": "published", "question": name, "published_ms": taken}
        yield row | {"median_ms": median, "times": taken / median}


if __name__ == "__main__":
    main()
