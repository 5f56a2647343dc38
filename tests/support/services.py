"""Finds the services that some tests need: a database, a proxy, Java, an object storage."""

from __future__ import annotations

import os
import shutil
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest


def need(program: str, package: str, *places: Path) -> str:
    """The path of `program`; without it the test is skipped, and says so.

    Where MATINEE_REQUIRE_SERVICES is 1, as in continuous integration, it fails instead.

    Args:
        package: the Debian package that has it.
        places: folders to look in beside PATH.
    """
    path = os.pathsep.join([*map(str, places), os.environ.get("PATH", "")])
    found = shutil.which(program, path=path)
    if found is None:
        _missing(f"{program} is not installed (Debian: apt install {package})")
    return found


def need_module(name: str, package: str) -> ModuleType:
    """The Python module `name`, by the same rule; `package` is what pip installs."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        _missing(f"{name} is not installed (pip install {package!r})")


def _missing(reason: str) -> NoReturn:
    if os.environ.get("MATINEE_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
