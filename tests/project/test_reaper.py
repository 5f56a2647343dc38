"""A run of the tests that a signal ends leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from tests.support.reaper import RUN

# Starts a server that would stay, in a session of its own, and says which.
SERVES = """
import subprocess, sys, time

def test_with_a_server():
    server = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    open("server", "w").write(str(server.pid) + "\\n")
    time.sleep(600)

SLEEP = "import time; time.sleep(600)"
"""
SECONDS = 60


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")
@pytest.mark.parametrize(
    ("ending", "workers"),
    [(signal.SIGINT, "1"), (signal.SIGTERM, "1"), (signal.SIGKILL, "1"), (signal.SIGKILL, "0")],
)
def test_no_server_outlives_a_run(ending: signal.Signals, workers: str, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.support.reaper import pytest_configure\n")
    (tmp_path / "test_it.py").write_text(SERVES)
    kept = {k: v for k, v in os.environ.items() if k != RUN and not k.startswith("PYTEST_XDIST")}
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n", workers, "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    try:
        said = tmp_path / "server"
        wait_until(lambda: said.exists() and said.read_text().endswith("\n"))
        server = psutil.Process(int(said.read_text()))
        run.send_signal(ending)
        run.wait(SECONDS)
        wait_until(lambda: not lives(server))
    finally:
        run.kill()
        run.wait()


def wait_until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.05)


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
