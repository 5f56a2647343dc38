"""A bundle at an address: what a look costs, and new versions while visitors browse.

    .venv/bin/python benchmarks/addresses.py --bundle bundle --limit 256M

Puts a copy of the bundle behind a web server on this machine, serves it by its address within a
real memory limit (a control group; needs root), lets visitors browse over WebSockets and publishes
another version again and again. Prints Markdown tables: what importing fsspec and aiohttp would
take of the serving process for good, what a look in a process of its own takes for a moment, and
own memory and what stays of old versions after each publication. Exits with 1 if a visitor saw an
error, a process was killed for want of memory, a version was not served, files of an old one
stayed, or memory grew by more than 10 MB. Linux only.

    .venv/bin/python benchmarks/addresses.py --bundle bundle --at s3://bucket/bundle

publishes the bundle in another storage and prints what a look costs there, and no more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
from soak_server import ROOT, Server, serve
from soak_visitor import Log, Visitor
from verdict import conclude, print_clicks, troubles

from memory_toolkit.measure.processes import read_processes
from memory_toolkit.measure.sizes import MB, format_bytes, parse_size
from recommender.bundle.bundle import SEMANTIC, Bundle, BundleWriter, manifest_stamp
from recommender.bundle.catalogue import FILE as CATALOGUE_FILE
from recommender.cli.serve import VARIABLES
from recommender.core.address import Address
from recommender.remote import child
from recommender.remote.publishing import publish

ALLOWED_GROWTH = 10 * MB
PATIENCE = 30.0  # seconds until a new version must be served and the old one let go of
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
    options = _options()
    if options.at:
        publish(options.bundle, options.at)
        with tempfile.TemporaryDirectory(prefix="matinee-addresses-") as name:
            _print_costs(options.at, Path(name, "looked"))
        return
    log = Log()
    with tempfile.TemporaryDirectory(prefix="matinee-addresses-") as name, _web(Path(name)) as url:
        address = Address(f"{url}/published")
        made = _Versions(options.bundle, Path(name))
        made.publish()
        _print_costs(address, Path(name, "looked"))
        cache = Path(name, "cache")
        variables = {
            **VARIABLES,
            "MATINEE_BUNDLE_CACHE": str(cache),
            "MATINEE_BUNDLE_SECONDS": "1",
        }
        with serve("streamlit_app.py", address, options.limit, Path(name), variables) as server:
            failures = asyncio.run(_browse(options, made, address.folder(cache), server, log))
            failures += troubles(server, log)
        if failures:
            print("\nThe server's log says last:\n" + server.log.read_text("utf-8")[-3000:])
    print_clicks(log)
    conclude(failures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument(
        "--at", type=Address, help="publish there, s3://bucket/folder, and print what looks cost"
    )
    parser.add_argument("--versions", type=int, default=3, help="so many publications")
    parser.add_argument("--sessions", type=int, default=5, help="visitors at the same time")
    parser.add_argument("--limit", type=parse_size, default=parse_size("256M"))
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two of them")
    parser.add_argument("--think", type=float, default=0.5, help="seconds between two clicks")
    return parser.parse_args()


class _Versions:
    """Makes version after version of a bundle, each with another catalogue, and publishes them."""

    def __init__(self, bundle: Path, folder: Path) -> None:
        self._original = Bundle.open(bundle)
        self._path = folder / "bundle"
        self._address = Address(f"file://{folder}/published")
        self._number = 0
        if manifest_stamp(bundle / SEMANTIC) is not None:
            shutil.copytree(bundle / SEMANTIC, self._path / SEMANTIC)

    def publish(self) -> str:
        """Publish another version; returns the name of its data folder."""
        self._number += 1
        with BundleWriter(self._path) as writer:
            for name in self._original.files:
                shutil.copyfile(self._original.file(name), writer.folder / name)
            with closing(sqlite3.connect(writer.folder / CATALOGUE_FILE)) as catalogue:
                catalogue.execute(f"PRAGMA user_version = {self._number}")
            writer.commit(self._original.info)
            name = writer.folder.name
        publish(self._path, self._address)
        return name


@contextmanager
def _web(folder: Path) -> Iterator[str]:
    """Serve `folder` on this machine; the address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _print_costs(address: Address, folder: Path) -> None:
    command = [sys.executable, "-c", IMPORT]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    own, rss = json.loads(done.stdout)
    print("| what | own memory, MB | RSS, MB | CPU, s |\n|---|---|---|---|")
    print(f"| imported by the app, for good | {own / MB:.1f} | {rss / MB:.1f} | |")
    for what, times in (("first fetch", 1), ("look without news", LOOKS)):
        before = _cpu()
        peaks = [_peak_of_a_look(address, folder) for _ in range(times)]
        used = (_cpu() - before) / times
        own, rss = (max(peak[part] for peak in peaks) / MB for part in (0, 1))
        print(f"| {what}, in a process of its own | {own:.1f} | {rss:.1f} | {used:.2f} |")
    print()


def _peak_of_a_look(address: Address, folder: Path) -> tuple[int, int]:
    """The most own memory and RSS of the child process."""
    peaks, over = [(0, 0)], threading.Event()

    def watch(process: subprocess.Popen[str]) -> None:
        while not over.is_set():
            with suppress(psutil.NoSuchProcess):
                rss = psutil.Process(process.pid).memory_info().rss
                peaks.append((read_processes([process.pid]).own, rss))
            time.sleep(0.005)

    def started(process: subprocess.Popen[str]) -> None:
        threading.Thread(target=watch, args=(process,), daemon=True).start()

    child.ask("fetch", address, folder, started=started, thoroughly=False)
    over.set()
    return max(own for own, _ in peaks), max(rss for _, rss in peaks)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _browse(
    options: argparse.Namespace, made: _Versions, folder: Path, server: Server, log: Log
) -> list[str]:
    """Let visitors browse and publish versions meanwhile; what went wrong, in sentences."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(options.sessions + 2))
    while manifest_stamp(folder) is None or "[after drawing every page]" not in _log(server):
        await asyncio.sleep(0.1)
    end = time.monotonic() + 3600
    visitors = [
        asyncio.create_task(Visitor(server.port, n, options.think, log).browse(end))
        for n in range(options.sessions)
    ]
    failures = []
    print("| version | served after s | own memory, MB | group's peak, MB | old files |")
    print("|---|---|---|---|---|")
    await asyncio.sleep(2 * options.every)
    before, peak = server.own(), server.group_peak()
    print(f"| first | | {before / MB:.1f} | {(peak or 0) / MB:.1f} | 0 |", flush=True)
    for number in range(1, options.versions + 1):
        version = await asyncio.to_thread(made.publish)
        started = time.monotonic()
        while (
            (old := _old_files(server, folder, version)) is None or old or len(_there(folder)) > 1
        ):
            if time.monotonic() - started > PATIENCE:
                failures.append(f"version {number}: old files: {old}, folders: {_there(folder)}")
                break
            await asyncio.sleep(0.05)
        seconds = time.monotonic() - started
        await asyncio.sleep(options.every)
        own, peak = server.own(), server.group_peak() or 0
        print(
            f"| {number} | {seconds:.1f} | {own / MB:.1f} | {peak / MB:.1f} | {old} |", flush=True
        )
    for visitor in visitors:
        visitor.cancel()
    await asyncio.gather(*visitors, return_exceptions=True)
    grown = server.own() - before
    if grown > ALLOWED_GROWTH:
        failures.append(f"own memory grew by {format_bytes(grown)}")
    return failures


def _log(server: Server) -> str:
    return server.log.read_text("utf-8")


def _there(folder: Path) -> list[str]:
    return [version.name for version in folder.glob("data-*")]


def _old_files(server: Server, folder: Path, version: str) -> int | None:
    """Files of other versions that the server has mapped or open; None until it has `version`."""
    process = psutil.Process(server.process.pid)
    mapped = {one.path for one in process.memory_maps()}
    opened = {one.path for one in process.open_files()}
    ours = {path for path in mapped | opened if path.startswith(f"{folder}/data-")}
    new = {path for path in ours if path.startswith(f"{folder / version}/")}
    return len(ours - new) if new else None


if __name__ == "__main__":
    main()
