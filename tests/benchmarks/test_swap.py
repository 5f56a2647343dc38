"""New bundles under the real app while real WebSocket sessions browse."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_visitors_do_not_notice_and_nothing_of_the_old_stays(tiny_bundle: Path) -> None:
    command = [sys.executable, "benchmarks/swap.py", "--bundle", str(tiny_bundle)]
    options = ("--swaps", "3", "--sessions", "3", "--every", "1", "--think", "0.05")
    done = subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("All well.\n")
    rows = [line for line in done.stdout.splitlines() if line.startswith(("| first", "| 1", "| 3"))]
    assert len(rows) == 3
    assert all(row.endswith("| 0 |") for row in rows)
