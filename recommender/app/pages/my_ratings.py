"""My ratings: a visitor's own stars, and what they lead to at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

from recommender.app.components import (
    cards,
    clicks,
    controls,
    frame,
    query_params,
    ratings_file,
    stars,
    unsaved,
)
from recommender.app.components.markup import brief, plain
from recommender.app.components.movie_title import original_html, title_html, title_text
from recommender.app.i18n.language import as_data_say, t
from recommender.app.pages import similar
from recommender.app.server import poster_files
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.loading import initialize_recommender
from recommender.app.server.visitor import (
    Visitor,
    current_visitor,
    profile_errors_as_text,
    take_problem,
)
from recommender.core.errors import ProfileError
from recommender.core.records import Id, Movie, Recommendation
from recommender.recommender import Recommender
from recommender.visitors.records import VisitorRatings

_PARTS = ("rate", "rated", "file")
_PART_NAMES = ("my_ratings.part_rate", "my_ratings.part_rated", "my_ratings.part_file")
_PART, _SEARCH = "part", "find"
# Kept for the session: the movies on offer, all that were, what was turned away last, and how many
# of the own ratings are shown.
_OFFERED, _ASKED = "my_ratings_offered", "my_ratings_asked"
_TURNED_AWAY, _SHOWN = "my_ratings_away", "my_ratings_shown"
_OFFERS, _MATCHES = 8, 12
_AWAY, _AGAIN = "away", "again"
_FIRST_SHOWN, _MORE_SHOWN = 30, 100


@dataclass(frozen=True)
class _Own:
    """The values that every part of the page needs."""

    matinee: Recommender
    visitor: Visitor
    visitor_ratings: VisitorRatings


def page() -> st.Page:
    """Return the page with the visitor's own ratings and what follows from them."""
    return st.Page(_draw, title=t("my_ratings.menu"), icon=":material/star:", url_path="my-ratings")


def link() -> None:
    """A link for whoever wants recommendations of their own."""
    st.page_link(page(), label=t("user.own"), icon=":material/star:")


@frame.body
def _draw() -> None:
    controls.heading(t("my_ratings.title"), t("my_ratings.subtitle"))
    matinee = initialize_recommender()
    clicks.receive({**stars.ACTIONS, _AWAY: _turn_away, _AGAIN: stars.take_back})
    own = None
    with profile_errors_as_text():
        visitor = current_visitor()
        with suppress(ProfileError):  # a full disk still gives what is on it
            visitor.store.note_visit(visitor.secret)
        own = _Own(matinee, visitor, visitor.store.ratings_of(visitor.secret))
        visitor.store.raise_rejected(visitor.secret)
    problem = take_problem()
    if own is None:
        st.error(problem, icon=":material/error:")
        return
    if problem:  # above the page, wherever on it the visitor is
        st.toast(problem, icon=":material/error:", duration="infinite")
    unsaved.draw(own.visitor_ratings, failed=problem is not None)
    if not own.visitor.lasting:
        st.info(t("my_ratings.not_lasting"), icon=":material/cookie_off:")
    left, right = st.columns([2, 3], gap="large")
    with left:
        part = _choose_part(own)
        if part == "rate":
            _rate(own)
        elif part == "rated":
            _rated(own)
        else:
            ratings_file.draw(own.matinee, own.visitor, own.visitor_ratings)
    with right:
        _recommended(own)


def _choose_part(own: _Own) -> str:
    names = dict(zip(_PARTS, _PART_NAMES, strict=True))
    count = f"{len(own.visitor_ratings.ratings):,}"
    query_params.restore(_PART, _PARTS)
    part = st.segmented_control(
        t("my_ratings.parts"),
        _PARTS,
        format_func=lambda part: t(names[part], count=count),
        default=_PARTS[0] if _PART not in st.session_state else None,
        required=True,
        key=_PART,
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    query_params.show(_PART, part, default=_PARTS[0])
    return part or _PARTS[0]


def _rate(own: _Own) -> None:
    """Draw movies to rate: by title, or without one those that tell most about a newcomer."""
    placeholder = t("similar.search_placeholder")
    text = controls.search_field(t("my_ratings.search"), _SEARCH, placeholder)
    if text:
        with guarded_action("action.search", own.matinee.max_bytes):
            found = own.matinee.search(text, _MATCHES)
            found = found or own.matinee.search(as_data_say(text), _MATCHES, by="facts")
        if not found:
            st.info(t("similar.no_match", text=plain(brief(text))), icon=":material/search_off:")
        _rows(own, found)
        return
    st.markdown(t("my_ratings.quick_start"))
    # The same movies stay until others are asked for, so that nothing moves under the pointer.
    if _OFFERED not in st.session_state:
        _offer(own)
    _rows(own, own.matinee.movies(st.session_state[_OFFERED]))
    st.button(
        t("my_ratings.others"),
        icon=":material/refresh:",
        on_click=_forget_offer,
        width="stretch",
    )


def _forget_offer() -> None:
    """Forget the movies on offer, so that others come.

    What a callback holds, the recommender for one, stays with the session, which would keep a
    bundle that was replaced.
    """
    st.session_state.pop(_OFFERED, None)


def _offer(own: _Own) -> None:
    """Choose movies to ask about; when all were asked about, from the beginning."""
    known = own.visitor_ratings.opinions.keys()
    asked = st.session_state.get(_ASKED, set())
    found = own.matinee.quick_start(_OFFERS, skip=known | asked)
    if not found:
        asked = set()
        found = own.matinee.quick_start(_OFFERS, skip=known)
    st.session_state[_OFFERED] = [movie.movie_id for movie in found]
    st.session_state[_ASKED] = asked | {movie.movie_id for movie in found}


def _rows(own: _Own, movies: list[Movie]) -> None:
    given, unsaved = own.visitor_ratings.stars, own.visitor_ratings.unsaved
    rows = (
        stars.row(
            movie,
            given.get(movie.movie_id),
            own.matinee.scale,
            waits=movie.movie_id in unsaved,
        )
        for movie in movies
    )
    st.html(f'<ul class="mt-rows" role="list">{"".join(rows)}</ul>')


def _rated(own: _Own) -> None:
    """Draw what the visitor rated, the newest first, and what they turned away."""
    visitor_ratings = own.visitor_ratings
    shown = st.session_state.get(_SHOWN, _FIRST_SHOWN)
    if not visitor_ratings.ratings:
        st.info(t("my_ratings.none"), icon=":material/star:")
    else:
        st.caption(t("my_ratings.rated_help"))
    _rows(own, own.matinee.movies(rating.movie_id for rating in visitor_ratings.ratings[:shown]))
    if len(visitor_ratings.ratings) > shown:
        st.button(
            t("my_ratings.more", count=f"{len(visitor_ratings.ratings) - shown:,}"),
            icon=":material/expand_more:",
            on_click=_show_more,
            width="stretch",
        )
    if hidden := own.matinee.movies(visitor_ratings.marked("hidden")[:shown]):
        st.header(t("my_ratings.hidden"), anchor=False)
        rows = (_hidden_row(movie, movie.movie_id in visitor_ratings.unsaved) for movie in hidden)
        st.html(f'<ul class="mt-rows" role="list">{"".join(rows)}</ul>')


def _hidden_row(movie: Movie, waits: bool) -> str:
    waiting = stars.waiting() if waits else ""
    button = clicks.button(_AGAIN, movie, t("my_ratings.show_again"), "undo")
    return f"<li><span>{title_html(movie)}{original_html(movie)}{waiting}</span>{button}</li>"


def _show_more() -> None:
    st.session_state[_SHOWN] = st.session_state.get(_SHOWN, _FIRST_SHOWN) + _MORE_SHOWN


def _recommended(own: _Own) -> None:
    low, high = own.matinee.scale
    # Another catalogue may have come since, with another scale.
    given = {
        movie: rating
        for movie, rating in own.visitor_ratings.stars.items()
        if low <= rating <= high
    }
    if not any(own.matinee.movies([movie]) for movie in given):  # nor has it any of the movies
        given = {}
    heading, setting = st.columns([2, 1], vertical_alignment="bottom")
    with setting:
        wishes = controls.list_options(own.matinee)
    with guarded_action("action.my_ratings", own.matinee.max_bytes):
        found = own.matinee.recommend(
            given,
            wishes.count,
            wishes.filters,
            hidden=own.visitor_ratings.marked("hidden"),
            seen=own.visitor_ratings.marked("seen"),
            **wishes.choice,
        )
    with heading:
        title = "my_ratings.recommended" if given else "my_ratings.popular"
        st.header(t(title), anchor=False)
    st.caption(t("my_ratings.summary", count=f"{len(given):,}") if given else t("my_ratings.empty"))
    _undo(own)
    if not found:
        controls.nothing_found()
    cards.grid(
        [item.movie for item in found],
        lambda i: _body(found[i], known=bool(given)),
        _foot(),
        poster_files.addresses(own.matinee),
    )


def _body(item: Recommendation, *, known: bool) -> str:
    stars, otherwise = (item.stars, t("card.like_you")) if known else (None, "")
    return cards.facts(item.movie, stars) + cards.reasons(item, otherwise)


def _foot() -> Callable[[Movie], str]:
    """Return what gives the HTML at the foot of a movie's card."""
    link, text = similar.linker(), t("my_ratings.turn_away")
    return lambda movie: link(movie) + clicks.button(_AWAY, movie, text, "block")


def _turn_away(movie_id: Id, _: str) -> None:
    with profile_errors_as_text():
        visitor = current_visitor()
        visitor.store.mark(visitor.secret, movie_id, "hidden")
        st.session_state[_TURNED_AWAY] = movie_id


def _undo(own: _Own) -> None:
    """Offer to bring back the movie that was turned away last."""
    last = st.session_state.get(_TURNED_AWAY)
    if last not in own.visitor_ratings.marked("hidden"):
        return
    for movie in own.matinee.movies([last]):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(t("my_ratings.turned_away", title=plain(title_text(movie))), width="content")
            st.button(
                t("my_ratings.undo"),
                icon=":material/undo:",
                type="tertiary",
                on_click=stars.take_back,
                args=(last,),
            )
