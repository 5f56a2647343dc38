"""My list: a visitor's own movies, saved, rated, seen and hidden, and what they lead to at once."""

from __future__ import annotations

import streamlit as st

from recommender.app.components import (
    card_actions,
    cards,
    controls,
    frame,
    own_lists,
    query_params,
    ratings_file,
    stars,
)
from recommender.app.components.markup import brief, plain
from recommender.app.i18n.language import t
from recommender.app.pages import similar, together
from recommender.app.server import poster_files
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.loading import initialize_recommender
from recommender.core.records import Recommendation
from recommender.recommender import Recommender

_PARTS = ("rate", *own_lists.PARTS, "file")
PART, _SEARCH = "part", "find"
# Kept for the session: the movies on offer, and all that were.
_OFFERED, _ASKED = "my_ratings_offered", "my_ratings_asked"
_OFFERS, _MATCHES = 8, 12


def page() -> st.Page:
    """Return the page with the visitor's own movies and what follows from them."""
    icon = ":material/bookmarks:"
    return st.Page(_draw, title=t("my_ratings.menu"), icon=icon, url_path="my-ratings")


def link() -> None:
    """A link for whoever wants recommendations of their own."""
    st.page_link(page(), label=t("user.own"), icon=":material/star:")


@frame.body
def _draw() -> None:
    controls.heading(t("my_ratings.title"), t("my_ratings.subtitle"))
    matinee = initialize_recommender()
    own = card_actions.receive({**stars.ACTIONS, **own_lists.ACTIONS})
    together.link()
    part = _choose_part(own)
    left, right = st.columns([2, 3], gap="large")
    with left:
        if part == "rate":
            _rate(matinee, own)
        elif part == "file":
            ratings_file.draw(matinee, own.ratings)
        else:
            own_lists.draw(matinee, own, part)
    with right:
        _recommended(matinee, own)


def _choose_part(own: card_actions.Own) -> str:
    marks = [mark.mark for mark in own.ratings.marks]
    names = {
        "saved": t("my_ratings.part_saved", count=f"{marks.count('saved'):,}"),
        "rated": t("my_ratings.part_rated", count=f"{len(own.ratings.ratings):,}"),
        "seen": t("my_ratings.part_seen", count=f"{marks.count('seen'):,}"),
        "hidden": t("my_ratings.part_hidden", count=f"{marks.count('hidden'):,}"),
        "rate": t("my_ratings.part_rate"),
        "file": t("my_ratings.part_file"),
    }
    query_params.restore(PART, _PARTS, usual=_PARTS[0])
    part = st.segmented_control(
        t("my_ratings.parts"),
        _PARTS,
        format_func=names.__getitem__,
        default=_PARTS[0] if PART not in st.session_state else None,
        required=True,
        key=PART,
        persist_state="session",
        label_visibility="collapsed",
    )
    query_params.show(PART, part, default=_PARTS[0])
    return part or _PARTS[0]


def _rate(matinee: Recommender, own: card_actions.Own) -> None:
    """Draw movies to rate: by title, or without one those that tell most about a newcomer."""
    placeholder = t("similar.search_placeholder")
    text = controls.search_field(t("my_ratings.search"), _SEARCH, placeholder)
    if text:
        with guarded_action("action.search", matinee.max_bytes):
            found = matinee.search(text, _MATCHES)
            found = found or matinee.search(text, _MATCHES, by="facts")
        if not found:
            st.info(t("similar.no_match", text=plain(brief(text))), icon=":material/search_off:")
        own_lists.rows(matinee, own, found)
        return
    st.markdown(t("my_ratings.quick_start"))
    # The same movies stay until others are asked for, so that nothing moves under the pointer.
    if _OFFERED not in st.session_state:
        _offer(matinee, own)
    own_lists.rows(matinee, own, matinee.movies(st.session_state[_OFFERED]))
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


def _offer(matinee: Recommender, own: card_actions.Own) -> None:
    """Choose movies to ask about; when all were asked about, from the beginning."""
    known = own.opinions.keys()
    asked = st.session_state.get(_ASKED, set())
    found = matinee.quick_start(_OFFERS, skip=known | asked)
    if not found:
        asked = set()
        found = matinee.quick_start(_OFFERS, skip=known)
    st.session_state[_OFFERED] = [movie.movie_id for movie in found]
    st.session_state[_ASKED] = asked | {movie.movie_id for movie in found}


def _recommended(matinee: Recommender, own: card_actions.Own) -> None:
    given = own.followed_stars()
    if not any(matinee.movies([movie]) for movie in given):  # another catalogue has none of them
        given = {}
    heading, setting = st.columns([2, 1], vertical_alignment="bottom")
    with setting:
        wishes = controls.list_options(matinee)
    with guarded_action("action.my_ratings", matinee.max_bytes):
        found = matinee.recommend(
            given,
            wishes.count,
            wishes.filters,
            hidden=own.followed_marks("hidden"),
            seen=own.followed_marks("seen"),
            **wishes.choice,
        )
    with heading:
        title = "my_ratings.recommended" if given else "my_ratings.popular"
        st.header(t(title), anchor=False)
    st.caption(t("my_ratings.summary", count=f"{len(given):,}") if given else t("my_ratings.empty"))
    if not found:
        controls.nothing_found(wishes)
    card_actions.grid(
        own,
        [item.movie for item in found],
        lambda i: _body(found[i], known=bool(given)),
        similar.linker(),
        poster_files.addresses(matinee),
    )


def _body(item: Recommendation, *, known: bool) -> str:
    stars, otherwise = (item.stars, t("card.like_you")) if known else (None, "")
    return cards.facts(item.movie, stars) + cards.reasons(item, otherwise)
