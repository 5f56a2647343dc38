"""Size of an installation: for serving alone, and for training and serving.

    .venv/bin/python -m benchmarks.install_size --bundle bundle

Makes a virtual environment of each lock file, with the project itself as a wheel, and prints a
Markdown table: packages, disk, and own memory (RssAnon) and RSS of the app that was started in it
and answers, before anybody came. Takes some minutes and the network. `--json FILE` writes the rows,
too, and `--write-docs` puts the table into docs/hosting.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.report import Column, Row, Table, markdown, write_places
from memory_toolkit.measure.processes import read_processes
from memory_toolkit.measure.sizes import MB

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "hosting.md"
LOCKS = {
    "serving: `deploy/requirements.lock`": "deploy/requirements.lock",
    "training, too: `requirements.lock`": "requirements.lock",
}
NOT_BUILT = (".git", ".venv", ".*_cache", "bundle", "build", "profiles", "docs", "tests", "*.so")
START_SECONDS, IDLE_SECONDS, END_SECONDS = 60, 5.0, 20
PORT = 8599
TABLE = Table(
    "install-size",
    (
        Column("installation", "installation"),
        Column("packages", "packages", "d"),
        Column("disk_mb", "MB on disk", ".0f"),
        Column("own_mb", "own memory, MB", ".1f"),
        Column("rss_mb", "RSS, MB", ".1f"),
    ),
)


def main() -> None:
    """Install into empty environments and print their sizes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there, too")
    parser.add_argument("--write-docs", action="store_true", help=f"bring {DOCS.name} up to date")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="matinee-install-") as name:
        for number, (installation, lock) in enumerate(LOCKS.items()):
            environment = Path(name, f"environment-{number}")
            print(f"Installing {lock} …", file=sys.stderr)
            install(environment, ROOT / lock, Path(name))
            sizes = serve(environment, options.bundle.resolve(), Path(name))
            rows.append({"installation": installation, **measure(environment), **sizes})
    print(markdown(TABLE, rows))
    if options.write_docs:
        write_places([DOCS], {TABLE.name: markdown(TABLE, rows)})
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def install(environment: Path, lock: Path, folder: Path) -> None:
    """A virtual environment with what `lock` pins and the project; pip is not left in it."""
    wheels = folder / "wheels"
    if not wheels.exists():
        source = folder / "source"  # a build writes into it
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*NOT_BUILT))
        _pip(Path(sys.executable), "wheel", "--no-deps", "--wheel-dir", wheels, source)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    _pip(python, "install", "--require-hashes", "-r", lock)
    _pip(python, "install", "--no-deps", *wheels.iterdir())
    _pip(python, "uninstall", "--yes", "pip")


def _pip(python: Path, *arguments: object) -> None:
    command = [python, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    subprocess.run(list(map(str, command)), check=True)


def measure(environment: Path) -> Row:
    """Return the number of packages, and the bytes that all files take on disk."""
    sizes = [path.lstat().st_blocks * 512 for path in environment.rglob("*")]
    packages = len(list(environment.glob("lib/*/site-packages/*.dist-info")))
    return {"packages": packages, "disk_mb": sum(sizes) / MB}


def serve(environment: Path, bundle: Path, folder: Path) -> Row:
    """The memory of the app, started as the container image does and left alone."""
    home = folder / f"{environment.name}-app"
    home.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MATINEE_", "STREAMLIT_"))}
    process = subprocess.Popen(
        [environment / "bin" / "matinee", "serve"],
        cwd=home,
        env={**kept, "MATINEE_BUNDLE": str(bundle), "MATINEE_WORKERS": "1", "PORT": str(PORT)},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(PORT, process)
        time.sleep(IDLE_SECONDS)
        now = read_processes([process.pid])
        return {"own_mb": now.own / MB, "rss_mb": (now.own + now.file) / MB}
    finally:
        process.terminate()
        process.wait(END_SECONDS)


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until /healthz says that the app can serve.

    Raises:
        RuntimeError: it does not within a minute, or the process ended.
    """
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError("the app did not start; see above")


if __name__ == "__main__":
    main()
