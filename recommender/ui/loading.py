"""The bundle and the recommender: loaded once for all visitors, replaced when a new one lands."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from recommender.bundle import Bundle, manifest_stamp
from recommender.recommender import Recommender
from recommender.settings import Settings


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The settings, read from the environment once.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    return Settings.from_environment()


def load_all_data() -> Bundle:
    """The bundle that MATINEE_BUNDLE names: checked and memory-mapped, shared by all sessions.

    Raises:
        BundleError: it is missing, of another format version, truncated or altered.
    """
    path = settings().bundle
    return _bundle(path, manifest_stamp(path))


def initialize_recommender() -> Recommender:
    """The recommender on `load_all_data`, shared by all sessions.

    Raises:
        BundleError: as `load_all_data`.
    """
    bundle = load_all_data()
    return _recommender(bundle, bundle.stamp)


# The stamp is part of the key: a new bundle is a new entry, and with one entry at most the old
# one is let go of, mapping and all, when its last visitor's page is done.
@st.cache_resource(max_entries=1, show_spinner=False)
def _bundle(path: Path, stamp: tuple[int, int] | None) -> Bundle:
    return Bundle.open(path)


@st.cache_resource(max_entries=1, show_spinner=False)
def _recommender(_bundle: Bundle, stamp: tuple[int, int]) -> Recommender:
    return Recommender(_bundle, settings())
