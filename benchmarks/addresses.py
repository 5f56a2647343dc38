"""Cost of a bundle at an address: own memory, RSS and processor time of a look.

    .venv/bin/python -m benchmarks.addresses --bundle bundle --at file:///tmp/published
    .venv/bin/python -m benchmarks.addresses --bundle bundle --at s3://bucket/bundle

Publishes the bundle there and prints a Markdown table: what importing fsspec and aiohttp would take
of the serving process for good, and what the first fetch and a look without news take for a moment
in a process of their own. `benchmarks.swap --http` serves from an address while visitors browse.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

from memory_toolkit.measure.processes import read_processes
from memory_toolkit.measure.sizes import MB
from recommender.core.address import Address
from recommender.remote import child
from recommender.remote.publishing import publish
from tests.support.server import ROOT

LOOKS = 5
# After the app's own programs, of which some use the same libraries.
IMPORT = """
from recommender.app.footprint import _load_app
from memory_toolkit.measure.reading import read
_load_app()
before = read()
import fsspec.implementations.http
now = read()
import json
print(json.dumps([now.own - before.own, now.rss - before.rss]))
"""


def main() -> None:
    """Measure each address and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--at", type=Address, required=True, help="where to publish the bundle")
    options = parser.parse_args()
    publish(options.bundle, options.at)
    command = [sys.executable, "-c", IMPORT]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    own, rss = json.loads(done.stdout)
    print("| what | own memory, MB | RSS, MB | CPU, s |\n|---|---|---|---|")
    print(f"| imported by the app, for good | {own / MB:.1f} | {rss / MB:.1f} | |")
    with tempfile.TemporaryDirectory(prefix="matinee-addresses-") as name:
        folder = Path(name, "fetched")
        for what, times in (("first fetch", 1), ("look without news", LOOKS)):
            before = _processor_seconds()
            peaks = [_peak_of_a_look(options.at, folder) for _ in range(times)]
            used = (_processor_seconds() - before) / times
            own, rss = (max(peak[part] for peak in peaks) / MB for part in (0, 1))
            print(f"| {what}, in a process of its own | {own:.1f} | {rss:.1f} | {used:.2f} |")


def _peak_of_a_look(address: Address, folder: Path) -> tuple[int, int]:
    """Fetch what is new at `address`; return the child's most own memory and RSS, in bytes."""
    peaks, over = [(0, 0)], threading.Event()

    def watch(process: subprocess.Popen[str]) -> None:
        while not over.is_set():
            with suppress(psutil.NoSuchProcess):
                rss = psutil.Process(process.pid).memory_info().rss
                peaks.append((read_processes([process.pid]).own, rss))
            time.sleep(0.005)

    def started(process: subprocess.Popen[str]) -> None:
        threading.Thread(target=watch, args=(process,), daemon=True).start()

    child.run_task("fetch", address, folder, started=started, thoroughly=False)
    over.set()
    return max(own for own, _ in peaks), max(rss for _, rss in peaks)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
