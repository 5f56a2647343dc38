"""Cost of the visitors' ratings in each store: memory of the server, and time of a click.

    .venv/bin/python -m benchmarks.ratings_store --url postgresql://USER:PASSWORD@HOST/DATABASE

Prints a Markdown table of own memory (RssAnon) that each step adds to a process with the app's
modules, as `matinee serve` starts it, and one of what a page asks of the file and of the database:
milliseconds, the median of --times. Everything is kept in a schema of its own, which is dropped.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from recommender.core.serving_variables import VARIABLES
from recommender.visitors.postgres_store import PostgresStore
from recommender.visitors.records import Limits, OwnRating, ProfileStore
from recommender.visitors.sqlite_store import SqliteStore

SCHEMA = "matinee_benchmark"
STEPS = """
import sys
import recommender.app.server.startup, recommender.app.server.health
import recommender.app.pages.my_ratings
from memory_toolkit.measure.reading import read
from recommender.visitors.records import Change, VisitorRatings, OwnRating
from recommender.visitors.sqlite_store import SqliteStore, MEMORY
url, schema = sys.argv[1:]
held = read().own
def step(name):
    global held
    now = read().own
    print(f"| {name} | {(now - held) / 2**20:.1f} MB |")
    held = now
from recommender.visitors.postgres_store import PostgresStore
from recommender.visitors.write_behind import WriteBehindStore
step("psycopg, imported")
database = PostgresStore(url, schema)
database.check()
step("the first connection")
import threading
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as threads:
    list(threads.map(lambda n: database._database.run(
        lambda connection: connection.execute("SELECT pg_sleep(0.3)")), range(4)))
step("three more")
store = WriteBehindStore(database)
for visitor in range(200):
    movies = range(visitor, visitor + 50)
    ratings = [OwnRating(movie, 3.5, 1_700_000_000 + movie) for movie in movies]
    store._remember(f"{visitor:032}", VisitorRatings(ratings))
step("10,000 ratings that were read last")
for visitor in range(200):
    given = {m: (3.5, 1_700_000_000 + m) for m in range(visitor, visitor + 50)}
    store._waiting[f"{visitor:032}"] = Change(given).waiting(1_700_000_000)
step("10,000 ratings that wait")
store._waiting.clear()
"""


def main() -> None:
    """Measure both stores and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default=os.environ.get("MATINEE_RATINGS_URL"), required=False)
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--visitors", type=int, default=20_000, help="who are there already")
    options = parser.parse_args()
    if options.url is None:
        parser.error("--url or MATINEE_RATINGS_URL must name a database")
    try:
        print("| in the server | own memory |\n|---|---|", flush=True)
        command = [sys.executable, "-c", STEPS, options.url, SCHEMA]
        subprocess.run(command, check=True, env={**VARIABLES, **os.environ})
        time_both(options)
    finally:
        with psycopg.connect(options.url, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def time_both(options: argparse.Namespace) -> None:
    """Print the median times of each operation on the file and on the database."""
    limits = Limits(visitors=10 * options.visitors, size=2**30)
    with tempfile.TemporaryDirectory() as folder:
        file = SqliteStore(Path(folder) / "p.sqlite", limits)
        database = PostgresStore(options.url, SCHEMA, limits)
        database.check()
        for visitor in range(options.visitors):
            file.rate(f"there {visitor}", {1: 3.0})
        fill(options.url, options.visitors)
        rows = [measure(store, options.times) for store in (file, database)]
        file.close()
        database.close()
    print(f"\n| {options.visitors:,} visitors there | the file | the database |\n|---|---|---|")
    for name, first in rows[0].items():
        print(f"| {name} | {first:.2f} ms | {rows[1][name]:.2f} ms |")


def fill(url: str, visitors: int) -> None:
    """Add so many visitors with one rating each to the database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"INSERT INTO {SCHEMA}.visitors (secret, used_at) "
            f"SELECT sha256(n::text::bytea), extract(epoch FROM now()) "
            f"FROM generate_series(1, {visitors}) n"
        )
        connection.execute(
            f"INSERT INTO {SCHEMA}.opinions SELECT number, '1', 3, 0 FROM {SCHEMA}.visitors"
        )
        connection.execute(f"ANALYZE {SCHEMA}.visitors, {SCHEMA}.opinions")


def measure(store: ProfileStore, times: int) -> dict[str, float]:
    """Return the median milliseconds of each operation, by its name."""
    me = "me"
    store.put(me, [OwnRating(movie, 4.0, movie) for movie in range(100)])
    return {
        "read 100 ratings": median(lambda n: store.ratings_of(me), times),
        "note a visit": median(lambda n: store.seen(me), times),
        "rate a movie": median(lambda n: store.rate(me, {n: 3.0}), times),
        "rate the first one": median(lambda n: store.rate(f"new {n}", {1: 3.0}), times),
        "take in 1,000 ratings": median(
            lambda n: store.put(me, [OwnRating(m, 3.0, n) for m in range(1000)]), times // 20
        ),
    }


def median(act: Callable[[int], object], times: int) -> float:
    """Return the median milliseconds of `act`, called `times` times with 0, 1, …"""
    taken = []
    for n in range(times):
        start = time.perf_counter()
        act(n)
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


if __name__ == "__main__":
    main()
