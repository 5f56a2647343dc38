"""Memory that a bundle takes, measured in a process like the app's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recommender.app.footprint import other_bundles
from recommender.core.serving_variables import VARIABLES
from tests.conftest import ROOT

MB = 1024 * 1024


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "recommender.app.footprint", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_sample(sample_bundle: Path) -> None:
    done = run(str(sample_bundle))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["name"] == str(sample_bundle)
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


def test_it_is_measured_as_it_is_served(tmp_path: Path) -> None:
    code = (
        "import json, os, sys\n"
        "from recommender.app.footprint import start_as_served\n"
        "start_as_served()\n"
        "print(json.dumps(dict(os.environ)), sys._xoptions, sys.argv[1:])\n"
    )
    (tmp_path / "tell.py").write_text(code)
    unset = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "tell", "a b"],
        cwd=tmp_path,
        env={**unset, "MALLOC_ARENA_MAX": "7", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    found, end = json.JSONDecoder().raw_decode(done.stdout)
    assert {name: found[name] for name in VARIABLES} == {**VARIABLES, "MALLOC_ARENA_MAX": "7"}
    assert done.stdout[end:] == " {'dev': True} ['a b']\n"  # the same command line


def test_the_own_bundle_is_another_one_unless_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.app.footprint.APP", tmp_path / "streamlit_app.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATINEE_BUNDLE", "elsewhere")
    assert other_bundles() == []
    (tmp_path / "bundle").mkdir()
    assert other_bundles() == [tmp_path / "bundle"]
    monkeypatch.setenv("MATINEE_BUNDLE", "./bundle")
    assert other_bundles() == []
