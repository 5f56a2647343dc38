"""The benchmarks as commands, their tables and plots, and what the docs show of them."""

import argparse
import dataclasses
import json
import re
import runpy
import sys
from pathlib import Path

import pytest

from benchmarks import run
from benchmarks.machine import describe
from benchmarks.parts import PARTS, Part
from benchmarks.report import Column, Row, Table, markdown, replaced, soak, write_places
from recommender.bundle.manifest import MANIFEST
from tests.conftest import ROOT

DOCS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SCRIPTS = sorted(
    file
    for file in (ROOT / "benchmarks").rglob("*.py")
    if re.search(r"(ArgumentParser|command_line)\([^)]*__doc__", file.read_text())
)
TABLE = Table("speed", (Column("name", "what"), Column("ms", "ms", ",.1f")), "times")
ROWS: list[Row] = [
    {"table": "times", "name": "one", "ms": 1234.56},
    {"table": "sizes", "name": "not of this table"},
    {"table": "times", "name": "two", "ms": None},
]
MARKED = "before\n<!-- figures: speed -->\nold\n<!-- end of figures -->\nafter"


def test_a_table_has_its_rows_alone() -> None:
    assert markdown(TABLE, ROWS) == "| what | ms |\n|---|---|\n| one | 1,234.6 |\n| two |  |"


def test_only_places_with_figures_change(tmp_path: Path) -> None:
    new = "before\n<!-- figures: speed -->\n| 1 \\1 |\n<!-- end of figures -->\nafter"
    assert replaced(MARKED, {"speed": "| 1 \\1 |"}) == new
    assert replaced(MARKED, {"size": "| 1 |"}) == MARKED
    files = [tmp_path / "with.md", tmp_path / "without.md"]
    files[0].write_text(MARKED)
    files[1].write_text("nothing here")
    assert write_places(files, {"speed": "| 1 \\1 |"}) == files[:1]
    assert files[0].read_text() == new
    assert write_places(files, {"speed": "| 1 \\1 |"}) == []


def test_every_place_of_the_page_is_filled_by_a_part_and_closed() -> None:
    names = {table.name for part in PARTS for table in part.tables} | {"machine"}
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    places = re.findall("<!-- figures: (.+?) -->", text)
    assert set(places) <= names
    assert len(places) == text.count("<!-- end of figures -->") > 0


def test_the_machine_is_described() -> None:
    found = describe()
    assert all(found.values())
    assert "not installed" not in found["packages"]


def test_memory_over_time_is_thinned_and_keeps_its_peak(tmp_path: Path) -> None:
    (tmp_path / "soak").write_text(
        '[{"table": "actions", "action": "all", "p95_ms": 60.5},'
        ' {"table": "summary", "limit_mb": 256}]'
    )
    lines = [f"{n / 4},visitors,{2**20 * (200 if n == 777 else 60)},0" for n in range(6000)]
    (tmp_path / "soak.csv").write_text("\n".join(["seconds,phase,own,group_used", *lines]))
    _, summary, *memory = soak(tmp_path / "soak")
    assert summary["p95_ms"] == 60.5
    assert 500 < len(memory) <= 601
    assert {(row["table"], row["limit_mb"]) for row in memory} == {("memory", 256)}
    assert max(float(row["mb"] or 0) for row in memory) == 200


@pytest.fixture
def options(tmp_path: Path) -> argparse.Namespace:
    (tmp_path / "raw").mkdir()
    chosen = {"quick": False, "again": False, "others": Path(sys.executable)}
    return argparse.Namespace(out=tmp_path, **chosen)


def part(name: str, code: str, tmp_path: Path) -> Part:
    """One that runs `code`; its first argument is the file for the rows."""
    script = tmp_path / f"{name}.py"
    script.write_text(f"import json, sys\n{code}")
    return Part(name, f"{script} {{found}}", "", (1, 0), (TABLE,))


WRITES = "json.dump([{'table': 'times', 'name': 'one', 'ms': 1}], open(sys.argv[1], 'w'))"


def test_a_part_that_fails_is_one_line_and_the_others_go_on(
    tmp_path: Path, options: argparse.Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = [
        part("broken", "print('and so on')\nsys.exit('no such bundle')", tmp_path),
        part("wordless", "", tmp_path),
        part("strange", WRITES.replace("ms", "seconds"), tmp_path),
        part("well", WRITES, tmp_path),
    ]
    assert not run.run(parts, {}, options)
    broken, wordless, strange, well = (
        line for line in capsys.readouterr().out.splitlines() if "…" not in line
    )
    assert "FAILED: status 1, no such bundle;" in broken
    assert "broken.log" in broken
    assert "FAILED: its figures cannot be read" in wordless
    assert "FAILED: its figures have no ms for the table speed" in strange
    assert "done" in well
    assert [file.name for file in tmp_path.glob("*.json")] == ["well.json"]


def test_what_is_done_is_not_run_again_unless_asked(
    tmp_path: Path, options: argparse.Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = [part("well", WRITES + "\nopen(sys.argv[1] + '.ran', 'a').write('x')", tmp_path)]
    ran = tmp_path / "raw" / "well.ran"
    for _ in range(2):
        assert run.run(parts, {}, options)
    assert ran.read_text() == "x"
    assert "skipped: done before" in capsys.readouterr().out
    options.again = True
    assert run.run(parts, {}, options)
    assert ran.read_text() == "xx"


def test_what_a_part_lacks_is_said(
    tmp_path: Path, options: argparse.Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"bundle32": tmp_path / "none"}
    lacking = [
        Part("place", "x.py {bundle32}", "", (1, 0)),
        Part("package", "x.py", "", (1, 0), package="no_such_package", elsewhere=True),
    ]
    assert run.run(lacking, places, options)
    place, package = capsys.readouterr().out.splitlines()
    assert f"skipped: {tmp_path}/none is not there; give --bundle32" in place
    assert "has no no_such_package; give --others" in package


def test_a_bundle_of_an_older_format_is_made_anew(
    tmp_path: Path,
    tiny_bundle: Path,
    options: argparse.Namespace,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle = tmp_path / "bundle32"
    bundle.mkdir()
    manifest = bundle / MANIFEST
    manifest.write_bytes((tiny_bundle / MANIFEST).read_bytes())
    makes = part("makes", f"{WRITES}\nopen({str(tmp_path / 'made')!r}, 'w')", tmp_path)
    makes = dataclasses.replace(makes, makes="bundle32")
    assert run.run([makes], {"bundle32": bundle}, options)
    assert f"skipped: {bundle} is there" in capsys.readouterr().out
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": 1}))
    assert run.run([makes], {"bundle32": bundle}, options)
    assert (tmp_path / "made").exists()


def module(script: Path) -> str:
    """The name after `python -m`."""
    parts = script.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__main__")


@pytest.mark.parametrize("script", SCRIPTS, ids=module)
def test_every_benchmark_says_how_it_is_run(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [script.name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 0
    assert "usage: " in capsys.readouterr().out
    docstring = script.read_text(encoding="utf-8").split('"""')[1]
    assert re.search(rf"python -m {re.escape(module(script))}\b", docstring)


def test_what_the_docs_name_is_there() -> None:
    for file in DOCS:
        text = file.read_text(encoding="utf-8")
        scripts = re.findall(r"benchmarks/\w+\.py", text)
        modules = re.findall(r"-m ((?:benchmarks|tests)\.[\w.]*\w)", text)
        paths = [ROOT / name.replace(".", "/") for name in modules]
        scripts += [f"{path}.py" for path in paths if not (path / "__main__.py").exists()]
        images = re.findall(r'(?:src|srcset)="([^"]+)"|!\[[^]]*\]\(([^)]+)\)', text)
        missing = [name for name in scripts if not (ROOT / name).exists()]
        missing += [a or b for a, b in images if not (file.parent / (a or b)).exists()]
        assert not missing, f"{file.name} names what is not there: {missing}"
