"""Watch together: an evening for two to six visitors, and the movies that suit all of them."""

from __future__ import annotations

import streamlit as st

from recommender.app.components import (
    card_actions,
    cards,
    controls,
    evening,
    frame,
    moods,
    own_ratings,
    query_params,
    stars,
    wall,
)
from recommender.app.i18n.language import t
from recommender.app.pages import similar
from recommender.app.server import evenings, poster_files
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.loading import initialize_recommender
from recommender.app.server.visitor import current_visitor, take_problem
from recommender.core.records import Id
from recommender.recommender import Recommender
from recommender.visitors.evenings import MAX_MEMBERS, MAX_NAME_LETTERS, Evening, Evenings
from recommender.visitors.records import VisitorRatings

_COUNT, _ON_WALL = 12, 24
# Seconds between two looks at who is there, and how many looks before somebody clicks again.
_LOOK_SECONDS, _MAX_LOOKS = 15.0, 240
# For the session: the token that a link brought and what has become of it, the link made last, the
# movies of the wall, who was there when the page was drawn, and how often one has looked since.
_TOKEN, _STATE, _LINK = "together.token", "together.state", "together.link"
_WALL, _THERE, _LOOKS = "together.wall", "together.there", "together.looks"
_NAME = "together_name"


def page() -> st.Page:
    """Return the page of an evening; it is not in the menu."""
    title, icon = t("together.menu"), ":material/group:"
    return st.Page(_draw, title=title, icon=icon, url_path="together", visibility="hidden")


def link() -> None:
    """Draw a link to the page."""
    st.page_link(page(), label=t("together.menu"), icon=":material/group:")


@frame.body
def _draw() -> None:
    st.html(evening.STYLES)
    controls.heading(t("together.title"), t("together.subtitle"))
    matinee = initialize_recommender()
    own = card_actions.receive(stars.ACTIONS)
    visitor, found = None, None
    with evenings.errors_as_text():
        visitor = current_visitor()
        found = visitor.store.evenings.of(visitor.secret) if visitor.lasting else None
        _take_token()
    if problem := take_problem():
        st.error(problem, icon=":material/error:")
    elif visitor is None or not visitor.lasting:
        st.info(t("together.no_cookie"), icon=":material/cookie_off:")
    elif found is None:
        _arrive()
    else:
        if st.session_state.get(_STATE) == "elsewhere":
            st.warning(t("together.elsewhere"), icon=":material/event_busy:")
        else:
            st.session_state.pop(_TOKEN, None)
        _evening(matinee, own, found)
    query_params.show(evening.TOKEN, st.session_state.get(_TOKEN))


def _take_token() -> None:
    """Take up the token of a link; each is looked at once, since wrong ones are counted."""
    if not query_params.brought(evening.TOKEN):
        return
    token = st.query_params.get(evening.TOKEN)
    if token and token != st.session_state.get(_TOKEN):
        st.session_state[_STATE] = evenings.invitation(token)
        st.session_state[_TOKEN] = token


def _arrive() -> None:
    """Draw how to join or open an evening."""
    token, state = st.session_state.get(_TOKEN), st.session_state.get(_STATE)
    if st.session_state.pop(_THERE, None):
        st.success(t("together.ended"), icon=":material/done:")
    if token and state == "open":
        st.info(t("together.invited"), icon=":material/mail:")
        _name_field()
        st.button(t("together.join"), type="primary", icon=":material/login:", on_click=_join)
        return
    if token:
        sentences = {
            "used": t("together.link_used"),
            "over": t("together.link_over"),
            "wait": t("together.link_wait"),
        }
        st.warning(sentences[state or "over"], icon=":material/link_off:")
    _name_field()
    st.button(t("together.open"), type="primary", icon=":material/group_add:", on_click=_open)
    st.caption(t("together.promise"))


def _name_field() -> None:
    st.text_input(
        t("together.name"),
        key=_NAME,
        max_chars=MAX_NAME_LETTERS,
        placeholder=t("together.name_help"),
        width=400,
    )


def _evening(matinee: Recommender, own: card_actions.Own, found: Evening) -> None:
    """Draw the evening: who is there, the link, and the list, or what it lacks."""
    st.session_state[_THERE] = _who(found)
    given = own_ratings.usable(own.ratings, matinee)
    opinions: list[VisitorRatings] = []
    with evenings.errors_as_text():
        store = current_visitor().store.evenings
        _forget_used_link(store)
        opinions = [
            own.ratings if member.seat == found.seat else store.ratings_of(member)
            for member in found.members
        ]
    if problem := take_problem():
        st.error(problem, icon=":material/error:")
        return
    ratings = [own_ratings.usable(one, matinee) for one in opinions]
    silent = [m for m, rated in zip(found.members, ratings, strict=True) if not rated]
    evening.people(found, silent)
    if found.is_host:
        _invite(found)
    if len(given) < wall.TAPS:
        _wall(matinee, own, given)
    elif len(found.members) == 1:
        st.info(t("together.alone"), icon=":material/hourglass_empty:")
    else:
        _list(matinee, own, found, ratings, opinions)
    _leave(found)
    if st.session_state.get(_LOOKS, 0) < _MAX_LOOKS:
        _look_again()
    st.session_state[_LOOKS] = 0


def _forget_used_link(store: Evenings) -> None:
    token = st.session_state.get(_LINK)
    if token and store.invitation("", token) != "open":
        del st.session_state[_LINK]


def _invite(found: Evening) -> None:
    if len(found.members) == MAX_MEMBERS:
        st.caption(t("together.full", count=MAX_MEMBERS))
        return
    token = st.session_state.get(_LINK)
    if token:
        evening.link(token)
    st.button(
        t("together.invite_more") if token else t("together.invite"),
        icon=":material/person_add:",
        on_click=_make_link,
    )


def _wall(matinee: Recommender, own: card_actions.Own, given: dict[Id, float]) -> None:
    """Draw movies to tap for somebody whom the list does not know yet."""
    st.header(t("together.rate_first", count=len(given), most=wall.TAPS), anchor=False)
    poster = poster_files.addresses(matinee)
    if _WALL not in st.session_state:
        found = matinee.quick_start(_ON_WALL, skip=own.opinions)
        st.session_state[_WALL] = [*given, *(movie.movie_id for movie in found)]
    wall.draw(matinee.movies(st.session_state[_WALL]), given, poster)


def _list(
    matinee: Recommender,
    own: card_actions.Own,
    found: Evening,
    ratings: list[dict[Id, float]],
    opinions: list[VisitorRatings],
) -> None:
    """Draw the movies that suit everybody."""
    filters = moods.choose(matinee)
    me = [member.seat for member in found.members].index(found.seat)
    hidden = [one.marked("hidden") for one in opinions]
    seen = [one.marked("seen") for one in opinions]
    # The list does not change under the pointer of whoever clicks on a card.
    ratings[me] = own.followed_stars()
    hidden[me], seen[me] = own.followed_marks("hidden"), own.followed_marks("seen")
    with guarded_action("action.together", len(ratings) * matinee.max_bytes):
        together = matinee.recommend_together(
            ratings, _COUNT, filters, hidden=hidden, seen={m for one in seen for m in one}
        )
    st.header(t("together.list"), anchor=False)
    if not together:
        st.info(t("tonight.nothing"), icon=":material/filter_list_off:")
    card_actions.grid(
        own,
        [item.movie for item in together],
        lambda i: evening.suits(together[i].places, found) + cards.facts(together[i].movie),
        similar.linker(),
        poster_files.addresses(matinee),
    )


def _leave(found: Evening) -> None:
    label = t("together.end") if found.is_host else t("together.leave")
    with st.popover(label, icon=":material/logout:"):
        st.markdown(t("together.end_help") if found.is_host else t("together.leave_help"))
        st.button(label, key="together_leave", on_click=_go)


@st.fragment(run_every=_LOOK_SECONDS)
def _look_again() -> None:
    """Draw the page anew by itself once somebody has come or gone, or it is over."""
    st.session_state[_LOOKS] = st.session_state.get(_LOOKS, 0) + 1
    with evenings.errors_as_text():
        visitor = current_visitor()
        found = visitor.store.evenings.of(visitor.secret)
        changed = (found and _who(found)) != st.session_state.get(_THERE)
        if changed or st.session_state[_LOOKS] >= _MAX_LOOKS:
            st.rerun()
    take_problem()


def _who(found: Evening) -> list[tuple[int, str]]:
    return [(member.seat, member.name) for member in found.members]


def _open() -> None:
    st.session_state.pop(_TOKEN, None)
    with evenings.errors_as_text():
        evenings.open_evening(st.session_state.get(_NAME, ""))
        _make_link()


def _make_link() -> None:
    with evenings.errors_as_text():
        visitor = current_visitor()
        token = visitor.store.evenings.invite(visitor.secret)
        if token:
            st.session_state[_LINK] = token


def _join() -> None:
    with evenings.errors_as_text():
        state = evenings.join(st.session_state[_TOKEN], st.session_state.get(_NAME, ""))
        st.session_state[_STATE] = state


def _go() -> None:
    with evenings.errors_as_text():
        visitor = current_visitor()
        visitor.store.evenings.leave(visitor.secret)
        st.session_state.pop(_LINK, None)
        if token := st.session_state.get(_TOKEN):  # what kept them from the evening of a link
            st.session_state[_STATE] = evenings.invitation(token)
