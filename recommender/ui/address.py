"""Keeps a choice in the page's address under a name that does not depend on the language.

Streamlit's own ``bind="query-params"`` writes an option as it is shown, so a link to a Korean page
would say ``method=내용`` and mean nothing to an English one. Widgets whose options are translated
use this instead; all others use Streamlit's.
"""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st


def take(key: str, options: Collection[str]) -> list[str]:
    """The options that the address names under `key` now; what it does not know is left out."""
    return [value for value in st.query_params.get_all(key) if value in options]


def follow(key: str, options: Collection[str], *, many: bool = False) -> None:
    """Call before the widget `key`: gives it the address's value when a link or the back button
    brought a new one."""
    named = take(key, options)
    if named and named != st.session_state.get(_shown(key)):
        st.session_state[key] = named if many else named[0]
        st.session_state[_shown(key)] = named


def show(key: str, value: str | list[str] | None, default: str | None = None) -> None:
    """Call after the widget `key`: writes its value into the address; the default is left out."""
    values = [value] if isinstance(value, str) else list(value or [])
    if values == [default]:
        values = []
    st.session_state[_shown(key)] = values
    if st.query_params.get_all(key) == values:
        return
    if values:
        st.query_params[key] = values
    else:
        del st.query_params[key]


def _shown(key: str) -> str:
    return f"address.{key}"
