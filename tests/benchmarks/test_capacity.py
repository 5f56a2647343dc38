"""The benchmark of capacity, with few visitors."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's"),
]


def test_the_app_beside_a_page_with_one_button(tiny_bundle: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.capacity", "--bundle", str(tiny_bundle)),
            *("--sessions", "2", "--workers", "1", "2", "--think", "0.2", "--seconds", "2"),
            *("--json", str(tmp_path / "rows.json")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "rows.json").read_text())
    found = [(row["page"], row["workers"], row["visitors"]) for row in rows]
    assert found == [("one button", 1, 2), ("Matinee", 1, 2), ("Matinee", 2, 2)]
    assert all(row["clicks_per_second"] > 0 and row["errors"] == 0 for row in rows)
    assert "At most" in done.stdout
