"""A visitor's own movies, by what they say of them: saved, rated, seen, not interested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from recommender.app.components import card_actions, clicks, query_params, stars
from recommender.app.components.movie_title import title_text
from recommender.app.i18n.language import t
from recommender.core.records import Id, Movie
from recommender.core.text_folding import fold
from recommender.recommender import Recommender

# What the rows ask for that takes nothing but the movie; see `clicks.receive`.
ACTIONS: clicks.Actions = {"forget": stars.take_back, "saw": stars.mark_as_seen}
PARTS = ("saved", "rated", "seen", "hidden")
_ORDERS = ("newest", "title", "year", "stars")
_ORDER = "sort"
_SHOWN = "own_lists.shown"  # for the session: how many movies of a part
_FIRST_SHOWN, _MORE_SHOWN = 30, 100


def draw(matinee: Recommender, own: card_actions.Own, part: str) -> None:
    """Draw the movies of one of `PARTS`, a row each, in the order that the visitor chooses."""
    ratings = own.ratings
    if part == "rated":
        movie_ids = [rating.movie_id for rating in ratings.ratings]
    else:
        movie_ids = [one.movie_id for one in ratings.marks if one.mark == part]
    if not movie_ids:
        empty = {
            "saved": t("own_lists.no_saved"),
            "rated": t("my_ratings.none"),
            "seen": t("own_lists.no_seen"),
            "hidden": t("own_lists.no_hidden"),
        }
        st.info(empty[part], icon=":material/list:")
        return
    order = _choose_order(part)
    if part == "rated":
        st.caption(t("my_ratings.rated_help"))
    shown = st.session_state.get(_SHOWN, _FIRST_SHOWN)
    found = matinee.movies(movie_ids if order != "newest" else movie_ids[:shown])
    rows(matinee, own, _sorted(found, order, ratings.stars)[:shown], part)
    if len(movie_ids) > shown:
        st.button(
            t("my_ratings.more", count=f"{len(movie_ids) - shown:,}"),
            icon=":material/expand_more:",
            on_click=_show_more,
            width="stretch",
        )


def rows(
    matinee: Recommender, own: card_actions.Own, movies: Sequence[Movie], part: str = ""
) -> None:
    """Draw a row for each movie: its title, stars to click, and what else can be done in `part`."""
    given, waiting = own.ratings.stars, own.ratings.unsaved
    html = "".join(
        stars.row(
            movie,
            given.get(movie.movie_id),
            matinee.scale,
            waits=movie.movie_id in waiting,
            more=_buttons(movie, part),
        )
        for movie in movies
    )
    st.html(f'<ul class="mt-rows" role="list">{html}</ul>')


def _buttons(movie: Movie, part: str) -> str:
    saw = clicks.button("saw", movie, t("act.seen"), "visibility") if part == "saved" else ""
    names = {
        "saved": (t("own_lists.take_off"), "close"),
        "seen": (t("own_lists.not_seen"), "close"),
        "hidden": (t("my_ratings.show_again"), "undo"),
    }
    return saw + (clicks.button("forget", movie, *names[part]) if part in names else "")


def _choose_order(part: str) -> str:
    names = {
        "newest": t("own_lists.newest"),
        "title": t("own_lists.title"),
        "year": t("own_lists.year"),
        "stars": t("own_lists.stars"),
    }
    orders = [order for order in _ORDERS if order != "stars" or part == "rated"]
    query_params.restore(_ORDER, orders, usual=orders[0])
    if st.session_state.get(_ORDER) not in orders:
        st.session_state.pop(_ORDER, None)
    order = st.selectbox(
        t("own_lists.order"),
        orders,
        format_func=names.__getitem__,
        key=_ORDER,
        persist_state="session",
    )
    query_params.show(_ORDER, order, default=orders[0])
    return order


def _sorted(movies: Sequence[Movie], order: str, given: Mapping[Id, float]) -> list[Movie]:
    if order == "title":
        return sorted(movies, key=lambda movie: fold(title_text(movie)))
    if order == "year":
        return sorted(movies, key=lambda movie: -(movie.year or 0))
    if order == "stars":
        return sorted(movies, key=lambda movie: -given[movie.movie_id])
    return list(movies)


def _show_more() -> None:
    st.session_state[_SHOWN] = st.session_state.get(_SHOWN, _FIRST_SHOWN) + _MORE_SHOWN
