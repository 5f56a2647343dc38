"""The command `check` on this machine, on a limit and on bundles, measured for real."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from memory_toolkit.cli.check import check
from memory_toolkit.cli.registered import GROUP, LIMIT_GROUP
from memory_toolkit.measure.limit import LIMIT_VARIABLE
from memory_toolkit.measure.sizes import MB, format_bytes
from tests.memory_toolkit.groups import join, real_v1_group
from tests.memory_toolkit.planted import ROOT, linux, resettable


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (LIMIT_VARIABLE, "MATINEE_MEMORY_LIMIT", "MATINEE_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def checked(tmp_path: Path, before: str = "", **environment: str) -> str:
    """Return what `check` prints in its own process, in `tmp_path`, after the code `before`."""
    code = f"{before}from debug_memory import *; from memory_toolkit.cli.commands import main\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}raise SystemExit(main(['check']))"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@resettable
def test_the_machine_and_a_bundle(tiny_bundle: Path, tmp_path: Path) -> None:
    said = checked(tmp_path, MATINEE_BUNDLE=str(tiny_bundle))
    total = format_bytes(psutil.virtual_memory().total)
    assert f"  machine: {total}, " in said
    assert "MATINEE_MEMORY_LIMIT:  not set" in said
    assert "exact, from the kernel's own mark" in said
    peak = re.search(r"a trial peak of 8.0 MB was measured as ([0-9.]+) MB", said)
    assert peak
    assert abs(float(peak[1]) - 8) < 2
    assert re.search("of small objects: .*; Python's own allocator .* PYTHONMALLOC=malloc", said)
    assert "a trial freed 19.1 MB and gave back " in said
    assert f"Bundle {tiny_bundle}, in a process like the app's" in said
    for size in ("256 MB:", "512 MB:", "1 GB:"):
        assert re.search(f"^  {size} +fits with .* MB to spare", said, re.MULTILINE)
    assert said.count("\nBundle ") == 1 + (ROOT / "bundle").is_dir()


@linux
def test_a_real_limit_that_is_too_small(tiny_bundle: Path, tmp_path: Path) -> None:
    with real_v1_group(40 * MB) as group:
        said = checked(tmp_path, join(group), MATINEE_BUNDLE=str(tiny_bundle))
    assert f"Limit:                   40.0 MB (cgroup v1 {group})" in said
    assert f"  cgroup v1 {group}: limit 40.0 MB, " in said
    assert "ended by signal 9, most likely for want of memory" in said


def test_a_limit_that_was_set_by_hand(tmp_path: Path) -> None:
    said = checked(tmp_path, MATINEE_MEMORY_LIMIT="45M", MATINEE_BUNDLE=str(ROOT / "data"))
    assert said.startswith("Limit:                   45.0 MB (MATINEE_MEMORY_LIMIT)\n")
    assert "MATINEE_MEMORY_LIMIT:  45M" in said
    assert f"Bundle:                  matinee: {ROOT / 'data'}: " in said


def copied_alone(folder: Path, *arguments: str, **more: str) -> str:
    """Return what the toolkit prints that was copied into a folder with psutil and nothing else."""
    shutil.copy(ROOT / "debug_memory.py", folder)
    for package in (ROOT / "memory_toolkit", Path(psutil.__file__).parent):
        shutil.copytree(package, folder / package.name)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-S", "debug_memory.py", *arguments],  # -S: no installed packages
        cwd=folder,
        env={**environment, **more},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_toolkit_alone_measures_no_application(tmp_path: Path) -> None:
    said = copied_alone(tmp_path, "check")
    assert "Giving memory back:" in said
    assert "undle" not in said
    assert "fits" not in said


def test_any_application_registers_what_to_measure(tmp_path: Path) -> None:
    registered = tmp_path / "shop-1.dist-info"
    registered.mkdir()
    (registered / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1\n")
    (registered / "entry_points.txt").write_text(
        f"[{GROUP}]\nShelf = shop\nTill = till\n[{LIMIT_GROUP}]\nSHOP_LIMIT = shop\n"
    )
    (tmp_path / "shop.py").write_text(
        "import json, sys\n"
        "name, *_ = [*sys.argv[1:], 'books']\n"
        "if name == '--others': raise SystemExit(print('toys'))\n"
        f"peak = {300 * MB} if name == 'toys' else {3 * MB}\n"
        "print(json.dumps(dict(name=name, start=1, opened=2, peak=peak, file=4)))\n"
    )
    (tmp_path / "till.py").write_text("raise SystemExit('the till is locked')\n")
    limits, _, *shelves = copied_alone(tmp_path, "check", SHOP_LIMIT="700M").split("\n\n")[1:]
    assert "  SHOP_LIMIT:            700M\n  DEBUG_MEMORY_LIMIT:    not set\n" in limits
    assert shelves[0].startswith("Shelf books, in a process like the app's")
    assert "3.0 MB at most" in shelves[0]
    assert re.search("^  256 MB: +fits with ", shelves[0], re.MULTILINE)
    assert "  here, 700.0 MB:" in shelves[0]
    assert shelves[1].startswith("Shelf toys, ")
    assert re.search("^  256 MB: +does not fit: ", shelves[1], re.MULTILINE)
    assert shelves[2:] == [f"{'Till:':25}the till is locked\n"]


@pytest.mark.parametrize("variable", [LIMIT_VARIABLE, "MATINEE_MEMORY_LIMIT"])
def test_a_wrong_limit_is_one_line(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from memory_toolkit.cli.commands import main

    monkeypatch.setenv(variable, "lots")
    assert main(["check"]) == 2
    assert capsys.readouterr().err == (
        f"debug-memory check: {variable}=lots: give a size of at least 1M, such as 256M or 1.5G\n"
    )
    with pytest.raises(ValueError, match="lots"):
        list(check())
