"""The shell scripts' own logic, run on copies without installing anything."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The scripts in a folder whose environment is marked as installed; streamlit and matinee
    there only say how they were called."""
    for name in ("run.sh", "run_debug.sh", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "pip").write_text("#!/bin/sh\nexit 9\n")
    said = 'echo "$(basename "$0") $* bundle=$MATINEE_BUNDLE debug=$DEBUG_MEMORY"\n'
    for name in ("streamlit", "matinee"):
        (programs / name).write_text("#!/bin/sh\n" + said)
    for program in programs.iterdir():
        if not program.is_symlink():
            program.chmod(0o755)
    mark = "cat requirements.lock pyproject.toml | cksum > .venv/installed"
    subprocess.run(["bash", "-c", mark], cwd=tmp_path, check=True)
    return tmp_path


def run(project: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MATINEE_", "STREAMLIT_"))}
    kept.pop("DEBUG_MEMORY", None)
    return subprocess.run(
        ["bash", *command], cwd=project, env={**kept, **environment}, capture_output=True, text=True
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def test_a_second_run_installs_nothing_and_serves(project: Path) -> None:
    port = free_port()
    done = run(project, "run.sh", "--server.port", str(port), "--server.headless=true")
    assert done.returncode == 0, done.stderr
    assert "Installing" not in done.stdout
    assert f"Matinee is at http://localhost:{port}" in done.stdout
    assert f"run streamlit_app.py --server.port {port} --server.headless=true" in done.stdout
    assert f"bundle={project}/bundle debug=\n" in done.stdout


def test_debug_and_a_bundle_of_ones_own(project: Path) -> None:
    done = run(
        project, "run_debug.sh", STREAMLIT_SERVER_PORT=str(free_port()), MATINEE_BUNDLE="/x/y"
    )
    assert done.returncode == 0, done.stderr
    assert "bundle=/x/y debug=true" in done.stdout
    assert "matinee" not in done.stdout


def test_a_missing_bundle_is_trained_first(project: Path) -> None:
    matinee = project / ".venv" / "bin" / "matinee"
    matinee.write_text('#!/bin/sh\necho "matinee $*"\n[ "$1" = train ]\n')
    (project / "data").mkdir()
    (project / "data" / "CREDIT.txt").write_text("Somebody's data")
    done = run(project, "run.sh", STREAMLIT_SERVER_PORT=str(free_port()))
    assert done.returncode == 0, done.stderr
    assert "matinee train --ratings data/ratings.parquet" in done.stdout
    assert "--credit Somebody's data" in done.stdout


@pytest.mark.parametrize("how", ["argument", "argument with =", "environment"])
def test_a_port_in_use(project: Path, how: str) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        if how == "environment":
            done = run(project, "run.sh", STREAMLIT_SERVER_PORT=port)
        else:
            given = ["--server.port", port] if how == "argument" else [f"--server.port={port}"]
            done = run(project, "run.sh", *given)
    assert done.returncode == 1
    assert f"port {port} is in use" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_changed_lock_is_installed_again_and_a_failure_is_said(project: Path) -> None:
    with open(project / "requirements.lock", "a") as lock:
        lock.write("# changed\n")
    done = run(project, "run.sh")
    assert done.returncode == 1
    assert "Installing what requirements.lock pins" in done.stdout
    assert "the installation failed" in done.stderr


def test_no_python_that_is_new_enough(project: Path) -> None:
    shutil.rmtree(project / ".venv")
    old = project / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    programs = project / "programs"
    programs.mkdir()
    for name in ("bash", "cat", "cksum", "dirname", "grep", "rm"):
        (programs / name).symlink_to(str(shutil.which(name)))
    done = run(project, "run.sh", PATH=str(programs), PYTHON=str(old))
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr
