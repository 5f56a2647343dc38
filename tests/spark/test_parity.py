"""The models that Spark trains on the sample are as good as those of one process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# By how much the figures of two engines may differ.
TOLERANCE = 0.01


@pytest.mark.usefixtures("java")
def test_figures_are_those_of_the_local_engine(tmp_path: Path) -> None:
    out = tmp_path / "parity.json"
    command = [
        sys.executable,
        "-m",
        "benchmarks.spark_parity",
        "--seeds",
        "1",
        "--master",
        "local[2]",
        "--json",
        out,
    ]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=900)
    found = json.loads(out.read_text("utf-8"))
    here, there = found["local"], found["spark"]
    for figure in ("rmse", "ndcg@10", "recall@20"):
        assert there[figure] == pytest.approx(here[figure], abs=TOLERANCE), figure
    # The same decomposition of the same matrix.
    assert found["same similar movies"]["spark"]["collaborative"] > 0.99
