"""The settings of this server."""

from __future__ import annotations

import streamlit as st

from recommender.settings import Settings


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The settings, read from the environment once.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    return Settings.from_environment()
