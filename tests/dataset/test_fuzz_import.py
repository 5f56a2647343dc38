"""A few imports of the fuzzing, as a person would start it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.dataset.fuzz_import import BrokenPromiseError, attempt

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")


def fuzz(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.dataset.fuzz_import", "--minutes", "10"]
    return subprocess.run(
        [*command, *options, "--out", str(out)], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.slow
def test_nothing_fails(tmp_path: Path) -> None:
    done = fuzz(tmp_path, "--imports", "20", "--seed", "3")
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
    done = fuzz(tmp_path, "--imports", "3", "--limit", "50M")
    assert done.returncode == 1, done.stdout + done.stderr
    kept = sorted(tmp_path.iterdir())
    assert f"--again {kept[0]}" in done.stdout
    assert f"--again {kept[0]}" in (kept[0] / "failure.txt").read_text()
