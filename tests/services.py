"""Programs that some tests need beside Python: a database, a proxy, Java."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def need(program: str, package: str, *places: Path) -> str:
    """The path of `program`; without it the test is skipped, and says so.

    Where MATINEE_REQUIRE_SERVICES is 1, as in continuous integration, it fails instead.

    Args:
        package: the Debian package that has it.
        places: folders to look in beside PATH.
    """
    path = os.pathsep.join([*map(str, places), os.environ.get("PATH", "")])
    if found := shutil.which(program, path=path):
        return found
    reason = f"{program} is not installed (Debian: apt install {package})"
    if os.environ.get("MATINEE_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
