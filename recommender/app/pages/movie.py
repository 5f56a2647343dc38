"""A movie's own page: what is known of it, the visitor's stars, and what is close to it."""

from __future__ import annotations

import streamlit as st

from recommender.app.components import (
    card_actions,
    cards,
    controls,
    frame,
    movie_facts,
    own_ratings,
    query_params,
    stars,
)
from recommender.app.components.addresses import MOVIE, MOVIE_ID
from recommender.app.components.markup import brief, plain
from recommender.app.components.movie_title import title_text
from recommender.app.i18n.language import t
from recommender.app.pages import similar
from recommender.app.server import poster_files
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.loading import initialize_recommender

_SHOWN = "movie.id"  # for the session
_SIMILAR = 12


def page() -> st.Page:
    """Return the page of one movie, to which every card leads; it is not in the menu."""
    title, icon = t("movie.menu"), ":material/movie:"
    return st.Page(_draw, title=title, icon=icon, url_path=MOVIE, visibility="hidden")


@frame.body
def _draw() -> None:
    matinee = initialize_recommender()
    own = card_actions.receive(stars.ACTIONS)
    if query_params.brought(MOVIE_ID):
        st.session_state[_SHOWN] = st.query_params.get(MOVIE_ID)
    movie_id = st.session_state.get(_SHOWN)
    query_params.show(MOVIE_ID, movie_id)
    movie = next(iter(matinee.movies([movie_id])), None) if movie_id else None
    if movie is None:
        text = t("movie.unknown", movie=plain(brief(movie_id))) if movie_id else t("movie.none")
        controls.heading(t("movie.menu"), text)
        return
    st.set_page_config(page_title=f"{title_text(movie)} · Matinee")
    given = own_ratings.usable(own.ratings, matinee)
    with guarded_action("action.movie", matinee.max_bytes):
        details = matinee.details(movie.movie_id)
        others = {rated: given[rated] for rated in given if rated != movie.movie_id}
        why = matinee.why(others, movie.movie_id)
        close = [item.movie for item in matinee.find_similar_movies(movie.movie_id, _SIMILAR)]
    poster = poster_files.addresses(matinee)
    reason = cards.because(why) if why else ""
    rating = own.ratings.stars.get(movie.movie_id)
    row = stars.row(
        movie,
        rating,
        matinee.scale,
        waits=movie.movie_id in own.ratings.unsaved,
        more=own.marks(movie),
    )
    st.html(movie_facts.panel(movie, details, poster(movie), reason, row))
    if links := movie_facts.links(movie):
        st.markdown(links)
    st.header(t("similar.results"), anchor=False)
    card_actions.grid(own, close, lambda i: cards.facts(close[i]), similar.linker(), poster)
