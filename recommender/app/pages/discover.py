"""Discover: what a search finds; else how large the data are, and what many people rated."""

from __future__ import annotations

import streamlit as st

from recommender.app.components import (
    card_actions,
    cards,
    controls,
    frame,
    movie_search,
    page_head,
    query_params,
)
from recommender.app.components.markup import brief, plain
from recommender.app.i18n.language import t
from recommender.app.pages import similar
from recommender.app.server import poster_files
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.loading import initialize_recommender
from recommender.core.records import Movie
from recommender.recommender import Recommender

# The hidden field into which the head's script writes what is typed; see `page_head.js`.
_FIELD = "search"
_SHOWN = 12


def page() -> st.Page:
    """Return the page of what the search in the head finds, and of the most rated movies."""
    title, icon = t("discover.menu"), ":material/search:"
    return st.Page(_draw, title=title, icon=icon, url_path="discover")


@frame.body
def _draw() -> None:
    controls.heading(t("discover.title"), t("discover.subtitle"))
    matinee = initialize_recommender()
    own = card_actions.receive()
    if query_params.brought(page_head.SEARCH):
        st.session_state[_FIELD] = st.query_params.get(page_head.SEARCH, "")
    text = controls.search_text(st.text_input(_FIELD, key=_FIELD, label_visibility="collapsed"))
    query_params.show(page_head.SEARCH, text)
    if text:
        _found(matinee, own, text)
        return
    with guarded_action("action.discover", matinee.max_bytes):
        popular = matinee.popular(_SHOWN)
    _numbers(matinee)
    st.header(t("discover.popular"), anchor=False)
    _grid(matinee, own, popular)


def _found(matinee: Recommender, own: card_actions.Own, text: str) -> None:
    found = movie_search.find(matinee, text, _SHOWN)
    if found.by_title:
        st.header(t("similar.matches"), anchor=False)
        _grid(matinee, own, found.by_title)
    if found.described:
        st.header(found.described_by, anchor=False)
        _grid(matinee, own, found.described)
    if not found:
        st.info(t("similar.no_match", text=plain(brief(text))), icon=":material/search_off:")


def _grid(matinee: Recommender, own: card_actions.Own, movies: list[Movie]) -> None:
    poster = poster_files.addresses(matinee)
    card_actions.grid(own, movies, lambda i: cards.facts(movies[i]), similar.linker(), poster)


def _numbers(matinee: Recommender) -> None:
    statistics = matinee.statistics
    numbers = [
        (f"{statistics.movies:,}", t("statistics.movies")),
        (f"{statistics.ratings:,}", t("statistics.ratings")),
        (f"{statistics.users:,}", t("statistics.users")),
    ]
    if matinee.has_stars:
        numbers.append((f"{statistics.mean_rating:.2f} ★", t("statistics.mean")))
    st.html(
        '<dl class="mt-numbers">'
        + "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for value, label in numbers)
        + "</dl>"
    )
