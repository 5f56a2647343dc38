"""What each variable that run.sh sets for the server is worth: own memory with many visitors.

    .venv/bin/python benchmarks/environment.py --visitors 20 --seconds 30

Starts the app with each setting in turn, and sends visitors who do this and that at the same time
(`soak_visitor`). Prints a Markdown table of RssAnon: once the bundle is loaded, at most while they
are there, and when their sessions are over. The limit is wide, so that the guard stays out. Then
prints what numpy's threads take in a process without anything else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from soak_server import Server, serve
from soak_visitor import Log, Visitor

from memory_toolkit.measure.sizes import MB, parse_size

SETTINGS: tuple[dict[str, str], ...] = (
    {},
    {"OPENBLAS_NUM_THREADS": "1"},
    {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "4"},
    {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
    {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
    {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "65536"},
    {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "PYTHONMALLOC": "malloc"},
    {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "PYTHONMALLOC": "malloc"},
)
# What numpy's threads take by themselves, once they had something to do.
PRODUCT = """
import numpy as np
ones = np.ones((600, 600))
ones @ ones
print(open("/proc/self/status").read())
"""
LIMIT = "4G"
LOADED_SECONDS, GONE_SECONDS, SAMPLE_SECONDS = 3.0, 45.0, 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--think", type=float, default=0.5, help="seconds between two clicks")
    options = parser.parse_args()
    print("| variables | loaded | at most | afterwards | answers | errors |")
    print("|---|---|---|---|---|---|")
    for variables in SETTINGS:
        figures = measure(variables, options)
        name = " ".join(f"{key}={value}" for key, value in variables.items()) or "none"
        print(f"| {name} | " + " | ".join(figures) + " |", flush=True)
    print("\n| threads of numpy | own memory | address space |\n|---|---|---|")
    for threads in range(1, (os.cpu_count() or 1) + 1):
        print(f"| {threads} | " + " | ".join(product(threads)) + " |", flush=True)


def product(threads: int) -> list[str]:
    """RssAnon and VmData of a process that multiplies two matrices."""
    done = subprocess.run(
        [sys.executable, "-c", PRODUCT],
        env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
        check=True,
    )
    sizes = (re.search(rf"{key}:\s*(\d+) kB", done.stdout) for key in ("RssAnon", "VmData"))
    return [f"{int(size[1]) / 1024:.1f} MB" for size in sizes if size]


def measure(variables: dict[str, str], options: argparse.Namespace) -> list[str]:
    """The figures of one row."""
    with tempfile.TemporaryDirectory() as folder:
        limit = parse_size(LIMIT)
        with serve(
            "streamlit_app.py", options.bundle, limit, Path(folder), variables=variables
        ) as server:
            time.sleep(LOADED_SECONDS)
            loaded = server.own()
            log = Log()
            most = asyncio.run(_visit(server, log, options))
            time.sleep(GONE_SECONDS)
            sizes = (loaded, most, server.own())
    answers = sum(map(len, log.seconds.values()))
    return [*(f"{size / MB:.1f} MB" for size in sizes), str(answers), str(log.errors.total())]


async def _visit(server: Server, log: Log, options: argparse.Namespace) -> int:
    """Own memory at most while the visitors are there."""
    end = time.monotonic() + options.seconds
    people = [Visitor(server.port, i, options.think, log) for i in range(options.visitors)]
    browsing = asyncio.gather(*(visitor.browse(end) for visitor in people))
    most = 0
    while not browsing.done():
        most = max(most, server.own())
        await asyncio.sleep(SAMPLE_SECONDS)
    await browsing
    return most


if __name__ == "__main__":
    main()
