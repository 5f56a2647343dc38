"""A few seconds of the fuzzing, as a person would start it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.dataset.fuzz_import import BrokenPromiseError, attempt

FUZZ = (sys.executable, "-m", "tests.dataset.fuzz_import")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")


def test_nothing_fails(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.dataset.fuzz_import",
        "--minutes",
        "0.05",
        "--seed",
        "3",
    ]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failed" in done.stdout
    assert "mend the line" in done.stdout
    assert not list(tmp_path.iterdir())


def test_an_attempt_tells_a_refusal_from_a_failure(tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movie,title\n1,a\n")
    (tmp_path / "ratings.csv").write_text("user,movie,rating\n1,1,3\n")
    assert attempt(tmp_path) == ""
    (tmp_path / "ratings.csv").write_text("user,movie,rating\n1,1,good\n")
    assert attempt(tmp_path).startswith("ratings.csv, line 2: rating good is not a number")
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(BrokenPromiseError, match="the disk is blamed"):
        attempt(tmp_path)


def test_too_little_memory_is_a_failure_that_is_kept(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.dataset.fuzz_import",
        "--minutes",
        "0.03",
        "--limit",
        "50M",
    ]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1, done.stdout + done.stderr
    kept = sorted(tmp_path.iterdir())
    assert f"--again {kept[0]}" in done.stdout
    assert f"--again {kept[0]}" in (kept[0] / "failure.txt").read_text()
