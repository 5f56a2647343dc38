"""Optional dependencies: the packages of an extra, and the compiled code for training."""

from __future__ import annotations

import re
import shlex
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec

from recommender.core.errors import SettingsError

TRAINING = ("duckdb", "pyarrow", "scipy", "sklearn")
COMPILED = "recommender.models.passes"
DISTRIBUTION = "matinee"


def install_command(extra: str) -> str:
    """Return the command that installs the packages of `extra`, from a clone and from a wheel.

    It names the packages and not `matinee[extra]`, since no index has a distribution matinee.
    """
    try:
        found = requires(DISTRIBUTION) or []
    except PackageNotFoundError:  # the source alone, on the path
        return f"pip install -e '.[{extra}]'"
    own = re.compile(rf"^{DISTRIBUTION}\b")
    wanted = [
        entry.partition(";")[0].strip()
        for entry in found
        if f'extra == "{extra}"' in entry and not own.match(entry)
    ]
    return shlex.join(["pip", "install", *wanted])


def require(purpose: str, *packages: str, extra: str = "train") -> None:
    """Check that an optional dependency is installed, before minutes of work rather than after.

    Args:
        purpose: what needs `packages`; the message begins with it.
        extra: which one has them.

    Raises:
        SettingsError: a package is not installed.
    """
    for name in packages:
        if find_spec(name) is None:
            raise SettingsError(
                f"{purpose} needs {name}, which is not installed: {install_command(extra)}"
            )


def require_training(compiled: str = COMPILED, purpose: str = "training") -> None:
    """Check the optional dependencies of `train`, `evaluate` and `tune`, and the compiled code.

    Raises:
        SettingsError: a package is not installed, or there was no compiler at the installation.
    """
    require(purpose, *TRAINING)
    if find_spec(compiled) is None:
        raise SettingsError(
            f"{purpose} needs {compiled}, for which there was no C compiler at the installation; "
            "install one (Debian, Ubuntu: apt install gcc python3-dev) and Matinee again"
        )


def require_spark() -> None:
    """Check the optional dependency of ``--engine spark``.

    Raises:
        SettingsError: PySpark is not installed.
    """
    require("--engine spark", "pyspark", extra="spark")
