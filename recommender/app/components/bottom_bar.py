"""The bar at the bottom of a phone's screen: the pages that a thumb should reach."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from recommender.app.components import clicks
from recommender.app.components.addresses import address
from recommender.app.components.markup import escape
from recommender.app.i18n.language import t


def draw(pages: Sequence[st.Page], current: st.Page) -> None:
    """Draw the bar, which wide screens do not show; `clicks.js` follows its links.

    Args:
        pages: those with a link, a few.
    """
    links = "".join(_link(page, current is page) for page in pages)
    st.html(f'<nav class="mt-bar" aria-label="{escape(t("menu.label"))}">{links}</nav>')


def _link(page: st.Page, current: bool) -> str:
    mark = ' aria-current="page"' if current else ""
    name = page.icon.removeprefix(":material/").removesuffix(":")
    where, text = escape(address(page.url_path)), escape(page.title)
    return f'<a href="{where}"{mark}>{clicks.icon(name)}{text}</a>'
