"""Memory that malloc keeps, in processes where nothing else was allocated before."""

import json
import subprocess
import sys

import pytest

from memory_toolkit.measure.heap import kept_free
from memory_toolkit.measure.mappings import Mapping
from memory_toolkit.measure.sizes import MB

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
# Half of the blocks stay in the second case, so that no page gets empty.
PROGRAM = """
import gc, json, sys, threading
from memory_toolkit.measure.heap import kept_free
from memory_toolkit.measure.mappings import read_mappings
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.returning import return_memory

found, kept = [], []
def look():
    found.append((kept_free(read_mappings()), read().own))

def work():
    blocks = [bytes(1000) for _ in range(40_000)]
    look()
    kept.append(blocks[::int(sys.argv[1])])
    del blocks
    gc.collect()
    look()
    return_memory()
    look()

thread = threading.Thread(target=work)
thread.start()
thread.join()
print(json.dumps(found))
"""


def figures(keep_each: int) -> list[list[int]]:
    """Kept free and own memory: with the blocks, without most of them, and after a trim."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(keep_each)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_what_is_freed_is_kept_until_a_trim() -> None:
    (full, _), (freed, own_freed), (trimmed, own_trimmed) = figures(keep_each=10_000)
    assert full < 2 * MB
    assert freed > 25 * MB
    assert trimmed < 2 * MB
    # What it said to be kept free is what the trim gave back.
    assert own_freed - own_trimmed == pytest.approx(freed - trimmed, rel=0.05)


def test_free_blocks_between_used_ones_stay_kept_after_a_trim() -> None:
    (_, _), (freed, _), (trimmed, _) = figures(keep_each=2)
    assert freed > 15 * MB
    assert trimmed > 15 * MB


def test_it_is_not_known_without_mappings() -> None:
    assert kept_free([]) is None
    assert kept_free([Mapping(0, 4096, "rw-p", "")]) is None
