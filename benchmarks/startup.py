"""Cost of a start: each library by itself, the app's programs, the bundle, the served app.

    .venv/bin/python -m benchmarks.startup --bundle bundle

Prints two Markdown tables. Own memory is RssAnon, over that of Python alone for the imports; each
figure comes from a process of its own, each time is the median of several starts. Linux only.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.command_line import command_line, write_rows
from memory_toolkit.measure.sizes import MB, parse_size
from tests.support.server import ROOT, serve

# What the serving process loads, then what it never does.
LOADED = ("numpy", "recommender", "streamlit.web.cli")
KEPT_OUT = ("PIL.Image", "scipy.sparse", "pyarrow", "pandas", "sklearn.feature_extraction.text")
LIMIT = parse_size("1G")
SETTLING_SECONDS = 2.0
IMPORT = """
import sys, time
def own():
    status = open("/proc/self/status").read()
    return int(status.split("RssAnon:")[1].split()[0]) * 1024
before, started = own(), time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - started, own() - before)
"""


def main() -> None:
    """Measure each part of a start and print a table."""
    parser = command_line(__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--starts", type=int, default=5)
    options = parser.parse_args()

    rows: list[dict[str, object]] = []
    print("| import | own memory | takes | in the server |\n|---|---|---|---|")
    for module in LOADED + KEPT_OUT:
        seconds, own = imported(module, options.starts)
        served = "yes" if module in LOADED else "never"
        print(f"| {module} | {own:.1f} MB | {1000 * seconds:.0f} ms | {served} |", flush=True)
        rows.append(
            {"table": "imports", "module": module, "mb": own, "seconds": seconds, "served": served}
        )
    print("\n| the app | own memory |\n|---|---|")
    for what, own in footprint(options.bundle):
        print(f"| {what} | {own:.1f} MB |")
        rows.append({"table": "app", "what": what, "mb": own})
    seconds, own = served_app(options.bundle, options.starts)
    what = "served, before the first visitor"
    print(f"| {what} | {own:.1f} MB |\n\nIt answers {seconds:.1f} s after its start.")
    rows.append({"table": "app", "what": what, "mb": own, "seconds": seconds})
    write_rows(options.json, rows)


def imported(module: str, starts: int) -> tuple[float, float]:
    """Seconds and MB that importing `module` takes."""
    command = [sys.executable, "-c", IMPORT, module]
    found = []
    for _ in range(starts):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found.append(tuple(map(float, done.stdout.split())))
    seconds, own = map(statistics.median, zip(*found, strict=True))
    return seconds, own / MB


def footprint(bundle: Path) -> list[tuple[str, float]]:
    """MB with the app's programs, with the bundle, and at most while everything is asked."""
    command = [sys.executable, "-m", "recommender.app.footprint", str(bundle.resolve())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    steps = (
        ("its programs, imported", "start"),
        ("and the bundle, opened", "opened"),
        ("at most, every question asked once", "peak"),
    )
    return [(what, found[key] / MB) for what, key in steps]


def served_app(bundle: Path, starts: int) -> tuple[float, float]:
    """Seconds until the server answers, and its MB before its first visitor."""
    seconds, sizes = [], []
    for _ in range(starts):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            with serve("streamlit_app.py", bundle, LIMIT, Path(folder)) as server:
                seconds.append(time.perf_counter() - started)
                time.sleep(SETTLING_SECONDS)
                sizes.append(server.own() / MB)
    return statistics.median(seconds), statistics.median(sizes)


if __name__ == "__main__":
    main()
