"""The shell scripts' own logic, run on copies without installing anything."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

MATINEE = Path(sys.executable).with_name("matinee")

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The scripts in a folder whose environment is marked as installed; streamlit and matinee
    there only say how they were called."""
    (tmp_path / "recommender").mkdir()
    code = "recommender/passes.c"
    for name in ("run.sh", "run_debug.sh", "requirements.lock", "pyproject.toml", code):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "pip").write_text("#!/bin/sh\nexit 9\n")
    said = 'echo "$(basename "$0") $* bundle=$MATINEE_BUNDLE debug=$DEBUG_MEMORY"\n'
    said += 'echo "arenas=$MALLOC_ARENA_MAX threads=$OPENBLAS_NUM_THREADS"\n'
    # What .env adds is asked of the real program.
    settings = f'[ "$1" != settings ] || exec "{MATINEE}" "$@"\n'
    (programs / "streamlit").write_text("#!/bin/sh\n" + said)
    (programs / "matinee").write_text("#!/bin/sh\n" + settings + said)
    for program in programs.iterdir():
        if not program.is_symlink():
            program.chmod(0o755)
    mark = "cat requirements.lock pyproject.toml recommender/passes.c | cksum > .venv/installed"
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


def test_allocator_and_threads_are_kept_small_unless_told_otherwise(project: Path) -> None:
    port = str(free_port())
    done = run(project, "run.sh", STREAMLIT_SERVER_PORT=port)
    assert "arenas=2 threads=1" in done.stdout
    done = run(
        project,
        "run.sh",
        STREAMLIT_SERVER_PORT=port,
        MALLOC_ARENA_MAX="7",
        OPENBLAS_NUM_THREADS="3",
    )
    assert "arenas=7 threads=3" in done.stdout


def test_a_file_of_settings_counts_for_everything(project: Path) -> None:
    port = str(free_port())
    (project / ".env").write_text(
        f"MATINEE_BUNDLE='/x y/$(touch trap)'\nSTREAMLIT_SERVER_PORT={port}\nDEBUG_MEMORY=no\n"
        "MALLOC_ARENA_MAX=4\n"
    )
    done = run(project, "run_debug.sh")
    assert done.returncode == 0, done.stderr
    assert f"Matinee is at http://localhost:{port}" in done.stdout
    assert "bundle=/x y/$(touch trap) debug=true" in done.stdout
    assert "arenas=4" in done.stdout
    assert not (project / "trap").exists()


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("MATINEE_USER_BATCH=abc", "MATINEE_USER_BATCH=abc: give a whole number from 1 to 4,096"),
        ("a line", ".env, line 1: write NAME=value"),
    ],
)
def test_a_setting_that_cannot_be_used(project: Path, file: str, line: str) -> None:
    (project / ".env").write_text(file)
    done = run(project, "run.sh", STREAMLIT_SERVER_PORT=str(free_port()))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"matinee: {line}\n")


@pytest.mark.parametrize("given", [["--limit", "256M"], ["--limit=256M"]])
def test_only_the_server_runs_under_the_limit(project: Path, given: list[str]) -> None:
    program = project / "debug_memory.py"
    program.write_text(
        "import os, sys\nprint('under', *sys.argv[1:4])\nos.execv(sys.argv[5], sys.argv[5:])\n"
    )
    port = str(free_port())
    done = run(project, "run_debug.sh", "--server.port", port, *given, "--x=a b")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("under run --limit 256M\n") == 1
    assert f"run streamlit_app.py --server.port {port} --x=a b" in done.stdout
    assert "debug=true" in done.stdout


@pytest.mark.parametrize("given", [["--limit", "lots"], ["--limit=256"], ["--limit"]])
def test_a_wrong_limit_is_said_before_anything_is_set_up(project: Path, given: list[str]) -> None:
    (project / "run.sh").write_text("echo set up\n")
    done = run(project, "run_debug.sh", *given)
    assert (done.returncode, done.stdout) == (2, "")
    assert "write a size such as 256M or 1.5G" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_bundle_is_trained_first(project: Path) -> None:
    matinee = project / ".venv" / "bin" / "matinee"
    matinee.write_text(
        '#!/bin/sh\n[ "$1" != settings ] || exit 0\necho "matinee $*"\n[ "$1" = train ]\n'
    )
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
