"""The bar at the bottom of a phone's screen: the pages that a thumb should reach."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from recommender.app.components import clicks, query_params
from recommender.app.components.markup import escape
from recommender.app.i18n import language
from recommender.app.i18n.language import t


def draw(pages: Sequence[st.Page], current: st.Page) -> None:
    """Draw the bar, which wide screens do not show; `clicks.js` follows its links.

    Args:
        pages: those with a link, a few.
    """
    query = urlencode({language.KEY: query_params.shown(language.KEY)}, doseq=True)
    links = "".join(_link(page, query, current is page) for page in pages)
    st.html(f'<nav class="mt-bar" aria-label="{escape(t("menu.label"))}">{links}</nav>')


def _link(page: st.Page, query: str, current: bool) -> str:
    address = f"{page.url_path or './'}{f'?{query}' if query else ''}"
    mark = ' aria-current="page"' if current else ""
    name = page.icon.removeprefix(":material/").removesuffix(":")
    return f'<a href="{escape(address)}"{mark}>{clicks.icon(name)}{escape(page.title)}</a>'
