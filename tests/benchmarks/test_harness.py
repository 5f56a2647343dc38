"""The end of a benchmark that records commands."""

import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT

RUN = """
import sys
from benchmarks.harness import recorded

recorded(sys.executable, "-c", "print('ready', flush=True); import time; time.sleep(60)")
print("went on")
"""


@pytest.mark.skipif(not hasattr(signal, "sigtimedwait"), reason="recordings are Linux's")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_is_asked_to_end_during_a_recording_ends(number: signal.Signals, status: int) -> None:
    command = [sys.executable, "-c", RUN]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == ""
        assert process.wait(timeout=60) == status
