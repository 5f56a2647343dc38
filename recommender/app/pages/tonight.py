"""Tonight: a wall of posters for who is new, and picks in rows for who is known."""

from __future__ import annotations

from collections.abc import Sequence
from random import choice

import streamlit as st

from recommender.app.components import card_actions, cards, frame, moods, query_params, stars, wall
from recommender.app.components.movie_title import title_text
from recommender.app.i18n.language import t
from recommender.app.pages import similar, together
from recommender.app.server import poster_files
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.loading import initialize_recommender
from recommender.core.records import Id, Movie, Recommendation
from recommender.recommender import Recommender
from recommender.scoring.filters import Filters

_WALL, _ROW, _POOL = 24, 12, 60
# A gem has a few ratings, and at most this share of those of the most rated movie.
_GEM_RATINGS, _GEM_SHARE, _MANY = 5, 1 / 8, 10
# For the session: whether the wall is shown, the movies on it, those that were large, and whether
# another one is asked for.
_NEW, _ON_WALL = "tonight.new", "tonight.wall"
_WERE_LARGE, _SURPRISE = "tonight.were_large", "tonight.surprise_asked"


def page() -> st.Page:
    """Return the page that the app opens with."""
    return st.Page(_draw, title=t("tonight.menu"), icon=":material/theaters:", default=True)


@frame.body
def _draw() -> None:
    st.title(t("tonight.title"), anchor=False)
    matinee = initialize_recommender()
    own = card_actions.receive(stars.ACTIONS)
    given = own.followed_stars()
    known = {movie.movie_id for movie in matinee.movies(given)}
    given = {movie: rating for movie, rating in given.items() if movie in known}
    if query_params.brought(_NEW):
        st.session_state[_NEW] = len(given) < wall.TAPS
    if st.session_state[_NEW]:
        _welcome(matinee, own, given)
    else:
        _evening(matinee, own, given)


def _welcome(matinee: Recommender, own: card_actions.Own, given: dict[Id, float]) -> None:
    """Draw the wall, and above it what the taps led to."""
    poster = poster_files.addresses(matinee)
    picks: list[Recommendation] = []
    with guarded_action("action.tonight", matinee.max_bytes):
        # The same movies stay, so that nothing moves under the pointer.
        if _ON_WALL not in st.session_state:
            found = matinee.quick_start(_WALL, skip=own.opinions)
            st.session_state[_ON_WALL] = [*given, *(movie.movie_id for movie in found)]
        if len(given) >= wall.TAPS:
            picks = _recommended(matinee, own, given, Filters(), _ROW)
    if picks:
        wall.picks([item.movie for item in picks], poster)
    else:
        wall.slots(matinee.movies(given), poster)
    wall.draw(matinee.movies(st.session_state[_ON_WALL]), given, poster)
    if picks:
        wall.bring_into_sight()


def _evening(matinee: Recommender, own: card_actions.Own, given: dict[Id, float]) -> None:
    """Draw one large pick, and rows below it."""
    filters = moods.choose(matinee)
    loved = _loved(matinee, given)
    with guarded_action("action.tonight", matinee.max_bytes):
        found = _recommended(matinee, own, given, filters, _POOL)
        gems = _recommended(matinee, own, given, _little_rated(matinee, filters), _ROW)
        close = _close(matinee, own, loved, filters) if loved else []
    if not found:
        st.info(t("tonight.nothing"), icon=":material/filter_list_off:")
        return
    large = _large(found)
    poster, link = poster_files.addresses(matinee), similar.linker()
    otherwise = t("card.like_you") if given else t("tonight.known_to_many")
    body = cards.facts(large.movie, large.stars if given else None)
    body += cards.reasons(large, otherwise)
    cards.hero(
        t("tonight.pick"), large.movie, body, link(large.movie) + own.row(large.movie), poster
    )
    with st.container(horizontal=True, vertical_alignment="center", key="tonight_more"):
        st.button(t("tonight.surprise"), icon=":material/shuffle:", on_click=_ask_for_another)
        together.link()
    title = t("tonight.picks") if given else t("tonight.known_to_many")
    rows: list[tuple[str, Sequence[Movie]]] = [(title, _others(found, large))]
    if loved:
        rows.append((t("tonight.loved", title=title_text(loved)), close))
    if given:
        rows.append((t("tonight.gems"), _others(gems, large)))
    rows.append((t("tonight.saved"), matinee.movies(own.followed_marks("saved"))))
    for title, movies in rows:
        if movies:
            cards.shelf(title, movies, own.row, poster)


def _others(found: Sequence[Recommendation], large: Recommendation) -> list[Movie]:
    movies = [item.movie for item in found]
    return [movie for movie in movies if movie.movie_id != large.movie.movie_id][:_ROW]


def _recommended(
    matinee: Recommender,
    own: card_actions.Own,
    given: dict[Id, float],
    filters: Filters,
    n: int,
) -> list[Recommendation]:
    hidden, seen = own.followed_marks("hidden"), own.followed_marks("seen")
    return matinee.recommend(given, n, filters, hidden=hidden, seen=seen)


def _little_rated(matinee: Recommender, filters: Filters) -> Filters:
    most = max((movie.n_ratings for movie in matinee.popular(1)), default=0)
    most = max(_MANY, int(_GEM_SHARE * most))
    return Filters(filters.genres, filters.years, _GEM_RATINGS, most)


def _loved(matinee: Recommender, given: dict[Id, float]) -> Movie | None:
    """Return the movie rated best, of several the one rated last; None if none is rated well."""
    best = max(given, key=given.__getitem__, default=None)
    if best is None or given[best] < sum(matinee.scale) / 2:
        return None
    return matinee.movie(best)


def _close(
    matinee: Recommender, own: card_actions.Own, loved: Movie, filters: Filters
) -> list[Movie]:
    """Return movies close to one, without those that the visitor has said something of."""
    found = matinee.find_similar_movies(loved.movie_id, _POOL, filters=filters)
    return [item.movie for item in found if item.movie.movie_id not in own.followed][:_ROW]


def _large(found: Sequence[Recommendation]) -> Recommendation:
    """Return the pick to show large: the best, or one that was not yet, if that is asked for."""
    were_large = st.session_state.setdefault(_WERE_LARGE, [])
    by_id = {item.movie.movie_id: item for item in found}
    fresh = [movie for movie in by_id if movie not in were_large]
    if st.session_state.pop(_SURPRISE, False):
        if fresh:
            were_large.append(choice(fresh))
        else:
            st.toast(t("tonight.no_more"), icon=":material/shuffle:")
    if not were_large or were_large[-1] not in by_id:
        were_large.append(found[0].movie.movie_id)
    return by_id[were_large[-1]]


def _ask_for_another() -> None:
    st.session_state[_SURPRISE] = True
