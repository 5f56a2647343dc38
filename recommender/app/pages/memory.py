"""Memory: the panel as a page, for whoever serves the app with DEBUG_MEMORY."""

from __future__ import annotations

import streamlit as st

from recommender.app.components import frame
from recommender.app.i18n.language import t


def page() -> st.Page:
    """Return the page of the memory panel."""
    return st.Page(_draw, title=t("memory_page.menu"), icon=":material/memory:", url_path="memory")


@frame.body
def _draw() -> None:
    # Imported only here, as in the frame.
    from recommender.app.memory.panel import memory_page

    memory_page()
