"""Similar movies: search a title, pick a movie, choose what "similar" means."""

from __future__ import annotations

import streamlit as st

from recommender.errors import NotFoundError
from recommender.recommender import Recommender
from recommender.records import Movie, SimilarMovie
from recommender.similar import Method
from recommender.ui import address, cards, controls
from recommender.ui.acting import acting
from recommender.ui.language import t
from recommender.ui.loading import initialize_recommender
from recommender.ui.markup import plain

_MOVIE = "movie"
_METHOD = "method"
_MATCHES = 12


def page() -> st.Page:
    return st.Page(_draw, title=t("similar.menu"), icon=":material/join_inner:", url_path="similar")


def link(movie: Movie) -> None:
    """A link to the movies similar to `movie`."""
    st.page_link(
        page(),
        label=t("similar.link"),
        icon=":material/join_inner:",
        query_params={_MOVIE: str(movie.movie_id)},
    )


def _draw() -> None:
    controls.heading(t("similar.title"), t("similar.subtitle"))
    matinee = initialize_recommender()
    movie_id = st.query_params.get(_MOVIE)
    movie = next(iter(matinee.movies([movie_id])), None) if movie_id else None
    _search(matinee, suggest=movie is None)
    if movie is None:
        if movie_id:
            unknown = t("similar.unknown", movie=plain(movie_id))
            st.warning(unknown, icon=":material/search_off:")
        else:
            st.info(t("similar.empty"), icon=":material/search:")
        return
    cards.single(movie)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        method = _method(matinee.methods)
    with right:
        wishes = controls.wishes(matinee, choice=False)
    try:
        with acting(f"action.similar_{method}", matinee.need):
            found = matinee.find_similar_movies(
                movie.movie_id, wishes.count, method, wishes.filters
            )
    except NotFoundError:
        st.info(t("similar.too_few_ratings"), icon=":material/group_off:")
        return
    st.subheader(t("similar.results"), anchor=False)
    st.caption(t(f"similar.explain_{method}"))
    if not found:
        controls.nothing_found()
    cards.grid([item.movie for item in found], lambda i: _body(found[i]), link)


def _search(matinee: Recommender, *, suggest: bool) -> None:
    """The search box and what it finds; picking a movie puts it into the address.

    Args:
        suggest: whether much rated movies are offered while nothing is searched for.
    """
    text = st.text_input(
        t("similar.search"),
        key="q",
        type="search",
        placeholder=t("similar.search_placeholder"),
        icon=":material/search:",
        live=True,
    )
    if not text.strip() and not suggest:
        return
    with acting("action.search", matinee.need):
        matches = matinee.search(text, _MATCHES) if text.strip() else matinee.popular(_MATCHES)
    if not matches:
        st.info(t("similar.no_match", text=plain(text)), icon=":material/search_off:")
        return
    titles = {str(movie.movie_id): _label(movie) for movie in matches}
    st.pills(
        t("similar.matches") if text.strip() else t("similar.suggestions"),
        list(titles),
        format_func=lambda movie_id: titles.get(movie_id, movie_id),
        key="match",
        on_change=_pick,
    )


def _label(movie: Movie) -> str:
    return plain(f"{movie.title} ({movie.year})" if movie.year else movie.title)


def _pick() -> None:
    if st.session_state.match:
        st.query_params[_MOVIE] = st.session_state.match
        st.session_state.match = None


def _method(methods: tuple[Method, ...]) -> Method:
    """The method in use; where there is a choice, it is offered."""
    if len(methods) == 1:
        return methods[0]
    address.follow(_METHOD, methods)
    method = st.segmented_control(
        t("similar.method"),
        methods,
        format_func=lambda name: t(f"method.{name}"),
        default=methods[0] if _METHOD not in st.session_state else None,
        required=True,
        key=_METHOD,
        persist_state="session",
        help=t("similar.method_help"),
    )
    address.show(_METHOD, method, default=methods[0])
    return method or methods[0]


def _body(item: SimilarMovie) -> str:
    similarity = cards.meter(t("similar.similarity"), item.similarity, f"{item.similarity:.1%}")
    return cards.facts(item.movie) + similarity
