"""The shell scripts' own logic, run on copies without installing anything."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The scripts in a folder whose environment is marked as installed; the matinee there only says
    how it was called."""
    (tmp_path / "recommender" / "models").mkdir(parents=True)
    code = ("recommender/models/passes.c", "recommender/models/descend.h")
    for name in ("run.sh", "run_debug.sh", "requirements.lock", "pyproject.toml", *code):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "pip").write_text("#!/bin/sh\nexit 9\n")
    called = 'echo "matinee $* debug=$DEBUG_MEMORY under=$MATINEE_RUN_UNDER"\n'
    (programs / "matinee").write_text("#!/bin/sh\n" + called)
    for program in programs.iterdir():
        if not program.is_symlink():
            program.chmod(0o755)
    marked = " ".join(("requirements.lock", "pyproject.toml", *code))
    mark = f"cat {marked} | cksum > .venv/installed"
    subprocess.run(["bash", "-c", mark], cwd=tmp_path, check=True)
    return tmp_path


def run(project: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MATINEE_", "STREAMLIT_"))}
    kept.pop("DEBUG_MEMORY", None)
    return subprocess.run(
        ["bash", *command], cwd=project, env={**kept, **environment}, capture_output=True, text=True
    )


def test_a_second_run_installs_nothing_and_serves(project: Path) -> None:
    done = run(project, "run.sh", "--server.port", "8600", "--server.headless=true")
    assert done.returncode == 0, done.stderr
    assert "Installing" not in done.stdout
    assert "matinee serve -- --server.port 8600 --server.headless=true" in done.stdout
    assert done.stdout.endswith(" debug= under=\n")


def test_debug(project: Path) -> None:
    done = run(project, "run_debug.sh", MATINEE_BUNDLE="/x/y")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "matinee serve -- debug=true under=\n"


@pytest.mark.parametrize("given", [["--limit", "256M"], ["--limit=256M"]])
def test_only_the_server_runs_under_the_limit(project: Path, given: list[str]) -> None:
    done = run(project, "run_debug.sh", "--server.port", "8600", *given, "--x=a b")
    assert done.returncode == 0, done.stderr
    under = ".venv/bin/python debug_memory.py run --limit 256M --"
    assert done.stdout == (
        f"matinee serve -- --server.port 8600 --x=a b debug=true under={under}\n"
    )


@pytest.mark.parametrize("given", [["--limit", "lots"], ["--limit=256"], ["--limit"]])
def test_a_wrong_limit_is_said_before_anything_is_set_up(project: Path, given: list[str]) -> None:
    (project / "run.sh").write_text("echo set up\n")
    done = run(project, "run_debug.sh", *given)
    assert (done.returncode, done.stdout) == (2, "")
    assert "write a size such as 256M or 1.5G" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_changed_lock_is_installed_again_and_a_failure_is_said(project: Path) -> None:
    with open(project / "requirements.lock", "a") as lock:
        lock.write("# changed\n")
    done = run(project, "run.sh")
    assert done.returncode == 1
    assert "Installing what requirements.lock pins" in done.stdout
    assert "the installation failed" in done.stderr


def test_without_a_compiler(project: Path) -> None:
    (project / "requirements.lock").write_text("# changed\n")
    (project / ".venv" / "bin" / "pip").write_text(
        "#!/bin/sh\n"
    )  # what it cannot build, it leaves out
    done = run(project, "run.sh")
    assert done.returncode == 1
    assert "training needs a C compiler; install one" in done.stderr
    assert len(done.stderr.splitlines()) == 1


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
