"""Size of an installation: for serving alone, and for training and serving.

    .venv/bin/python -m benchmarks.install_size --bundle bundle

Makes a virtual environment of each lock file, with the project itself as a wheel, and prints a
Markdown table: packages, disk, and own memory (RssAnon) and RSS of the app that was started in it
and answers, before anybody came. Takes some minutes and the network. `--json FILE` writes the rows,
too, and `--write-docs` puts the table into docs/hosting.md.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

from benchmarks.command_line import command_line, write_rows
from benchmarks.report import Column, Row, Table, markdown, write_places
from memory_toolkit.measure.processes import read_processes
from memory_toolkit.measure.sizes import MB
from tests.support.server import clean_environment, comes_true, end_process, free_ports

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "hosting.md"
LOCKS = {
    "serving: `deploy/requirements.lock`": "deploy/requirements.lock",
    "training, too: `requirements.lock`": "requirements.lock",
}
NOT_BUILT = (".git", ".venv", ".*_cache", "bundle", "build", "profiles", "docs", "tests", "*.so")
IDLE_SECONDS = 5.0
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
    parser = command_line(__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
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
    write_rows(options.json, rows)


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
    (port,) = free_ports(1)
    own = {"MATINEE_BUNDLE": str(bundle), "MATINEE_WORKERS": "1", "PORT": str(port)}
    process = subprocess.Popen(
        [environment / "bin" / "matinee", "serve"],
        cwd=home,
        env=clean_environment() | own,
        stdout=subprocess.DEVNULL,
    )

    def is_ready() -> bool:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
            return True
        return process.poll() is not None

    try:
        if not comes_true(is_ready) or process.poll() is not None:
            raise RuntimeError("the app did not start; see above")
        time.sleep(IDLE_SECONDS)
        now = read_processes([process.pid])
        return {"own_mb": now.own / MB, "rss_mb": (now.own + now.file) / MB}
    finally:
        end_process(process)


if __name__ == "__main__":
    main()
