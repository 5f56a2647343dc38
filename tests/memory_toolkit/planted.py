"""Plants memory for the toolkit's tests, and says how near to it a measurement must come."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import debug_memory
from memory_toolkit.measure.sizes import MB

ROOT = Path(debug_memory.__file__).parent
linux = pytest.mark.skipif(sys.platform != "linux", reason="the parts are known on Linux only")
resettable = pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="the peak cannot be reset here"
)


def fill(megabytes: float) -> np.ndarray:
    """An array whose every page is resident.

    From 32 MB on glibc always maps anew; below, it may use free pages that count already.
    """
    return np.ones(int(megabytes * MB) // 8)


def near(measured: int, expected_mb: float) -> bool:
    """Within 2 MB or 2%, whichever is more."""
    return abs(measured - expected_mb * MB) <= max(2 * MB, 0.02 * expected_mb * MB)


def run_python(code: str, *arguments: str) -> str:
    """Return what `code` prints in a process of its own that can import debug_memory."""
    return _run("-c", code, *arguments)


def run_script(script: str, *arguments: str) -> str:
    """Return what a script of the project prints."""
    return _run(script, *arguments)


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
