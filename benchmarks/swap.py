"""New bundles take the old one's place while visitors browse: what they see, and what it takes.

    .venv/bin/python benchmarks/swap.py --bundle bundle --swaps 5 --sessions 5 --limit 256M

Serves a copy of the bundle within a real memory limit (a control group; needs root), lets visitors
browse over WebSockets and commits another copy at the same path again and again, as `matinee train`
does. Prints a Markdown table: own memory, and how many files of replaced bundles the server still
has mapped or open, after each. Exits with 1 if a visitor saw an error, a process was killed for
want of memory, the new bundle was not served, files of an old one stayed, or memory grew by more
than 10 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from soak_server import Server, serve
from soak_visitor import Log, Visitor
from verdict import conclude, print_clicks, troubles

from memory_toolkit.measure.sizes import MB, format_bytes, parse_size
from recommender.bundle.bundle import Bundle, BundleWriter

ALLOWED_GROWTH = 10 * MB
PATIENCE = 20.0  # seconds until a new bundle must be served and the old one let go of


def main() -> None:
    options = _options()
    log = Log()
    with tempfile.TemporaryDirectory(prefix="matinee-swap-") as name:
        path = Path(name, "bundle")
        original = Bundle.open(options.bundle)
        _commit(original, path)
        with serve("streamlit_app.py", path, options.limit, Path(name)) as server:
            failures = asyncio.run(_swap(options, original, path, server, log))
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
    parser.add_argument("--swaps", type=int, default=5, help="so many new bundles")
    parser.add_argument("--sessions", type=int, default=5, help="visitors at the same time")
    parser.add_argument("--limit", type=parse_size, default=parse_size("256M"))
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two bundles")
    parser.add_argument("--think", type=float, default=0.5, help="seconds between two clicks")
    return parser.parse_args()


async def _swap(
    options: argparse.Namespace, original: Bundle, path: Path, server: Server, log: Log
) -> list[str]:
    """Let visitors browse and swap bundles meanwhile; what went wrong, in sentences."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(options.sessions + 2))
    # Until the last swap is done; whoever is in the middle of something finishes that.
    end = time.monotonic() + 3600
    visitors = [
        asyncio.create_task(Visitor(server.port, n, options.think, log).browse(end))
        for n in range(options.sessions)
    ]
    failures = []
    print("| bundle | served after s | own memory, MB | old files |\n|---|---|---|---|")
    await asyncio.sleep(2 * options.every)
    before = server.own()
    print(f"| first | | {before / MB:.1f} | {_old_files(server, path)} |", flush=True)
    for number in range(1, options.swaps + 1):
        await asyncio.to_thread(_commit, original, path)
        started = time.monotonic()
        while not _serves(server, path) or _old_files(server, path):
            if time.monotonic() - started > PATIENCE:
                failures.append(f"bundle {number}: {_old_files(server, path)} old files stayed")
                break
            await asyncio.sleep(0.05)
        seconds = time.monotonic() - started
        await asyncio.sleep(options.every)
        row = f"{number} | {seconds:.1f} | {server.own() / MB:.1f} | {_old_files(server, path)}"
        print(f"| {row} |", flush=True)
    for visitor in visitors:
        visitor.cancel()
    await asyncio.gather(*visitors, return_exceptions=True)
    grown = server.own() - before
    if grown > ALLOWED_GROWTH:
        failures.append(f"own memory grew by {format_bytes(grown)}")
    return failures


def _commit(original: Bundle, path: Path) -> None:
    """Write a copy of `original` at `path`, as a training does."""
    with BundleWriter(path) as writer:
        for name in original.files:
            shutil.copyfile(original.file(name), writer.folder / name)
        writer.commit(original.info)


def _serves(server: Server, path: Path) -> bool:
    """Whether the server has the bundle that is now at `path` mapped."""
    (folder,) = path.glob("data-*")
    return str(folder) in Path(f"/proc/{server.process.pid}/maps").read_text()


def _old_files(server: Server, path: Path) -> int:
    """How many removed files of `path` the server has mapped or open. Source: proc(5)."""
    process = Path(f"/proc/{server.process.pid}")
    names = {line.split(maxsplit=5)[-1] for line in (process / "maps").read_text().splitlines()}
    for link in (process / "fd").iterdir():
        try:
            names.add(str(link.readlink()))
        except FileNotFoundError:  # closed meanwhile
            continue
    return sum(name.startswith(str(path)) and name.endswith("(deleted)") for name in names)


if __name__ == "__main__":
    main()
