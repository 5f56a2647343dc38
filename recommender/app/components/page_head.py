"""The head of every page: the wordmark, the menu, the search, and the language.

It is HTML of our own in two messages; `page_head.js` follows what is typed and closes the menu. The
form stays as it is from page to page, so that whoever types goes on typing while results come.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import streamlit as st

from recommender.app.components import clicks
from recommender.app.components.addresses import address
from recommender.app.components.markup import escape
from recommender.app.i18n import language
from recommender.app.i18n.catalogues import LANGUAGES
from recommender.app.i18n.language import t

SEARCH = "q"
_SCRIPT = Path(__file__).with_name("page_head.js").read_text("utf-8")
_COMMENT = re.compile(r"\n?^ *// .*$|^ +", re.MULTILINE)


def draw(
    main: Sequence[st.Page], lab: Sequence[st.Page], current: st.Page, results: str, script: str
) -> None:
    """Draw the head above `current`, and run the scripts of every page.

    Args:
        main: the pages with a link in the head, or in a bar at the bottom of a phone's screen.
        lab: those in the menu behind a button.
        results: the path of the page that shows what is found.
        script: runs in the browser beside the head's own.
    """
    label, lab_name = escape(t("menu.label")), escape(t("menu.lab"))
    with st.container(key="head"):
        st.html(
            f'<a class="mt-mark" href="{escape(address(""))}">Matinee</a>'
            f'<nav class="mt-bar" aria-label="{label}">{_links(main, current)}</nav>'
            f'<details class="mt-menu"><summary>{clicks.icon("menu")}'
            f"<span>{escape(t('menu.more'))}</span></summary><div>"
            f'<nav aria-label="{lab_name}"><b>{lab_name}</b>{_links(lab, current)}</nav>'
            f"{_languages()}</div></details>"
        )
        st.html(
            f'<form class="mt-search" role="search" action="{escape(address(results))}">'
            f"{clicks.icon('search')}"
            f'<input type="search" name="{SEARCH}" aria-label="{escape(t("head.search"))}" '
            f'placeholder="{escape(t("head.search_hint"))}" autocomplete="off" '
            f'enterkeyhint="search"></form><script>{_short(script)}\n{_short(_SCRIPT)}</script>',
            unsafe_allow_javascript=True,
        )


@cache
def _short(script: str) -> str:
    """Return a script without indentation, and lines that are comments."""
    return _COMMENT.sub("", script)


def _links(pages: Sequence[st.Page], current: st.Page) -> str:
    return "".join(_link(page, page is current) for page in pages)


def _link(page: st.Page, is_current: bool) -> str:
    mark = ' aria-current="page"' if is_current else ""
    name = page.icon.removeprefix(":material/").removesuffix(":")
    where, text = escape(address(page.url_path)), escape(page.title)
    return f'<a href="{where}"{mark}>{clicks.icon(name)}{text}</a>'


def _languages() -> str:
    """Return links to the present address in each language; the script keeps its other parts."""
    now, usual = language.current_language(), language.browser_language()
    links = "".join(
        f'<a href="?{"" if code == usual else f"{language.KEY}={code}"}" lang="{code}" '
        f'data-key="{language.KEY}"{" aria-current=true" if code == now else ""}>{name}</a>'
        for code, name in LANGUAGES.items()
    )
    name = escape(t("language.label"))
    return f'<nav class="mt-languages" aria-label="{name}"><b>{name}</b>{links}</nav>'
