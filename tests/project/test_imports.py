"""Imports point one way: a package may import those on lower floors, and its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

# From low to high; packages of one floor do not import each other.
FLOORS = (
    ("core",),
    ("settings",),
    ("bundle",),
    ("remote", "models"),
    ("scoring", "search"),
    ("recommender",),
    ("visitors",),
    ("dataset",),
    ("training",),
    ("spark", "evaluation"),
    ("cli", "app"),
    # Names of the app from before it was a package.
    ("ui",),
)
FLOOR = {package: number for number, floor in enumerate(FLOORS) for package in floor}
# The public names, of any floor, stand here; no module inside imports from here.
FACES = {"recommender.__init__"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """The modules that the file names in import statements, anywhere in it, with their lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def package_of(module: str) -> str | None:
    """The package within `recommender` that a module's name begins with."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "recommender" else None


def upward_imports() -> list[str]:
    found = []
    for path in modules("recommender"):
        place = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        own = package_of(place)
        if place in FACES or own not in FLOOR:
            continue
        for line, module in imported(path):
            other = package_of(module)
            if other in FLOOR and other != own and FLOOR[other] >= FLOOR[own]:
                found.append(f"{path.relative_to(ROOT)}:{line}: {own} imports {other}")
    return sorted(set(found))


def test_every_package_has_a_floor() -> None:
    names = {path.relative_to(ROOT / "recommender").parts[0] for path in modules("recommender")}
    assert {name.removesuffix(".py") for name in names} - {"__init__"} == set(FLOOR)


def test_no_import_points_upward() -> None:
    assert upward_imports() == []


@pytest.mark.parametrize("path", modules("memory_toolkit"), ids=lambda path: path.stem)
def test_the_memory_toolkit_knows_nothing_of_the_recommender(path: Path) -> None:
    assert not [module for _, module in imported(path) if module.split(".")[0] == "recommender"]


@pytest.mark.parametrize("path", modules("memory_toolkit"), ids=lambda path: path.stem)
def test_the_memory_toolkit_names_the_recommender_in_no_string(path: Path) -> None:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    texts = [(node.lineno, node.value) for node in nodes if isinstance(node, ast.Constant)]
    names = ("recommender", "MATINEE_")
    assert not [
        line
        for line, text in texts
        if isinstance(text, str) and any(name in text for name in names)
    ]
