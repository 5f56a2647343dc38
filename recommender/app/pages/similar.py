"""Similar movies: search a title, pick a movie, choose what "similar" means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zlib import crc32

import streamlit as st

from recommender.app.components import (
    addresses,
    card_actions,
    cards,
    clicks,
    controls,
    frame,
    movie_search,
    query_params,
    semantic_search,
)
from recommender.app.components.markup import brief, plain
from recommender.app.components.movie_title import title_text
from recommender.app.i18n.language import t
from recommender.app.pages import url_path
from recommender.app.server import poster_files
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.loading import initialize_recommender
from recommender.core.errors import NotFoundError
from recommender.core.records import Movie, SimilarMovie
from recommender.recommender import Recommender
from recommender.scoring.similar import DEFAULT_METHOD, Method

_SEARCH = "q"
_MOVIE = "movie"
_METHOD = "method"
_PICKED = "similar.movie"  # for the session
_MATCHES = 12
# Streamlit leaves the page where it was scrolled to, so the movie may be out of sight.
_INTO_SIGHT = 'document.querySelector(".mt-single")?.scrollIntoView({block: "nearest"})'


def page() -> st.Page:
    """Return the page that searches for a movie and shows those similar to it."""
    return st.Page(_draw, title=t("similar.menu"), icon=":material/join_inner:", url_path="similar")


def linker() -> Callable[[Movie], str]:
    """Return what gives the HTML of a link to the movies similar to a movie."""
    path, text = url_path("similar"), t("similar.link")

    def link(movie: Movie) -> str:
        movie_id = {_MOVIE: str(movie.movie_id)}
        where = addresses.address(path, _METHOD, *controls.FILTERS, **movie_id)
        return clicks.link(where, movie, text, "join_inner")

    return link


@frame.body
def _draw() -> None:
    matinee = initialize_recommender()
    subtitle = "semantic.subtitle" if semantic_search.is_offered(matinee) else "similar.subtitle"
    controls.heading(t("similar.title"), t(subtitle))
    own = card_actions.receive()
    if query_params.brought(_MOVIE):
        st.session_state[_PICKED] = st.query_params.get(_MOVIE)
    movie_id = st.session_state.get(_PICKED)
    query_params.show(_MOVIE, movie_id)
    movie = next(iter(matinee.movies([movie_id])), None) if movie_id else None
    offered = _search(matinee, suggest=movie is None)
    if movie is None:
        if movie_id:
            unknown = t("similar.unknown", movie=plain(brief(movie_id)))
            st.warning(unknown, icon=":material/search_off:")
        elif offered:
            st.info(t("similar.empty"), icon=":material/search:")
        return
    with st.container(gap=None):
        cards.single(movie, poster_files.addresses(matinee))
        _into_sight(movie)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        method = _method(matinee.methods)
    with right:
        wishes = controls.list_options(matinee, choice=False)
    try:
        with guarded_action(f"action.similar_{method}", matinee.max_bytes):
            found = matinee.find_similar_movies(
                movie.movie_id, wishes.count, method, wishes.filters
            )
    except NotFoundError:
        st.info(t("similar.too_few_ratings"), icon=":material/group_off:")
        return
    st.header(t("similar.results"), anchor=False)
    st.caption(t(f"similar.explain_{method}"))
    if not found:
        controls.nothing_found(wishes)
    movies = [item.movie for item in found]
    poster = poster_files.addresses(matinee)
    card_actions.grid(own, movies, lambda i: _body(found[i]), linker(), poster)


def _into_sight(movie: Movie) -> None:
    """Bring the movie into sight when it is another one than before."""
    # Run again only when it differs, so it names the movie; by a number, since ids may be any text.
    named = crc32(str(movie.movie_id).encode())
    st.html(f"<script>/* {named} */ {_INTO_SIGHT}</script>", unsafe_allow_javascript=True)


def _search(matinee: Recommender, *, suggest: bool) -> bool:
    """The search box and what it finds; picking a movie puts it into the address.

    Args:
        suggest: whether much rated movies are offered while nothing is searched for.

    Returns:
        Whether there are movies to pick from.
    """
    text = movie_search.field(matinee, _SEARCH)
    if text:
        return _matches(matinee, text)
    if suggest:
        with guarded_action("action.search", matinee.max_bytes):
            popular = matinee.popular(_MATCHES)
        _choice("match", t("similar.suggestions"), popular)
    return suggest


def _matches(matinee: Recommender, text: str) -> bool:
    """Offers the titles that are like `text`, and below them the movies that it describes; whether
    there are any."""
    found = movie_search.find(matinee, text, _MATCHES)
    if found.by_title:
        _choice("match", t("similar.matches"), found.by_title)
    if found.described:
        _choice("described", found.described_by, found.described)
    if not found:
        st.info(t("similar.no_match", text=plain(brief(text))), icon=":material/search_off:")
    return bool(found)


def _choice(key: str, label: str, movies: Sequence[Movie]) -> None:
    """Movies to pick one of."""
    titles = {str(movie.movie_id): _label(movie) for movie in movies}
    st.pills(
        label,
        list(titles),
        format_func=lambda movie_id: titles.get(movie_id, movie_id),
        key=key,
        on_change=_pick,
        args=(key,),
    )


def _label(movie: Movie) -> str:
    title = title_text(movie)
    return plain(f"{title} ({movie.year})" if movie.year else title)


def _pick(key: str) -> None:
    if st.session_state[key]:
        st.session_state[_PICKED] = st.session_state[key]
        st.session_state[key] = None


def _method(methods: tuple[Method, ...]) -> Method:
    """The method in use; where there is a choice, it is offered."""
    if len(methods) == 1:
        return methods[0]
    usual = DEFAULT_METHOD if DEFAULT_METHOD in methods else methods[0]
    query_params.restore(_METHOD, methods, usual=usual)
    method = st.segmented_control(
        t("similar.method"),
        methods,
        format_func=lambda name: t(f"method.{name}"),
        default=usual if _METHOD not in st.session_state else None,
        required=True,
        key=_METHOD,
        persist_state="session",
        help=t("similar.method_help"),
    )
    query_params.show(_METHOD, method, default=usual)
    return method or usual


def _body(item: SimilarMovie) -> str:
    similarity = cards.meter(t("similar.similarity"), item.similarity, f"{item.similarity:.1%}")
    return cards.facts(item.movie) + similarity
