"""New bundles under the real app while real WebSocket sessions browse."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]


@pytest.mark.parametrize("options", [(), ("--http",)], ids=["path", "address"])
def test_visitors_do_not_notice_and_nothing_of_the_old_stays(
    tiny_bundle: Path, options: tuple[str, ...]
) -> None:
    command = [sys.executable, "-m", "benchmarks.swap", "--bundle", str(tiny_bundle), *options]
    size = ("--versions", "3", "--sessions", "3", "--every", "1", "--think", "0.05")
    done = subprocess.run([*command, *size], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(", 0 errors\nAll well.\n")
    rows = [line for line in done.stdout.splitlines() if line.startswith(("| first", "| 1", "| 3"))]
    assert len(rows) == 3
    assert all(row.endswith("| 0 |") for row in rows)
