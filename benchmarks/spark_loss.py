"""What it costs a training on a Spark cluster that a worker dies in the middle.

    .venv/bin/python benchmarks/spark_loss.py --sizes 4M

Makes up data sets in the shape of MovieLens (`make_ratings.py`), one after the other in a temporary
folder, and trains each twice on a cluster of two workers that are processes of this machine
(`spark_cluster.py`): undisturbed, and with one worker ended by SIGKILL, its executor and all, after
half the seconds that the stars model took undisturbed. From there on the other one is alone, makes
again what was lost, and has half the cores.

Prints a Markdown table: seconds of both trainings, when the worker died, and by how much the
numbers in the two bundles differ at most. What fails, or takes longer than --time-limit, is
a row that says so.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import make_ratings
import numpy as np
from parts import SPARK_LOSS
from report import Row, markdown
from spark_cluster import cluster
from spark_growth import CORES, Run, make_up

from memory_toolkit.record.recorder import Sample
from recommender.bundle.bundle import Bundle

WORKERS = 2
STAGE = "Training the stars model"


@dataclass
class Loss(Run):
    """A training that loses its first worker.

    Attributes:
        seconds: how far into the stage.
        lost: when that was, in seconds since the start; None: the stage has not come so far.
    """

    seconds: float = 0.0
    lost: float | None = field(default=None, init=False)
    _begun: float | None = field(default=None, init=False)

    def _look(self, sample: Sample) -> None:
        super()._look(sample)
        if self._begun is None and STAGE in self._said():
            self._begun = time.monotonic()
        begun = self._begun
        if self.lost is None and begun is not None and time.monotonic() > begun + self.seconds:
            assert self.running
            self.running.workers[0].kill()
            self.lost = sample.seconds

    def _said(self) -> str:
        log = self.folder / "train.log"
        return log.read_text("utf-8") if log.exists() else ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="4M", help="ratings; several with commas")
    parser.add_argument("--memory", default="2g", help="of each executor's Java")
    parser.add_argument("--time-limit", type=int, default=3600, metavar="SECONDS", help="of a run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there, too")
    options = parser.parse_args()
    options.rank_up_to = 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster ends as well
    rows = []
    for row in measure(options):
        rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    print(markdown(SPARK_LOSS, rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def measure(options: argparse.Namespace) -> Iterator[Row]:
    """A row for each size."""
    for size in map(make_ratings.count, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            data, one, other = (Path(folder, name) for name in ("data", "one", "other"))
            row: Row = {column.key: None for column in SPARK_LOSS.columns}
            row |= {"ratings": make_up(size, data)}
            one.mkdir()
            with cluster(one / "cluster", WORKERS, CORES, options.memory) as running:
                undisturbed = Run(one, running, options).measure(data)
            if problem := undisturbed.get("problem"):
                yield row | {"problem": problem}
                continue
            row |= {"undisturbed": undisturbed["seconds"]}
            other.mkdir()
            stage = undisturbed["stars"]
            assert isinstance(stage, float)
            with cluster(other / "cluster", WORKERS, CORES, options.memory) as running:
                loss = Loss(other, running, options, seconds=stage / 2)
                disturbed = loss.measure(data)
            row |= {"lost": loss.lost, "seconds": disturbed["seconds"]}
            if problem := disturbed.get("problem"):
                yield row | {"problem": problem}
                continue
            yield row | {"difference": difference(one / "bundle", other / "bundle")}


def difference(one: Path, other: Path) -> float:
    """By how much the numbers in two bundles differ at most."""
    here, there = Bundle.open(one), Bundle.open(other)
    most = 0.0
    for name in here.files:
        if name.endswith(".npy"):
            values = (np.load(bundle.file(name), mmap_mode="r") for bundle in (here, there))
            apart = np.subtract(*values, dtype=np.float64)
            most = max(most, float(np.abs(apart).max(initial=0.0)))
    return most


if __name__ == "__main__":
    main()
