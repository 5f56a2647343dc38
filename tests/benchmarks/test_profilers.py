"""The comparison of profilers, as far as no other tool is needed."""

import sys
from pathlib import Path

from benchmarks.profilers.__main__ import CAUSES, LIMIT, PLENTY, Program, profiled
from benchmarks.profilers.tools import HERE, TOOLS
from memory_toolkit.measure.sizes import MB
from tests.memory_toolkit.planted import linux

pytestmark = linux
PROGRAMS = HERE / "programs"


def test_this_tool_sees_the_short_peak(tmp_path: Path) -> None:
    program = Program([str(PROGRAMS / "peak.py")], "spike", PLENTY)
    run = profiled(TOOLS["debug-memory"], program, sys.executable, tmp_path)
    assert run.report.peak is not None
    assert 200 * MB < run.report.peak < 300 * MB
    assert not any(cause in run.report.words for cause in CAUSES)


def test_this_tool_says_what_killed(tmp_path: Path) -> None:
    program = Program([str(PROGRAMS / "kill.py")], "grow", LIMIT)
    run = profiled(TOOLS["debug-memory"], program, sys.executable, tmp_path)
    assert any(cause in run.report.words for cause in CAUSES)


def test_logs_of_samples_are_read(tmp_path: Path) -> None:
    (tmp_path / "mprof.dat").write_text("CMDLINE x\nMEM 12.5 1.0\nMEM 31.0 1.1\nMEM 4.0 1.2\n")
    (tmp_path / "psrecord.log").write_text(
        "# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)\n"
        "       0.000        0.000       15.250       99.000\n"
        "       0.101       80.000       42.500       99.000\n"
    )
    assert TOOLS["mprof"].report("", tmp_path, "").peak == 31 * MB
    assert TOOLS["psrecord"].report("", tmp_path, "").peak == 42.5 * MB
    assert TOOLS["Dask"].report("", tmp_path, "peak 1024\n").peak == 1024
    assert TOOLS["Dask"].report("", tmp_path, "worker lost\n").peak is None
