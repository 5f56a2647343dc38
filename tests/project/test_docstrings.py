"""Docstrings begin with a verb or the thing's name, so that a list of them can be read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("recommender", "memory_toolkit", "benchmarks")
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
# A line that begins so names neither what is done nor what is there.
RIDDLES = {"what", "how", "whether", "why", "where", "who", "when", "which", "whose", "from"}
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def documented(file: Path) -> Iterator[tuple[str, str | None]]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, Documented):
            yield getattr(node, "name", file.stem), ast.get_docstring(node)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_docstring_is_a_riddle(package: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}: {name}: {text.splitlines()[0]}"
        for file in FILES
        if file.relative_to(ROOT).parts[0] == package
        for name, text in documented(file)
        if text and text.split()[0].strip(",.:").lower() in RIDDLES
    ]
    assert found == []


def bare_names(node: ast.Module | ast.ClassDef, inherited: set[str]) -> Iterator[str]:
    """The public classes, functions and methods in `node` without a docstring of their own or,
    for `inherited` ones as ``Class.method``, of the method that they override."""
    bases = [ast.unparse(base) for base in node.bases] if isinstance(node, ast.ClassDef) else []
    for child in node.body:
        if isinstance(child, ast.Module) or not isinstance(child, Documented):
            continue
        if child.name.startswith("_"):
            continue
        if any(ast.unparse(decorator) == "overload" for decorator in child.decorator_list):
            continue  # the function that follows has it
        overrides = any(f"{base}.{child.name}" in inherited for base in bases)
        if not ast.get_docstring(child) and not overrides:
            yield child.name
        if isinstance(child, ast.ClassDef):
            yield from (f"{child.name}.{name}" for name in bare_names(child, inherited))


def test_every_public_name_has_a_docstring() -> None:
    trees = {
        file: ast.parse(file.read_text("utf-8")) for file in (*FILES, ROOT / "debug_memory.py")
    }
    inherited = {
        f"{node.name}.{child.name}"
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for child in node.body
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(child)
    }
    found = [
        f"{file.relative_to(ROOT)}: {name}"
        for file, tree in trees.items()
        for name in bare_names(tree, inherited)
    ]
    assert found == []


def test_every_module_has_a_docstring() -> None:
    bare = [
        str(file.relative_to(ROOT))
        for file in FILES
        if not ast.get_docstring(ast.parse(file.read_text("utf-8")))
    ]
    assert bare == []
