"""The commands on a real cluster: two workers that know nothing of Matinee, one of which dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from recommender import Recommender
from recommender.cli.export import write_recommendations
from tests.conftest import ROOT

if TYPE_CHECKING:
    from tests.support.spark_cluster import Cluster

SECONDS = 900
ON_CLUSTER = ("--engine", "spark", "--spark-conf", "spark.executor.memory=600m", "--master")
DATA = ROOT / "data"
SAMPLE = ("--ratings", DATA / "ratings.parquet", "--movies", DATA / "movies.parquet")


def start(cluster: Cluster, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "recommender.cli", *map(str, words), *ON_CLUSTER, cluster.url],
        cwd=ROOT,
        env=os.environ | cluster.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(line: str, stream: IO[str] | None) -> None:
    assert stream is not None
    seen = []
    for said in stream:
        seen.append(said)
        if line in said:
            return
    raise AssertionError(f"it never said {line!r}: {''.join(seen)}")


def factors(matinee: Recommender) -> tuple[np.ndarray, np.ndarray]:
    scorer = matinee._scorer
    return scorer.stars.movie_factors, scorer.ranking.outputs


def test_everybody_is_ranked_as_in_one_process(
    cluster: Cluster, tiny: Recommender, tmp_path: Path
) -> None:
    out, expected = tmp_path / "parts", tmp_path / "expected.parquet"
    words = ("recommend", "--all-users", "-n", 5, "--bundle", tiny.bundle.path, "--out", out)
    said, errors = start(cluster, *words).communicate(timeout=SECONDS)
    write_recommendations(tiny.recommend_all(5), expected)
    assert f"{out}: 250 recommendations in Parquet\n50 users in " in said, errors
    assert pq.read_table(out) == pq.read_table(expected)


def test_a_worker_that_dies_changes_nothing(
    cluster: Cluster, sample: Recommender, tmp_path: Path
) -> None:
    undisturbed = start(cluster, "train", *SAMPLE, "--out", tmp_path / "undisturbed")
    _, errors = undisturbed.communicate(timeout=SECONDS)
    assert undisturbed.returncode == 0, errors

    training = start(cluster, "train", *SAMPLE, "--out", tmp_path / "bundle")
    try:
        wait_for("Training the stars model", training.stderr)
        time.sleep(1)
        victim = cluster.workers[0]
        assert len(victim.family()) > 1, "it has no executor"
        victim.kill()
        # It is in the middle: there is much to do that only the other worker can do now.
        wait_for("Training the ranking model", training.stderr)
        _, errors = training.communicate(timeout=SECONDS)
        assert training.returncode == 0, errors
    finally:
        training.kill()
    assert cluster.alive() == 1

    found, expected = (Recommender.open(tmp_path / name) for name in ("bundle", "undisturbed"))
    # The data are those that one process imports, and the models those of two healthy workers.
    assert found.bundle.training.data.fingerprint == sample.bundle.training.data.fingerprint
    for own, other in zip(factors(found), factors(expected), strict=True):
        assert own == pytest.approx(other, abs=1e-5)
    for user in expected.users(50):
        best = [one.movie.movie_id for one in expected.recommend_for_user(user)]
        assert [one.movie.movie_id for one in found.recommend_for_user(user)] == best


@pytest.mark.usefixtures("java")
def test_no_process_of_a_cluster_outlives_it(tmp_path: Path) -> None:
    from tests.support.spark_cluster import cluster

    with suppress(RuntimeError), cluster(tmp_path / "own", workers=1) as running:
        assert running.alive() == 1
        raise RuntimeError
    (worker,) = running.workers
    assert worker.process.returncode == -signal.SIGKILL
    assert worker.family() == []
