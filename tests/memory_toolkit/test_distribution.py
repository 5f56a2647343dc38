"""The toolkit's own distribution: its wheel, in an environment with psutil alone beside it."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from memory_toolkit import __version__
from tests.memory_toolkit.planted import ROOT, linux

# A wheel of psutil for one version of Python serves all later ones.
OTHERS = ("3.10", "3.12", "3.13", "3.14")
EVERYTHING = """if True:
    import sys
    import debug_memory as d
    assert d.__version__ == {version!r}, d.__version__
    with d.action("load") as loading:
        rows = bytearray(20 << 20)
    assert loading.record.change > 19 << 20, loading.record
    assert [record.name for record in d.actions()] == ["load"]
    assert [summary.calls for summary in d.summaries()] == [1]
    now = d.snapshot()
    assert now.limit > now.own > 20 << 20
    del rows
    assert d.return_memory().total < 40 << 20
    guard = d.Guard(wait=0.1)
    guard.start()
    with guard.admit("small", need=d.MB):
        assert guard.state().active == 1
    guard.stop()
    text = d.metrics_text(d.memory_metrics(now) + d.action_metrics(d.summaries()), prefix="app")
    assert 'app_memory_bytes{{kind="own"}}' in text
    d.start_memory_tracking()
    kept = [bytes(1000) for _ in range(1000)]
    assert d.top_lines(1)[0].size > 500_000
    d.stop_memory_tracking()
    assert d.count_objects(3)
    timeline = d.Timeline()
    timeline.start()
    timeline.stop()
    d.print_memory_usage("end")
    d.memory_profiler(len)("abc")
    foreign = {{"streamlit", "numpy", "memray", "pytest", "recommender"}} & set(sys.modules)
    assert not foreign, foreign
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources: a build writes into them."""
    folder = tmp_path_factory.mktemp("sources")
    leave = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    shutil.copytree(ROOT / "memory_toolkit", folder / "memory_toolkit", ignore=leave)
    shutil.copy(ROOT / "debug_memory.py", folder)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    command += ["--no-index", "--quiet", "--disable-pip-version-check", "--wheel-dir", "dist"]
    subprocess.run([*command, "./memory_toolkit"], cwd=folder, check=True, timeout=200)
    (built,) = (folder / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel and psutil."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "psutil").symlink_to(psutil())
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
    command += ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", str(wheel)]
    subprocess.run(command, check=True, timeout=200)
    return folder / "bin"


def psutil() -> Path:
    spec = find_spec("psutil")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def find_python(version: str) -> str | None:
    """Return an interpreter of that version: one on the PATH, or one that pyenv has installed."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = [shutil.which(f"python{version}"), *versions.glob(f"{version}.*/bin/python")]
    for python in filter(None, found):
        if not subprocess.run([python, "--version"], capture_output=True).returncode:
            return str(python)
    return None


def clean() -> dict[str, str]:
    """The environment, without what the tests' own process is told."""
    others = ("MATINEE_", "DEBUG_MEMORY", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(others)}


def test_the_wheel_holds_the_package_and_its_face(wheel: Path) -> None:
    assert wheel.name == f"debug_memory-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as file:
        held = {name for name in file.namelist() if ".dist-info/" not in name}
        about = file.read(f"debug_memory-{__version__}.dist-info/METADATA").decode()
    package = ROOT / "memory_toolkit"
    kinds = {".py", ".css", ".json", ".typed"}
    files = [path for path in package.rglob("*") if path.suffix in kinds]
    ours = {path.relative_to(ROOT).as_posix() for path in files if "build" not in path.parts}
    assert held == ours - {"memory_toolkit/setup.py"} | {"debug_memory.py"}
    lines = about.split("\n\n")[0].splitlines()
    assert [line for line in lines if line.startswith("Requires-Dist") and "extra" not in line] == [
        "Requires-Dist: psutil>=5.9"
    ]
    extras = {line.split()[1] for line in lines if line.startswith("Provides-Extra")}
    assert extras == {"streamlit", "profile", "pytest"}
    assert "Requires-Python: >=3.10" in lines


@linux
def test_everything_works_with_psutil_alone(programs: Path, tmp_path: Path) -> None:
    code = EVERYTHING.format(version=__version__)
    command = [programs / "python", "-I", "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=clean(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


@linux
@pytest.mark.parametrize("version", OTHERS)
def test_everything_works_on_another_python(version: str, wheel: Path, tmp_path: Path) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed here")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path)
    (tmp_path / "psutil").symlink_to(psutil())
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    code += EVERYTHING.format(version=__version__)
    done = subprocess.run(
        [python, "-I", "-c", code], env=clean(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


@linux
def test_its_command(programs: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [programs / "debug-memory", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=clean(), capture_output=True, text=True, timeout=120
        )

    checked = run("check")
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith("Limit:")
    recorded = run("run", "--", "sh", "-c", "exit 7")
    assert recorded.returncode == 7
    assert recorded.stderr.startswith("sh exited with status 7\n")
    assert run("watch").stderr == "debug-memory watch: give a process's number, or --url\n"


def test_the_sources_are_python_3_10() -> None:
    for file in [ROOT / "debug_memory.py", *(ROOT / "memory_toolkit").rglob("*.py")]:
        ast.parse(file.read_text("utf-8"), feature_version=(3, 10))


def test_it_names_no_application() -> None:
    named = [
        str(file)
        for file in [ROOT / "debug_memory.py", *(ROOT / "memory_toolkit").rglob("*")]
        if file.suffix in {".py", ".json", ".css", ".toml"} and "build" not in file.parts
        if "matinee" in file.read_text("utf-8").casefold()
    ]
    assert named == []
