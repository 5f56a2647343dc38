"""A short soak of the real app by real WebSocket sessions, in a real control group where one can be
made."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")


def soak(bundle: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark as a person would."""
    command = [sys.executable, "-m", "benchmarks.soak", "--bundle", str(bundle), "--think", "0.05"]
    return subprocess.run(
        [*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=300
    )


@pytest.mark.slow
def test_visitors_do_everything_and_see_no_error(tiny_bundle: Path, tmp_path: Path) -> None:
    file = tmp_path / "memory.csv"
    options = ("--sessions", "3", "--minutes", "0.05", "--churn", "5", "--idle", "0.5")
    done = soak(tiny_bundle, *options, "--csv", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n0 errors\n" in done.stdout
    assert done.stdout.endswith("All well.\n")
    rows = list(csv.DictReader(file.open(encoding="utf-8")))
    phases = list(dict.fromkeys(row["phase"] for row in rows))
    assert phases[1:] == ["one visitor", "visitors", "all gone", "churn", "all gone again"]
    assert all(10 * 2**20 < int(row["own"]) < 256 * 2**20 for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_who_asks_for_too_much_is_refused_and_harms_nobody(tiny_bundle: Path, workers: str) -> None:
    options = ("--sessions", "3", "--minutes", "0.1", "--greedy", "1", "--idle", "0.5")
    done = soak(tiny_bundle, *options, "--workers", workers)
    assert done.returncode == 0, done.stdout + done.stderr
    for kind in ("pieces", "whole", "lists"):
        cells = next(line for line in done.stdout.splitlines() if f"greedy: {kind}" in line)
        _, _, times, *_, busy, too_much, _ = (cell.strip() for cell in cells.split("|"))
        assert int(times) >= 1
        assert int(busy) + int(too_much) == int(times)


@pytest.mark.slow
def test_what_goes_wrong_is_an_error(tmp_path: Path) -> None:
    done = soak(tmp_path / "no-bundle", "--sessions", "1", "--minutes", "0", "--idle", "0")
    assert done.returncode == 1
    assert "rate a movie: one visitor who did everything could not" in done.stdout
    assert "no-bundle" in done.stdout  # the server's log
    assert "FAILED:" in done.stdout
