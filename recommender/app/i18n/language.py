"""The language of this visitor: the switch's if it was used, else what the browser asks for."""

from __future__ import annotations

import re

import streamlit as st

from recommender.app.components import query_params
from recommender.app.i18n.catalogues import DEFAULT, LANGUAGES, TEXTS, lookup

KEY = "lang"
# Genres and decades by their names in the languages that the data are not in; of two genres with
# one name the first.
_TRANSLATED = [texts for code, texts in TEXTS.items() if code != DEFAULT]
_GENRES = {
    text.casefold(): key.removeprefix("genre.")
    for texts in _TRANSLATED
    for key, text in reversed(texts.items())
    if key.startswith("genre.")
}
_DECADES = [
    re.compile(rf"\b{re.escape(texts['card.decade']).replace(re.escape('{decade}'), '([0-9]+)')}")
    for texts in _TRANSLATED
    if "card.decade" in texts
]


def browser_language() -> str:
    """Return the language of the browser's locale if the app has it, else ``"en"``."""
    language = (st.context.locale or "").lower().split("-")[0]  # "kok" is Konkani, and not "ko"
    return language if language in LANGUAGES else DEFAULT


def current_language() -> str:
    """Return the visitor's language, a key of `LANGUAGES`."""
    return st.session_state.get(KEY) or browser_language()


def take_from_address() -> None:
    """Take up the language that a link names; call before the first text of a run."""
    named = query_params.take(KEY, LANGUAGES)
    if named and (KEY not in st.session_state or query_params.went_back()):
        st.session_state[KEY] = named[0]


def switch() -> None:
    """Draw the language switch."""
    chosen = st.segmented_control(
        t("language.label"),
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        default=browser_language() if KEY not in st.session_state else None,
        required=True,
        key=KEY,
        persist_state="session",
        label_visibility="collapsed",
    )
    query_params.show(KEY, chosen, default=browser_language())


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


def as_data_say(text: str) -> str:
    """Return `text` with translated genres and decades as the data name them: "코미디 1990년대" is
    "Comedy 1990s"."""
    text = " ".join(_GENRES.get(word.casefold(), word) for word in text.split())
    for decade in _DECADES:
        text = decade.sub(r"\1s", text)
    return text
