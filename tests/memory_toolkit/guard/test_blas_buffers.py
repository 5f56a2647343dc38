import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ROOT

CODE = """
import threading
from memory_toolkit.measure.reading import read
from memory_toolkit.guard.blas_buffers import _multiply, take_blas_buffers
threading.stack_size(2**20)
before = read()
take_blas_buffers(6)
taken = read()
together = threading.Barrier(3)
threads = [threading.Thread(target=_multiply, args=(together,)) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(taken.data - before.data, read().data - taken.data, taken.own - before.own)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space is told on Linux only")
def test_afterwards_threads_multiply_without_asking_for_more() -> None:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    if "openblas" not in blas:
        pytest.skip(f"numpy uses {blas}")
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        env={"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    taken, more, own = map(int, done.stdout.split())
    assert taken > 60 * 2**20  # several buffers of address space
    assert more < 30 * 2**20  # and not one more
    assert own < 10 * 2**20
