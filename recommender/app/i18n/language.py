"""The language of this visitor: the one that was chosen, else what the browser asks for."""

from __future__ import annotations

import streamlit as st

from recommender.app.components import query_params
from recommender.app.i18n.catalogues import DEFAULT, LANGUAGES, TEXTS, lookup

KEY = "lang"


def browser_language() -> str:
    """Return the language of the browser's locale if the app has it, else ``"en"``."""
    language = (st.context.locale or "").lower().split("-")[0]  # "kok" is Konkani, and not "ko"
    return language if language in LANGUAGES else DEFAULT


def current_language() -> str:
    """Return the visitor's language, a key of `LANGUAGES`."""
    return st.session_state.get(KEY) or browser_language()


def take_from_address() -> None:
    """Take up the language that a link names, or the browser's where one names none; call before
    the first text of a run."""
    if KEY in st.session_state and not query_params.went_back():
        return
    named = query_params.take(KEY, LANGUAGES)
    st.session_state[KEY] = named[0] if named else browser_language()


def show_in_address() -> None:
    """Put the language into the address of the page, unless it is the browser's."""
    query_params.show(KEY, current_language(), default=browser_language())


def t(key: str, /, **values: object) -> str:
    """Return the text for `key` in the visitor's language, see `lookup`."""
    return lookup(key, current_language(), **values)


def is_text(key: str) -> bool:
    """Return whether there is a text for `key`."""
    return key in TEXTS[DEFAULT]


def genre_name(genre: str) -> str:
    """Return a genre in the visitor's language, if the texts have it; else as the data call it."""
    key = f"genre.{genre}"
    return t(key) if is_text(key) else genre
