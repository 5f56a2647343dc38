"""Cost of training on one machine and on a Spark cluster, as the data grow.

    .venv/bin/python -m benchmarks.spark_growth --sizes 1M,4M,16M

Makes up data sets in the shape of MovieLens (`make_ratings.py`), one after the other in a temporary
folder. With each, in one process and with `--engine spark` on a cluster of workers that are
processes of this machine (`tests/support/spark_cluster.py`), it trains a bundle, and ranks
everybody's movies where this does not take hours (--rank-up-to). The workers share cores and disk
with the driver, so the seconds tell what Spark costs rather than what more machines gain; memory
and bytes are those of any cluster.

Prints Markdown tables: seconds of the training in all and of the three stages that read the
ratings; own memory at most of the command with the Java that it starts (the driver) and of all that
one worker starts (an executor with its Pythons), what Spark keeps of the ratings, and what it
shuffles; users a second of `recommend --all-users`, start and all; and what the two largest runs
mean for a billion ratings. What fails, or takes longer than --time-limit, is a
row that says so. 100M needs 14 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import make_ratings
from benchmarks.command_line import command_line, write_rows
from benchmarks.harness import make_up, recorded
from benchmarks.parts import SPARK_TABLES
from benchmarks.report import Row, markdown
from memory_toolkit.measure.processes import read_processes
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.recorder import Recording, Sample
from recommender.bundle.bundle import Bundle
from recommender.spark.stars import als_blocks
from tests.support.spark_cluster import Cluster, cluster

ENGINES = ("local", "spark")
# File pages that come and go between two looks count as own memory at most; to look at a cluster
# takes long.
EVERY_SECONDS = {"local": 0.1, "spark": 0.5}
# What `timeout` returns when the time is over, and when it had to end the command by force.
TOO_LONG = (124, 137)
CORES = 1  # of each worker
# What the sizing of docs/spark.md is for.
RATINGS, USERS = 1e9, 1e7
HOURS = 2
GB = 2**30
# Of the history a bundle has a movie (4 bytes) and stars (4) for each rating; of the stars model a
# bias and 20 factors (8 each) for each user.
RATING_BYTES, USER_BYTES = 8, 8 * 21
# The share of its heap that Spark gives to what it keeps and what it computes (`spark.memory`),
# once it has set some aside.
SHARE, ASIDE = 0.6, 300 * MB
# ALS sends a user's number and 20 factors (4 bytes each) in each of its passes to every block of
# movies of which the user has rated one.
COPY_BYTES, PASSES = 84, 10


@dataclass
class Run:
    """One size on one engine.

    Attributes:
        folder: for the bundle, the logs and the cluster.
        running: the cluster; None: this process.
        executor_peak: own memory at most of what one worker has started, in bytes.
    """

    folder: Path
    running: Cluster | None
    options: argparse.Namespace
    executor_peak: int = field(default=0, init=False)

    def measure(self, data: Path) -> Row:
        """Train, then rank everybody's movies; what it took, or what went wrong."""
        bundle = self.folder / "bundle"
        training = self._matinee("train", "--dataset", str(data), "--out", str(bundle))
        row: Row = {
            "seconds": training.duration,
            "driver_mb": training.highest.peak / MB if training.highest else None,
        }
        if self.running:
            kept, shuffled, blocks = traffic(self.folder / "train-events")
            row |= {"executor_mb": self.executor_peak / MB, "blocks": blocks}
            row |= {"kept_mb": kept / MB, "shuffled_mb": shuffled / MB}
        if training.ending.status:
            return row | {"problem": self._problem("train", training.ending.status)}
        info = Bundle.open(bundle).training
        row |= {stage.name: stage.seconds for stage in info.stages}
        row |= {"rate": info.data.ratings / training.duration, "users": info.data.users}
        if info.data.ratings > self.options.rank_up_to:
            return row
        out = ("--bundle", str(bundle), "--out", str(self.folder / "everybody"))
        ranking = self._matinee("recommend", "--all-users", *out)
        if ranking.ending.status:
            return row | {"problem": self._problem("recommend", ranking.ending.status)}
        return row | {"users_rate": info.data.users / ranking.duration}

    def _matinee(self, name: str, *words: str) -> Recording:
        command = [sys.executable, "-m", "recommender.cli", name, *words, *self._on_spark(name)]
        limit = ["timeout", "--kill-after=60", str(self.options.time_limit)]
        # The command takes the shell's place, and what it says is kept.
        quiet = ["sh", "-c", f'exec "$@" > {self.folder}/{name}.log 2>&1', "sh"]
        variables = self.running.environment if self.running else {}
        setting = ["env", *(f"{key}={value}" for key, value in variables.items())]
        words = (*setting, *quiet, *limit, *command)
        every = EVERY_SECONDS["spark" if self.running else "local"]
        return recorded(*words, interval=every, each=self._look)

    def _on_spark(self, name: str) -> list[str]:
        """One executor a worker, and a log of what is kept and shuffled."""
        if self.running is None:
            return []
        events = self.folder / f"{name}-events"
        events.mkdir()
        settings = {
            "spark.executor.memory": self.options.memory,
            "spark.taskMetrics.trackUpdatedBlockStatuses": "true",
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": f"file://{events}",
            "spark.eventLog.rolling.enabled": "false",
            "spark.eventLog.compress": "false",
        }
        words = ["--engine", "spark", "--master", self.running.url]
        for key, value in settings.items():
            words += ["--spark-conf", f"{key}={value}"]
        return words

    def _look(self, sample: Sample) -> None:
        for worker in self.running.workers if self.running else ():
            pids = [p.pid for p in worker.family() if p.pid != worker.process.pid]
            self.executor_peak = max(self.executor_peak, read_processes(pids).own)

    def _problem(self, name: str, status: int) -> str:
        if status in TOO_LONG:
            return f"{name}: not done after {self.options.time_limit:,} s"
        log = self.folder / f"{name}.log"
        lines = log.read_text("utf-8", errors="replace").strip().splitlines()
        return f"{name}: status {status}, {lines[-1][:200] if lines else 'without a word'}"


def main() -> None:
    """Train data sets of growing size and print a table."""
    parser = command_line(__doc__)
    parser.add_argument("--sizes", default="1M,4M,16M", help="ratings, in ascending order")
    parser.add_argument(
        "--engines", default=",".join(ENGINES), help="which of them (default: %(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", default="2g", help="of each executor's Java")
    parser.add_argument("--time-limit", type=int, default=3600, metavar="SECONDS", help="of a run")
    parser.add_argument(
        "--rank-up-to",
        type=make_ratings.count,
        default="32M",
        metavar="RATINGS",
        help="do not rank everybody's movies in larger data sets (default: %(default)s)",
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster ends as well
    rows: list[Row] = []
    for row in measure(options):
        rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    rows += sizing(rows, options.workers * CORES)
    for table in SPARK_TABLES:
        print(markdown(table, rows), end="\n\n")
    write_rows(options.json, rows)


def measure(options: argparse.Namespace) -> Iterator[Row]:
    """A row for each size and engine."""
    empty: Row = {column.key: None for table in SPARK_TABLES[:2] for column in table.columns}
    for size in map(make_ratings.count, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "data")
            of: Row = {"table": "runs", "ratings": make_up(size, data)}
            for engine in options.engines.split(","):
                own = Path(folder, engine)
                own.mkdir()
                if engine == "local":
                    row = Run(own, None, options).measure(data)
                else:
                    workers = cluster(own / "cluster", options.workers, CORES, options.memory)
                    with workers as running:
                        row = Run(own, running, options).measure(data)
                yield empty | of | {"engine": engine} | row


def traffic(events: Path) -> tuple[int, int, int]:
    """Read Spark's event log: bytes that the executors keep of what is persisted, bytes that all
    tasks wrote for others, and blocks of movies that ALS made."""
    kept: dict[str, int] = {}
    shuffled = blocks = 0
    for file in events.iterdir():
        with open(file, encoding="utf-8") as lines:
            for event in map(json.loads, lines):
                metrics: dict[str, Any] = event.get("Task Metrics") or {}
                write = metrics.get("Shuffle Write Metrics", {})
                shuffled += write.get("Shuffle Bytes Written", 0)
                for block in metrics.get("Updated Blocks", ()):
                    name, status = block["Block ID"], block["Status"]
                    size = status["Memory Size"] + status["Disk Size"]
                    if name.startswith("rdd_"):
                        kept[name] = max(size, kept.get(name, 0))
                for rdd in event.get("Stage Info", {}).get("RDD Info", ()):
                    if rdd["Name"] == "itemInBlocks":
                        blocks = rdd["Number of Partitions"]
    return sum(kept.values()), shuffled, blocks


def sizing(rows: Sequence[Row], cores: int) -> list[Row]:
    """The steps, one row each, from the two largest runs on Spark; none without two.

    What a rating adds is the difference between two sizes, so that what Spark takes to start,
    whatever the size, does not count a thousand times.

    Args:
        rows: of `measure`.
        cores: how many cores all workers had.
    """
    done = [row for row in rows if row["engine"] == "spark" and not row["problem"]]
    if len(done) < 2:
        return []
    small, large = done[-2:]

    def a_rating(of: Callable[[Row], float]) -> float:
        ratings = _number(large, "ratings") - _number(small, "ratings")
        return (of(large) - of(small)) / ratings

    million = cores * a_rating(lambda row: _number(row, "seconds")) * 1e6
    hours = million * RATINGS / 1e6 / 3600
    kept = a_rating(lambda row: _number(row, "kept_mb")) * MB
    heap = kept * RATINGS / SHARE
    bundle = RATING_BYTES * RATINGS + USER_BYTES * USERS
    n_cores = math.ceil(hours / HOURS)
    blocks = als_blocks(int(RATINGS), 0, n_cores, int(SHARE * (heap / n_cores - ASIDE)))
    shuffled, sent = a_rating(_rest), factors_sent(RATINGS, USERS, blocks)
    steps = (
        ("a million ratings more take", f"{million:.1f} s of one core"),
        ("a billion take 1,000 times that", f"{hours:.1f} hours of one core"),
        (f"to be done in {HOURS} hours takes {hours:.1f} / {HOURS}", f"{n_cores} cores"),
        ("a rating more keeps", f"{kept:.0f} bytes on the executors"),
        (f"a billion keep, of {SHARE:.0%} of the heap", f"{heap / GB:.0f} GB of heap in all"),
        (f"of that each core gets 1 / {n_cores}", f"{heap / GB / n_cores:.1f} GB of heap"),
        (
            f"{COPY_BYTES} bytes a user, {PASSES} times, to as many of {blocks} blocks as hold "
            "a movie of 100",
            f"{sent / GB:.0f} GB of shuffles",
        ),
        ("beside that a rating more shuffles", f"{shuffled:.0f} bytes"),
        (
            "all that a billion shuffle",
            f"{(sent + shuffled * RATINGS) / GB:.0f} GB of the workers' disks",
        ),
        (
            f"the bundle: {RATING_BYTES} bytes a rating, {USER_BYTES} a user",
            f"{bundle / GB:.1f} GB of the driver's disk, twice while it is written",
        ),
    )
    return [{"table": "sizing", "step": step, "result": result} for step, result in steps]


def factors_sent(ratings: float, users: float, blocks: float) -> float:
    """Bytes of users' factors that ALS sends, if each user's movies are spread over the blocks."""
    reached = blocks * (1 - (1 - 1 / blocks) ** (ratings / users))
    return COPY_BYTES * PASSES * users * reached


def _rest(row: Row) -> float:
    """Bytes that a run shuffled beside users' factors."""
    sent = factors_sent(*(_number(row, key) for key in ("ratings", "users", "blocks")))
    return _number(row, "shuffled_mb") * MB - sent


def _number(row: Row, key: str) -> float:
    return float(row[key] or 0)


if __name__ == "__main__":
    main()
