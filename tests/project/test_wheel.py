"""The wheel: what it holds, and that it serves in an environment and a folder of its own."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender import __version__
from recommender.core.optional_packages import TRAINING
from tests.conftest import ROOT

# What a build of the wheel reads.
SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "debug_memory.py")
SOURCES += ("streamlit_app.py", ".streamlit", "data", "memory_toolkit", "recommender")
CARRIED = "recommender/project_files"
READY_SECONDS = 240


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources: a build writes into them."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    for left in [*folder.rglob("__pycache__"), *folder.rglob("*.so")]:
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    command += ["--no-index", "--quiet", "--disable-pip-version-check", "--wheel-dir", "dist", "."]
    subprocess.run(command, cwd=folder, check=True, timeout=300)
    (built,) = (folder / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def environments(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The programs of two environments with the wheel: "train" with the packages for training, and
    "serve" without them. Their other packages are those of the tests."""
    folder = tmp_path_factory.mktemp("environments")
    return {
        name: installed(wheel, folder / name, without)
        for name, without in (("train", ()), ("serve", TRAINING))
    }


def installed(wheel: Path, folder: Path, without: tuple[str, ...]) -> Path:
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/*/site-packages")
    # By its name Streamlit knows that it is installed, and not being developed.
    shared = folder / "shared" / "site-packages"
    shared.mkdir(parents=True)
    for entry in (
        e for place in sys.path if place.endswith("-packages") for e in os.scandir(place)
    ):
        ours = "matinee" in entry.name or entry.name.endswith(".pth")
        if not ours and entry.name not in without and not (shared / entry.name).exists():
            (shared / entry.name).symlink_to(entry.path)
    (packages / "shared.pth").write_text(f"{shared}\n")
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
    command += ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", str(wheel)]
    subprocess.run(command, check=True, timeout=300)
    return folder / "bin"


def clean(**more: str) -> dict[str, str]:
    """The environment, without what the tests' own process is told."""
    others = ("MATINEE_", "STREAMLIT_", "DEBUG_MEMORY", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**kept, "STREAMLIT_SERVER_HEADLESS": "true", **more}


def test_it_holds_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        held = {name: file.getinfo(name).file_size for name in file.namelist()}
        record = file.read(f"{CARRIED}/.streamlit/config.toml")
    assert wheel.name.startswith(f"matinee-{__version__}-cp")
    ours = [p for f in ("recommender", "memory_toolkit") for p in (ROOT / f).rglob("*")]
    needed = {".py", ".css", ".json", ".po", ".typed"}
    named = {p.relative_to(ROOT).as_posix() for p in ours if p.suffix in needed}
    named.remove("memory_toolkit/setup.py")
    assert "memory_toolkit/setup.py" not in held
    assert {"recommender/py.typed", "memory_toolkit/py.typed"} <= named
    assert sorted(named - set(held)) == []
    assert any(re.fullmatch(r"recommender/models/passes\..*\.so", name) for name in held)
    assert record == (ROOT / ".streamlit" / "config.toml").read_bytes()
    for name in ("streamlit_app.py", *(f"data/{n}" for n in ("CREDIT.txt", "README.md"))):
        assert held[f"{CARRIED}/{name}"] == (ROOT / name).stat().st_size
    for name in ("ratings.parquet", "movies.parquet", "titles_ko.csv"):
        assert held[f"{CARRIED}/data/{name}"] == (ROOT / "data" / name).stat().st_size
    others = [name for name in held if not name.startswith(("recommender/", "memory_toolkit/"))]
    assert {name for name in others if ".dist-info/" not in name} == {"debug_memory.py"}


@pytest.mark.slow
def test_it_names_its_version(environments: dict[str, Path], tmp_path: Path) -> None:
    for programs in environments.values():
        command = [programs / "matinee", "--version"]
        done = subprocess.run(command, cwd=tmp_path, env=clean(), capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, f"matinee {__version__}\n")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def served(
    environments: dict[str, Path], tmp_path: Path, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """`matinee serve` of the environment that can train, in an empty folder; its log is beside."""
    home = tmp_path / "empty"
    home.mkdir()
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            [environments["train"] / "matinee", "serve", "--", "--server.address=127.0.0.1"],
            cwd=home,
            env=clean(PORT=str(port)),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        yield process
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            process.kill()


def answer(address: str) -> str:
    """The text at `address`; empty if nobody answers or it is an error."""
    try:
        with urllib.request.urlopen(address, timeout=10) as found:
            return str(found.read().decode())
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return ""


@pytest.mark.slow
def test_it_trains_the_sample_and_serves_in_an_empty_folder(
    served: subprocess.Popen[bytes], tmp_path: Path, port: int
) -> None:
    end, health = time.monotonic() + READY_SECONDS, ""
    log = tmp_path / "log"
    while not health and time.monotonic() < end:
        assert served.poll() is None, log.read_text("utf-8")
        time.sleep(0.2)
        health = answer(f"http://127.0.0.1:{port}/healthz")
    assert json.loads(health) == {"status": "ready", "reason": None}, log.read_text("utf-8")
    assert "<title>" in answer(f"http://127.0.0.1:{port}/")
    said = log.read_text("utf-8")
    assert "Training on the sample data" in said
    assert f"Matinee is at http://localhost:{port}" in said
    manifest = json.loads((tmp_path / "empty" / "bundle" / "manifest.json").read_text("utf-8"))
    assert "GroupLens" in manifest["info"]["settings"]["credit"]
    assert manifest["info"]["quality"]
    words = Path(f"/proc/{served.pid}/cmdline").read_text().split("\0")
    assert any(word.endswith(f"{CARRIED}/streamlit_app.py") for word in words)


@pytest.mark.slow
def test_its_settings_of_streamlit_count(environments: dict[str, Path], tmp_path: Path) -> None:
    program = """if True:
        from streamlit import config
        from recommender.core.project_files import APP
        config._main_script_path = str(APP)  # as `streamlit run` does
        print(config.get_option("server.fileWatcherType"), config.get_option("theme.font"))
    """
    command = [environments["serve"] / "python", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=clean(), capture_output=True, text=True)
    assert done.stdout == "none sans-serif\n", done.stderr


@pytest.mark.slow
def test_without_the_packages_for_training_it_says_what_to_do(
    environments: dict[str, Path], tmp_path: Path
) -> None:
    done = subprocess.run(
        [environments["serve"] / "matinee", "serve"],
        cwd=tmp_path,
        env=clean(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"matinee: no bundle is here \(MATINEE_BUNDLE names one\); "
        r"training the sample needs \w+, which is not installed: .*\n",
        done.stderr,
    )
    assert not list(tmp_path.iterdir())
