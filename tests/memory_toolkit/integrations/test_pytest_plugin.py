"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.memory_toolkit.planted import ROOT, linux, resettable

TESTS = """
import pytest

@pytest.fixture
def prepared():
    return bytearray(80 << 20)

@pytest.mark.max_memory("60 MB")
def test_within(prepared):
    assert len(bytearray(40 << 20)) > 0

@pytest.mark.max_memory("20 MB")
def test_beyond():
    assert len(bytearray(40 << 20)) > 0

@pytest.mark.max_memory("20 MB")
def test_wrong():
    assert len(bytearray(40 << 20)) < 0

def test_unmarked():
    assert len(bytearray(40 << 20)) > 0
"""


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_planted.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    command = [sys.executable, "-m", "pytest", "-p", "memory_toolkit.integrations.pytest_plugin"]
    command += ["-p", "no:cacheprovider", "-q", "test_planted.py"]
    found = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=found, capture_output=True, text=True, timeout=120
    )


@linux
@resettable
def test_a_test_that_takes_too_much_fails_and_says_how_much(tmp_path: Path) -> None:
    done = run(tmp_path, TESTS)
    said = re.findall(r"took ([\d.]+) MB at its peak, more than the 20.0 MB", done.stdout)
    assert said, done.stdout + done.stderr
    assert abs(float(said[0]) - 40) < 2
    assert re.search("^FAILED test_planted.py::test_beyond", done.stdout, re.M)
    assert re.search(
        "^FAILED test_planted.py::test_wrong - AssertionError: assert 41943040 < 0",
        done.stdout,
        re.M,
    )
    assert "2 failed, 2 passed" in done.stdout


def test_what_is_no_size_is_one_line(tmp_path: Path) -> None:
    for given, why in (('"lots"', "lots: write a size"), ("20", "write one size")):
        done = run(tmp_path, TESTS.replace('"60 MB"', given))
        assert done.returncode == 4
        assert f"ERROR: test_planted.py::test_within: max_memory: {why}" in done.stderr
