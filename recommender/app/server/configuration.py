"""The settings of this server."""

from __future__ import annotations

from functools import lru_cache

from recommender.settings.environment import Settings


# Not Streamlit's cache: every action of a visitor asks for this, twenty times as fast.
@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings, read from the environment once.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    return Settings.from_environment()
