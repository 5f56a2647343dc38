"""Every knob of the serving process, read from the environment and checked at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from recommender.errors import SettingsError


def _knob(variable: str, default: Any, help_text: str, low: int | None = None) -> Any:
    """A dataclass field that is read from the environment variable `variable`."""
    return field(default=default, metadata={"variable": variable, "help": help_text, "low": low})


@dataclass(frozen=True)
class Settings:
    """What can be set from outside. Each field names its environment variable and its meaning."""

    bundle: Path = _knob("MATINEE_BUNDLE", Path("bundle"), "the bundle to serve")
    debug_memory: bool = _knob("DEBUG_MEMORY", False, "show the memory panel")
    users_listed: int = _knob(
        "MATINEE_USERS_LISTED", 1000, "users offered in the list; any other can be typed", 1
    )
    user_batch: int = _knob("MATINEE_USER_BATCH", 32, "users scored at once", 1)
    movie_batch: int = _knob("MATINEE_MOVIE_BATCH", 2048, "movies scored at once", 1)
    profiles: Path = _knob(
        "MATINEE_PROFILES",
        Path("profiles/profiles.sqlite"),
        "the file of the visitors' own ratings; one for each data set",
    )
    profile_ratings: int = _knob("MATINEE_PROFILE_RATINGS", 2000, "ratings one visitor can keep", 1)
    profile_visitors: int = _knob(
        "MATINEE_PROFILE_VISITORS", 20_000, "visitors whose ratings are kept", 1
    )
    profile_mb: int = _knob("MATINEE_PROFILE_MB", 64, "MB that the file of ratings may take", 1)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings that `environment` asks for; an empty value means the default.

        Raises:
            SettingsError: a value cannot be used; names the variable.
        """
        values = {}
        for knob in fields(cls):
            variable = knob.metadata["variable"]
            text = environment.get(variable, "").strip()
            if text:
                values[knob.name] = _parse(variable, text, knob.default, knob.metadata["low"])
        return cls(**values)


_YES, _NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def _parse(variable: str, text: str, default: Any, low: int | None) -> Any:
    if isinstance(default, Path):
        return Path(text).expanduser()
    if isinstance(default, bool):
        if text.lower() in _YES | _NO:
            return text.lower() in _YES
        raise SettingsError(f"{variable}={text}: say true or false")
    try:
        number = int(text)
    except ValueError:
        raise SettingsError(f"{variable}={text}: give a whole number") from None
    if low is not None and number < low:
        raise SettingsError(f"{variable}={text}: give a whole number of at least {low}")
    return number
