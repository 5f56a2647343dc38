"""Which language this visitor reads: the switch if it was used, else what the browser asks for."""

from __future__ import annotations

import re

import streamlit as st

from recommender.app.components import query_params
from recommender.app.i18n.texts import LANGUAGES, TEXTS, lookup

KEY = "lang"
_DECADE = re.compile(r"\b(\d+)년대")
# Of two genres with one Korean name the first.
_GENRES = {
    korean: key.removeprefix("genre.")
    for key, (_, korean) in reversed(TEXTS.items())
    if key.startswith("genre.")
}


def browser_language() -> str:
    """``"ko"`` when the browser's locale is Korean, else ``"en"``."""
    locale = st.context.locale or "en"
    return "ko" if locale.lower().split("-")[0] == "ko" else "en"  # "kok" is Konkani


def current_language() -> str:
    """The visitor's language, a key of `LANGUAGES`."""
    return st.session_state.get(KEY) or browser_language()


def follow_address() -> None:
    """Take up the language that a link names; call before the first text of a run."""
    named = query_params.take(KEY, LANGUAGES)
    if named and (KEY not in st.session_state or query_params.went_back()):
        st.session_state[KEY] = named[0]


def switch() -> None:
    """The language switch."""
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


def tell_browser() -> None:
    """So that a screen reader speaks the language and the browser does not offer to translate."""
    script = f'document.documentElement.lang = "{current_language()}"'
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True, width="content")


def t(key: str, /, **values: object) -> str:
    """The text for `key` in the visitor's language."""
    return lookup(key, current_language(), **values)


def genre_name(genre: str) -> str:
    """A genre in the visitor's language, if the texts have it; else as the data call it."""
    key = f"genre.{genre}"
    return t(key) if key in TEXTS else genre


def as_data_say(text: str) -> str:
    """`text` with genres and decades that it names in Korean as the data name them: "코미디
    1990년대" is "Comedy 1990s"."""
    words = (_GENRES.get(word.upper(), word) for word in text.split())
    return _DECADE.sub(r"\1s", " ".join(words))
