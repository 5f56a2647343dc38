"""The page at an address where there is none: it says so."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from recommender.app.components import controls, frame
from recommender.app.components.markup import brief, plain
from recommender.app.i18n.language import t

_PATH = "not_found.path"  # for the session, which names the page by a number after its first run


def page(known: Collection[str]) -> st.Page | None:
    """Return a page for the address that was asked for; None if it is one of the `known` paths."""
    context = get_script_run_ctx(suppress_warning=True)
    asked = context.pages_manager.intended_page_name if context else None
    if asked and asked not in known and "/" not in asked:
        st.session_state[_PATH] = asked
    if _PATH not in st.session_state:
        return None
    path = st.session_state[_PATH]
    return st.Page(_draw, title=t("not_found.title"), url_path=path, visibility="hidden")


@frame.body
def _draw() -> None:
    path = plain(brief(st.session_state[_PATH]))
    controls.heading(t("not_found.title"), t("not_found.text", path=path))
