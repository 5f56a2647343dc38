"""What only some installations have: the packages for bulk work, and the compiled code."""

from __future__ import annotations

from importlib.util import find_spec

from recommender.core.errors import SettingsError

TRAINING = ("duckdb", "pyarrow", "scipy", "sklearn")
COMPILED = "recommender.models.passes"


def require(purpose: str, *packages: str, extra: str = "train") -> None:
    """Say at once what is missing of an extra, not after minutes of work.

    Args:
        purpose: what needs `packages`; the message begins with it.
        extra: which one has them.

    Raises:
        SettingsError: a package is not installed.
    """
    for name in packages:
        if find_spec(name) is None:
            raise SettingsError(
                f"{purpose} needs {name}, which is not installed: pip install 'matinee[{extra}]'"
            )


def require_training(compiled: str = COMPILED) -> None:
    """The same for `train`, `evaluate` and `tune`, which need compiled code, too.

    Raises:
        SettingsError: a package is not installed, or there was no compiler at the installation.
    """
    require("training", *TRAINING)
    if find_spec(compiled) is None:
        raise SettingsError(
            f"training needs {compiled}, for which there was no C compiler at the installation; "
            "install one (Debian, Ubuntu: apt install gcc python3-dev) and Matinee again"
        )


def require_spark() -> None:
    """The same for what runs on Spark.

    Raises:
        SettingsError: PySpark is not installed.
    """
    require("--engine spark", "pyspark", extra="spark")
