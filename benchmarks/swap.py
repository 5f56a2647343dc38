"""New versions of a bundle while visitors browse: what they see, and what it takes.

    .venv/bin/python -m benchmarks.swap --bundle bundle --versions 5 --sessions 5 --limit 256M

Serves a copy of the bundle within a real memory limit (a control group; needs root), lets visitors
browse over WebSockets and commits another version at the same path again and again, as `matinee
train` does. With --http the server fetches the bundle from a web server on this machine, and each
version is published as `matinee publish` does. Prints a Markdown table: own memory, the most that
the group ever held, and how many files of replaced versions the server still has mapped or open.
Exits with 1 if a visitor saw an error, a process was killed for want of memory, a version was not
served, files of an old one stayed, or memory grew by more than 10 MB. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sqlite3
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil

from benchmarks.command_line import command_line
from benchmarks.harness import conclude, troubles
from memory_toolkit.measure.sizes import MB, format_bytes, parse_size
from recommender.bundle.bundle import Bundle
from recommender.bundle.catalogue import FILE as CATALOGUE_FILE
from recommender.bundle.manifest import SEMANTIC, manifest_stamp
from recommender.bundle.writer import BundleWriter
from recommender.core.address import Address
from recommender.core.serving_variables import VARIABLES
from recommender.remote.publishing import publish
from tests.remote.origin_server import storage_of
from tests.support.server import Server, serve
from tests.support.visitor import Log, Visitor

ALLOWED_GROWTH = 10 * MB
MAX_SECONDS = 30.0  # until a new version must be served and the old one let go of


def main() -> None:
    """Replace the bundle while visitors browse and print what they saw."""
    options = _options()
    log = Log()
    with tempfile.TemporaryDirectory(prefix="matinee-swap-") as name, storage_of(Path(name)) as web:
        folder = Path(name)
        versions = Versions(options.bundle, folder, publishing=options.http)
        versions.make()
        bundle: Path | Address = versions.path
        served, variables = versions.path, dict(VARIABLES)
        if options.http:
            bundle = Address(f"{web.url}/published")
            served = bundle.cache_folder(folder / "cache")
            cache = {"MATINEE_BUNDLE_CACHE": str(folder / "cache")}
            variables |= {**cache, "MATINEE_BUNDLE_SECONDS": "1"}
        with serve("streamlit_app.py", bundle, options.limit, folder, variables) as server:
            failures = asyncio.run(_browse(options, versions, served, server, log))
            failures += troubles(server, log)
        if failures:
            print("\nThe server's log says last:\n" + server.log.read_text("utf-8")[-3000:])
    conclude(failures, log)


def _options() -> argparse.Namespace:
    parser = command_line(__doc__, rows=False)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--http", action="store_true", help="the server fetches it from an address")
    parser.add_argument("--versions", type=int, default=5, help="number of new versions")
    parser.add_argument("--sessions", type=int, default=5, help="visitors at the same time")
    parser.add_argument("--limit", type=parse_size, default=parse_size("256M"))
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two versions")
    parser.add_argument("--think", type=float, default=0.5, help="seconds between two clicks")
    return parser.parse_args()


class Versions:
    """Makes version after version of a bundle, each with other bytes in its catalogue.

    Args:
        folder: for the bundle at `path`, and for what is published.
        publishing: publish each version in `folder / "published"`.
    """

    def __init__(self, bundle: Path, folder: Path, publishing: bool) -> None:
        self.path = folder / "bundle"
        self._original = Bundle.open(bundle)
        self._address = Address(f"file://{folder}/published") if publishing else None
        self._number = 0
        if manifest_stamp(bundle / SEMANTIC) is not None:
            shutil.copytree(bundle / SEMANTIC, self.path / SEMANTIC)

    def make(self) -> str:
        """Make another version; return the name of its data folder."""
        self._number += 1
        with BundleWriter(self.path) as writer:
            for name in self._original.files:
                shutil.copyfile(self._original.file(name), writer.folder / name)
            with closing(sqlite3.connect(writer.folder / CATALOGUE_FILE)) as catalogue:
                catalogue.execute(f"PRAGMA user_version = {self._number}")
            writer.commit(self._original.manifest.info)
            name = writer.folder.name
        if self._address is not None:
            publish(self.path, self._address)
        return name


async def _browse(
    options: argparse.Namespace, versions: Versions, folder: Path, server: Server, log: Log
) -> list[str]:
    """Let visitors browse and make versions meanwhile; return what went wrong, in sentences."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(options.sessions + 2))
    while "[after drawing every page]" not in server.log.read_text("utf-8"):
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
    before, peak = server.own(), server.group_peak() or 0
    print(f"| first | | {before / MB:.1f} | {peak / MB:.1f} | 0 |", flush=True)
    for number in range(1, options.versions + 1):
        version = await asyncio.to_thread(versions.make)
        started = time.monotonic()
        while (old := _old_files(server, folder, version)) or old is None:
            if time.monotonic() - started > MAX_SECONDS:
                failures.append(f"version {number}: old files: {old}")
                break
            await asyncio.sleep(0.05)
        seconds = time.monotonic() - started
        await asyncio.sleep(options.every)
        own, peak = server.own(), server.group_peak() or 0
        row = f"{number} | {seconds:.1f} | {own / MB:.1f} | {peak / MB:.1f} | {old}"
        print(f"| {row} |", flush=True)
    for visitor in visitors:
        visitor.cancel()
    await asyncio.gather(*visitors, return_exceptions=True)
    grown = server.own() - before
    if grown > ALLOWED_GROWTH:
        failures.append(f"own memory grew by {format_bytes(grown)}")
    return failures


def _old_files(server: Server, folder: Path, version: str) -> int | None:
    """Count files of other versions that the server maps, opens or has kept on the disk.

    Returns:
        The number, or None until the server has `version`.
    """
    process = psutil.Process(server.process.pid)
    mapped = {one.path for one in process.memory_maps()}
    opened = {one.path for one in process.open_files()}
    ours = {path for path in mapped | opened if path.startswith(f"{folder}/data-")}
    new = {path for path in ours if path.startswith(f"{folder / version}/")}
    others = [path for path in folder.glob("data-*") if path.name != version]
    return len(ours - new) + len(others) if new else None


if __name__ == "__main__":
    main()
