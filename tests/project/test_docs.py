"""The documentation: its pages build, its links lead somewhere, its code runs."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

MAX_README_WORDS = 900
FENCED_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
NAMED_FILE = re.compile(r"`(\w[\w.-]*(?:/[\w.-]+)+\.(?:py|c|h|sh|cfg|yaml|toml|lock|env))`")
IMPORT = re.compile(r"^(?:>>> )?((?:from (?!__future__)|import )[\w.]+.*)$", re.M)
LINK = re.compile(r"\]\(([^)#\s]+)")
# What a browser would fetch to draw a page.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*?(?:src|srcset)="(?:https?:)?//[^"]+|
    <link\b[^>]*rel="(?:stylesheet|preload|icon|shortcut\ icon)"[^>]*href="(?:https?:)?//[^"]+|
    url\(["']?(?:https?:)?//[^)]+|@import\s+["'](?:https?:)?//[^"']+""",
    re.X,
)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= MAX_README_WORDS


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_of_the_top_folder_lead_to_files(name: str) -> None:
    links = LINK.findall((ROOT / name).read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not missing


def test_files_that_the_docs_name_are_there() -> None:
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    missing = [
        f"{page.name}: {name}"
        for page in [ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md")]
        for name in NAMED_FILE.findall(page.read_text("utf-8"))
        if "NAME" not in name and not any(f"/{file}".endswith(f"/{name}") for file in tracked)
    ]
    assert not missing


def test_what_the_docs_import_is_there() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    blocks = [code for page in pages for code in FENCED_PYTHON.findall(page.read_text("utf-8"))]
    lines = [line for code in blocks for line in IMPORT.findall(code)]
    assert len(lines) > 10
    # In a process of its own, which may load what training loads.
    subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=ROOT, check=True, timeout=120)


@pytest.mark.slow
def test_pages_and_reference_build_and_load_nothing_from_other_hosts(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the pages need the extra `docs`")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    done = subprocess.run(
        [*command, "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    reference = (tmp_path / "api.html").read_text("utf-8")
    assert "recommend_for_user" in reference
    files = [file for kind in ("html", "css") for file in tmp_path.rglob(f"*.{kind}")]
    assert len(files) > 10
    for file in files:
        assert not FETCHED.findall(file.read_text("utf-8")), file


def test_the_readme_s_library_runs(
    sample_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bundle").symlink_to(sample_bundle)
    monkeypatch.chdir(tmp_path)
    (code,) = FENCED_PYTHON.findall((ROOT / "README.md").read_text("utf-8"))
    exec(compile(code, "README.md", "exec"), {})


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    text = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    script = tmp_path / "tutorial.txt"
    script.write_text("\n".join(FENCED_PYTHON.findall(text)), "utf-8")
    assert len(doctest.script_from_examples(script.read_text("utf-8"))) > 1000
    # In a process of its own: what the training imports must not stay in that of the tests.
    done = subprocess.run(
        [sys.executable, "-m", "doctest", str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
