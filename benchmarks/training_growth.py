"""Memory of training as the data grow: own memory at most, beside Surprise's.

    .venv/bin/python -m benchmarks.training_growth --sizes 1M,4M,16M,32M

Makes up data sets in the shape of MovieLens (`make_ratings.py`; users grow with the ratings, movies
with their square root), one after the other in a temporary folder, and records a whole `matinee
train` of each and Surprise's SVD as its documentation shows: a data frame, the Trainset, the fit,
of one pass only, since more take no more memory. Surprise is held to --stock-limit; what does not
fit there is extrapolated by the bytes a rating of the largest set that did. Prints a Markdown table
of both processes' own memory at most. 100M needs 7 GB of disk and some ten minutes.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import make_ratings
from benchmarks.command_line import command_line, write_rows
from benchmarks.harness import make_up, recorded
from memory_toolkit.measure.sizes import MB, parse_size
from memory_toolkit.record.recorder import Recording
from recommender.bundle.bundle import Bundle

STOCK = """
import sys
import pandas as pd
from surprise import SVD, Dataset, Reader

frame = pd.read_csv(sys.argv[1], usecols=["userId", "movieId", "rating"])
data = Dataset.load_from_df(frame, Reader(rating_scale=(0.5, 5))).build_full_trainset()
SVD(n_factors=20, n_epochs=1).fit(data)
"""
# The command behind it takes the shell's place and prints nothing.
QUIET = ("sh", "-c", 'exec "$@" > /dev/null 2>&1', "sh")
HEAD = "| ratings | users | movies | seconds | Matinee, MB | Surprise, MB | bytes a rating |"


def main() -> None:
    """Train data sets of growing size and print a table."""
    parser = command_line(__doc__)
    parser.add_argument("--sizes", default="1M,4M,16M,32M", help="ratings, in ascending order")
    parser.add_argument("--stock-limit", type=parse_size, default="4G", metavar="SIZE")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the data must go, too
    rows: list[dict[str, Any]] = []
    print(f"{HEAD}\n|---|---|---|---|---|---|---|")
    for size in map(make_ratings.count, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "data")
            make_up(size, data)
            row = train(data, Path(folder, "bundle"))
            row |= stock(data / "ratings.csv", row["ratings"], rows, options.stock_limit)
        rows.append(row)
        sign = "≈ " if row["extrapolated"] else ""
        print(
            f"| {row['ratings']:,} | {row['users']:,} | {row['movies']:,} | {row['seconds']:.0f} "
            f"| {row['matinee_mb']:.0f} | {sign}{row['stock_mb']:,.0f} "
            f"| {row['stock_bytes']:.0f} |",
            flush=True,
        )
    write_rows(options.json, rows)


def train(data: Path, bundle: Path) -> dict[str, Any]:
    """Train a bundle; what it took, and what was in the data."""
    command = ["-m", "recommender.cli", "train", "--dataset", str(data), "--out", str(bundle)]
    recording = recorded(*QUIET, sys.executable, *command)
    if recording.ending.status:
        sys.exit(f"training_growth: the training ended with status {recording.ending.status}")
    found = Bundle.open(bundle).training.data
    numbers = {name: getattr(found, name) for name in ("ratings", "users", "movies")}
    return numbers | {"seconds": recording.duration, "matinee_mb": peak(recording) / MB}


def stock(
    ratings: Path, n_ratings: int, before: list[dict[str, Any]], limit: int
) -> dict[str, Any]:
    """Surprise's memory; by the bytes a rating of the last set `before` where it does not fit."""
    expected = before[-1]["stock_bytes"] if before else 0.0
    if expected * n_ratings < limit:
        words = (*QUIET, sys.executable, "-c", STOCK, str(ratings))
        recording = recorded(*words, limit=limit)
        if recording.ending.status == 0:
            took = peak(recording)
            return {"stock_mb": took / MB, "stock_bytes": took / n_ratings, "extrapolated": 0}
    if not before:
        sys.exit(
            "training_growth: the first of --sizes does not fit in --stock-limit; add a smaller"
        )
    return {"stock_mb": expected * n_ratings / MB, "stock_bytes": expected, "extrapolated": 1}


def peak(recording: Recording) -> int:
    """The most own memory of the command, in bytes."""
    return recording.highest.peak if recording.highest else 0


if __name__ == "__main__":
    main()
