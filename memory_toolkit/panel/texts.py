"""The panel's texts: a file a language, all with the same keys and named placeholders in braces."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import streamlit as st

from memory_toolkit.panel.host import host

DEFAULT = "en"
_FOLDER = Path(__file__).with_name("texts")


@lru_cache(maxsize=1)
def texts() -> dict[str, dict[str, str]]:
    """Return the texts by language (ISO 639-1) and key."""
    return {file.stem: json.loads(file.read_text("utf-8")) for file in _FOLDER.glob("*.json")}


def t(key: str, /, **values: object) -> str:
    """Return the text for `key` in the visitor's language, else in English.

    Raises:
        KeyError: no such text, or a placeholder without a value.
    """
    template = texts().get(language(), {}).get(key) or texts()[DEFAULT][key]
    return template.format(**values) if values else template


def language() -> str:
    """Return the visitor's language (ISO 639-1), which may be one without texts."""
    named = host().language
    return named() if named is not None else (st.context.locale or "").lower().split("-")[0]


def name_of(name: str) -> str:
    """Return the name of an action: the panel's own in its texts, others as the app calls them."""
    return t(name) if name in texts()[DEFAULT] else host().translate(name)
