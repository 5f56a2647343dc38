"""Speed of training the stars model: Surprise's SVD and Matinee's pass over the same ratings.

    .venv/bin/python -m benchmarks.training_speed --ratings 1M --repeats 3

Makes up a data set in the shape of MovieLens (`make_ratings.py`) and trains SVD on all of it, with
the same factors, passes, rates and seed, by Surprise as its documentation shows, with and without
the time in which it builds its Trainset, and by Matinee from its arrays on disk. They take turns.
Prints a Markdown table of the medians, and by how much the models differ at most.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from surprise import SVD, Dataset, Reader, Trainset

from benchmarks import make_ratings
from benchmarks.command_line import command_line, write_rows
from recommender.bundle.history import History
from recommender.dataset import from_directory, import_dataset
from recommender.models.protocol import TrainingData
from recommender.models.stars import StarsModel, StarsSettings

SCALE = (0.5, 5.0)
BUILDING, STOCK = "Surprise, building its Trainset and fitting", "Surprise, fitting alone"
OURS = "Matinee"


def main() -> None:
    """Time both trainings and print a table."""
    parser = command_line(__doc__)
    parser.add_argument(
        "--ratings", type=make_ratings.count, default=1_000_000, metavar="N", help="10k to 1B"
    )
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_ratings.make(Path(folder, "data"), options.ratings)
        import_dataset(from_directory(Path(folder, "data")), Path(folder))
        rows = compare(History.open(Path(folder)), options.repeats)
    print("| training the stars model | seconds, median | times Matinee |\n|---|---|---|")
    for row in rows:
        print(f"| {row['what']} | {row['seconds']:.2f} | {row['times']:.1f} |")
    first = rows[0]
    print(
        f"\n{first['ratings']:,} ratings by {first['users']:,} users of {first['movies']:,} "
        f"movies, {first['factors']} factors, {first['epochs']} passes; biases and factors differ "
        f"by {first['difference']:.1g} at most"
    )
    write_rows(options.json, rows)


def compare(history: History, repeats: int) -> list[dict[str, Any]]:
    """Train by each in turn, `repeats` times; a row for each."""
    settings = StarsSettings()
    counts = history.movie_counts(int(np.asarray(history.movies).max()) + 1)
    everyone = np.ones(history.n_users, dtype=bool)
    training = TrainingData(history, [], counts, SCALE, everyone, counts > 0)
    users = np.repeat(np.arange(history.n_users), np.diff(history.offsets))
    frame = pd.DataFrame({"user": users, "movie": history.movies, "rating": history.ratings})
    seconds: dict[str, list[float]] = {BUILDING: [], STOCK: [], OURS: []}
    difference = 0.0
    for _ in range(repeats):
        built, data = timed(
            lambda: Dataset.load_from_df(frame, Reader(rating_scale=SCALE)).build_full_trainset()
        )
        fitted, stock = timed(partial(stock_svd(settings).fit, data))
        took, model = timed(lambda: StarsModel.fit(training, settings))
        for name, figure in ((BUILDING, built + fitted), (STOCK, fitted), (OURS, took)):
            seconds[name].append(figure)
        difference = max(difference, largest_difference(model, stock, data))
    shared = {
        "ratings": len(history.movies),
        "users": history.n_users,
        "movies": int((counts > 0).sum()),
        "factors": settings.n_factors,
        "epochs": settings.n_epochs,
        "difference": difference,
    }
    medians = {name: statistics.median(figures) for name, figures in seconds.items()}
    return [
        {"what": name, "seconds": median, "times": median / medians[OURS]} | shared
        for name, median in medians.items()
    ]


def stock_svd(settings: StarsSettings) -> SVD:
    """Surprise's algorithm with Matinee's settings."""
    return SVD(
        n_factors=settings.n_factors,
        n_epochs=settings.n_epochs,
        init_std_dev=settings.initial_spread,
        lr_all=settings.learning_rate,
        lr_bu=settings.bias_learning_rate,
        lr_bi=settings.bias_learning_rate,
        reg_all=settings.regularization,
        random_state=settings.random_state,
    )


def largest_difference(model: StarsModel, stock: SVD, data: Trainset) -> float:
    """Between any bias or factor of the two."""
    users = [data.to_raw_uid(inner) for inner in data.all_users()]
    movies = [data.to_raw_iid(inner) for inner in data.all_items()]
    pairs = (
        (model.user_bias[users], stock.bu),
        (model.movie_bias[movies], stock.bi),
        (model.user_factors[users], stock.pu),
        (model.movie_factors[movies], stock.qi),
    )
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that `call` takes, and its result."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main()
