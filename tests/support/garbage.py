"""Some 300 MB of mixed garbage, and what each way of giving memory back makes of it.

    .venv/bin/python tests/support/garbage.py [psutil|ctypes]

Prints own memory in bytes as JSON, over what was held before: `taken` by the garbage, still held
when the last reference was `dropped`, `left` at the end, and what each step gave back. With
"ctypes" the heap is trimmed without psutil's help.
"""

from __future__ import annotations

import argparse
import gc
import json
import threading
from importlib.util import find_spec

import numpy as np
import psutil

from memory_toolkit.measure.reading import read
from memory_toolkit.measure.returning import return_memory

MB = 2**20
ROUNDS = 10
HAS_ARROW = find_spec("pyarrow") is not None


def mixed(survivors: list[bytes]) -> list[object]:
    """150 MB: circles that only the collector can free, arrays, strings, bytes, Arrow tables.

    Among them, small things survive, as in any program that goes on.
    """
    made: list[object] = []
    for _ in range(ROUNDS):
        for size in (100, 700, 5_000, 60_000, 1_000_000):
            made.extend(_circle(size) for _ in range(MB // size))
            survivors.append(b"s" * 2_000)
        for length in (10, 1_000, 100_000):
            made.extend(np.ones(length) for _ in range(MB // (8 * length)))
            survivors.append(b"s" * 2_000)
        made.extend(str(number).zfill(200) for number in range(4_000))
        made.extend(b"y" * 3_000 for _ in range(350))
        made.extend(_table() for _ in range(HAS_ARROW))
    return made


def _circle(size: int) -> object:
    circle: dict[str, object] = {"text": "x" * size}
    circle["self"] = circle
    return circle


def _table() -> object:
    import pyarrow as pa

    return pa.table({"number": np.arange(100_000)})


def give_back() -> dict[str, int | None]:
    """The figures. The garbage is made by two threads, so that it is not all in one heap."""
    if HAS_ARROW:
        _table()  # what the first one imports stays
    gc.disable()
    return_memory()
    before = read().own
    held: list[object] = []
    survivors: list[bytes] = []
    threads = [threading.Thread(target=lambda: held.extend(mixed(survivors))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = read().own - before
    held.clear()
    dropped = read().own - before
    returned = return_memory()
    gc.enable()
    left = read().own - before - sum(map(len, survivors))
    return {"taken": taken, "dropped": dropped, **vars(returned), "left": left}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trim", nargs="?", choices=("psutil", "ctypes"), default="psutil")
    if parser.parse_args().trim == "ctypes":
        vars(psutil).pop("heap_trim", None)
    print(json.dumps(give_back()))
