"""Keeps a choice in the page's address under a name that does not depend on the language.

Streamlit's own ``bind="query-params"`` writes an option as it is shown, so a link to a Korean page
would say ``method=내용`` and mean nothing to an English one; and it leaves an entry without the
choice in the history when the page changes, where the back button then leads. So widgets whose
options are translated, and the user, use this instead; sliders use Streamlit's.
"""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

_PAGE, _ARRIVED = "address.page", "address.arrived"


def arrive(page: str) -> None:
    """Call before `page` is drawn, so that `follow` knows whether the visitor was there already."""
    st.session_state[_ARRIVED] = page != st.session_state.get(_PAGE)
    st.session_state[_PAGE] = page


def take(key: str, options: Collection[str] | None = None) -> list[str]:
    """The options that the address names under `key` now; what is none of them is left out."""
    return [v for v in st.query_params.get_all(key) if options is None or v in options]


def follow(key: str, options: Collection[str] | None = None, *, many: bool = False) -> None:
    """Call before the widget `key`: gives it the address's value when a link or the back button
    brought a new one. Without `options` it may be any text."""
    named = take(key, options)
    if named and named != st.session_state.get(_shown(key)):
        st.session_state[key] = named if many else named[0]
        st.session_state[_shown(key)] = named
    elif key in st.session_state and st.session_state.get(_ARRIVED):
        # Else what a link brought to the page before is lost. Not at other times: whoever types
        # in the widget would be interrupted.
        st.session_state[key] = st.session_state[key]


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
