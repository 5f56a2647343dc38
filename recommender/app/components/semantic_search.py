"""Semantic search in the app: loaded when first used, in an action of its own."""

from __future__ import annotations

import logging

import streamlit as st

from memory_toolkit.guard.guard import Busy
from recommender.app.i18n.language import t
from recommender.app.server.guarded_action import guarded_action
from recommender.core.errors import MatineeError
from recommender.core.records import Movie, Results
from recommender.recommender import Recommender
from recommender.search.lazy_semantic import LazySemanticSearch

_log = logging.getLogger(__name__)
# The one that was loaded last; that of a bundle which was replaced goes with its recommender.
_loaded: LazySemanticSearch | None = None


def is_offered(matinee: Recommender) -> bool:
    """Return whether the movies have descriptions, and an index of what these mean."""
    return matinee.semantic.available and matinee.has_descriptions


def search(matinee: Recommender, text: str, n: int) -> Results[Movie]:
    """Return the movies that `text` describes, best first; draw a sentence where that fails."""
    try:
        if not matinee.semantic.loaded:
            with st.spinner(t("semantic.loading")):
                load(matinee)
        with guarded_action("action.search_semantic", matinee.semantic.max_bytes):
            return matinee.search(text, n, by="semantic")
    except (Busy, MemoryError):  # both are in the log
        st.info(t("semantic.no_room"), icon=":material/memory:")
    except MatineeError as error:
        _log.error("%s", error)
        st.info(t("semantic.trouble"), icon=":material/error:")
    return Results([])


def load(matinee: Recommender) -> None:
    """Open it; what it took is in the log.

    Raises:
        Busy: there is too little memory for it now.
        BundleError: it is not prepared, or damaged.
        SettingsError: the full encoder is asked for and not installed.
    """
    global _loaded
    with guarded_action("action.load_semantic", matinee.semantic.max_bytes):
        matinee.semantic.load()
    _loaded = matinee.semantic


def is_loaded() -> bool:
    """Return whether it is in memory."""
    return _loaded is not None and _loaded.loaded


def unload() -> None:
    """Close it and give its memory back."""
    if _loaded is not None:
        _loaded.unload()
