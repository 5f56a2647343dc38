"""The bundle and the recommender: loaded once for all visitors, replaced when a new one lands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from recommender.app.server import bundle_updates
from recommender.app.server.configuration import settings
from recommender.app.server.housekeeper import guard
from recommender.bundle.bundle import Bundle
from recommender.bundle.manifest import manifest_stamp
from recommender.core.address import Address
from recommender.core.errors import MatineeError
from recommender.recommender import Recommender
from recommender.remote.opening import open_fetched


def load_all_data() -> Bundle:
    """Return the bundle that MATINEE_BUNDLE names, checked and mapped, shared by all sessions.

    Of one at an address it is what was fetched last; see `bundle_updates`.

    Raises:
        FetchingError: it is on its way from its address.
        BundleError: it is missing, of another format version, truncated or altered.
    """
    path = settings().bundle_folder
    stamp = manifest_stamp(path)
    if stamp is None and (waiting := bundle_updates.missing()) is not None:
        raise waiting
    bundle = _bundle(path, stamp)
    if bundle.untouched:
        return bundle
    forget()  # what is mapped is not what was checked
    return _bundle(path, manifest_stamp(path))


def initialize_recommender() -> Recommender:
    """Return the recommender on `load_all_data`, shared by all sessions.

    Raises:
        BundleError: as `load_all_data`.
    """
    global _trouble
    stamp = manifest_stamp(settings().bundle_folder)
    try:
        bundle = load_all_data()
        found = _recommender(bundle, bundle.stamp)
    except Exception as error:
        known = isinstance(error, MatineeError)
        reason = str(error) if known else "the bundle cannot be used; the log says why"
        _trouble = Trouble(reason, stamp)
        raise
    _trouble = None
    return found


def forget() -> None:
    """Let go of the bundle and the recommender; whoever needs them next loads them again.

    Pages that are being drawn keep theirs until they are done.
    """
    _recommender.clear()
    _bundle.clear()


@dataclass(frozen=True)
class Trouble:
    """A reason for having no recommender.

    Attributes:
        reason: one line.
        stamp: of the bundle that was tried, see `manifest_stamp`.
    """

    reason: str
    stamp: tuple[int, int] | None = None


_trouble: Trouble | None = Trouble("the bundle is not loaded yet")


def trouble() -> Trouble | None:
    """Return why the recommender could not be had when last asked for; None if it could."""
    waiting = bundle_updates.missing()
    if _trouble is not None and waiting is not None:
        return Trouble(str(waiting))
    return _trouble


# The stamp is part of the key: a new bundle is a new entry, and with one entry at most the old
# one is let go of, mapping and all, when its last visitor's page is done.
@st.cache_resource(max_entries=1, show_spinner=False)
def _bundle(path: Path, stamp: tuple[int, int] | None) -> Bundle:
    where = settings().bundle
    return open_fetched(where, settings()) if isinstance(where, Address) else Bundle.open(path)


@st.cache_resource(max_entries=1, show_spinner=False)
def _recommender(_bundle: Bundle, stamp: tuple[int, int]) -> Recommender:
    keeper = guard()
    return Recommender(_bundle, settings(), keeper.batch if keeper else None)
