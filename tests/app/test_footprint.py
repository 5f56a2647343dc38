"""What a bundle takes in a process like the app's, measured in one."""

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

MB = 1024 * 1024


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "recommender.app.footprint", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_sample(sample_bundle: Path) -> None:
    done = run(str(sample_bundle))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["bundle"] == str(sample_bundle)
    # The app itself is the larger part by far.
    assert 30 * MB < found["start"] <= found["opened"] <= found["peak"] < 110 * MB
    assert found["file"] > MB


def test_it_loads_nothing_that_the_server_does_not(tiny_bundle: Path) -> None:
    code = (
        "import sys; sys.argv[1:] = [sys.argv[1]]\n"
        "from recommender.app.footprint import main\n"
        "status = main()\n"
        "heavy = {'pandas', 'pyarrow', 'PIL', 'scipy', 'sklearn', 'altair', 'duckdb', 'surprise'}\n"
        "print(status, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny_bundle)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.endswith("0 []\n"), done.stderr


def test_no_bundle_is_one_line(tmp_path: Path) -> None:
    done = run(str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"matinee: {tmp_path}/none: there is no bundle here")
    assert len(done.stderr.splitlines()) == 1
