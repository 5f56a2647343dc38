"""The row of buttons on every card: stars, save for later, seen, not interested.

A list must not move under the pointer. So a click on a card changes that card alone, which says
what was done and offers to undo it, and the list follows when it is made anew for another reason:
see `Own.followed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from recommender.app.components import cards, clicks, own_ratings, stars
from recommender.app.components.markup import escape
from recommender.app.components.movie_title import title_text
from recommender.app.i18n.language import t
from recommender.app.server.loading import initialize_recommender
from recommender.app.server.visitor import current_visitor, profile_errors_as_text
from recommender.core.records import Id, Movie
from recommender.visitors.records import MARKS, Mark, Opinion, VisitorRatings

# For the session: whether this run is one of a click on a card, what was said before the clicks of
# this list, None for nothing, and the movie of the last click with what was said before that one.
_ACTED, _BEFORE = "card_actions.acted", "card_actions.before"
_UNDO = "card_actions.undo"


@dataclass(frozen=True)
class Own:
    """The opinions of the visitor.

    Attributes:
        ratings: their ratings and marks.
        opinions: the stars or the mark by movie.
        followed: the opinions that the page's lists go by: those of before the clicks on its cards.
        scale: the lowest and highest rating of the catalogue.
        undo: the movie of the last click on a card of this list, which can be undone.
    """

    ratings: VisitorRatings
    opinions: Mapping[Id, Opinion]
    followed: Mapping[Id, Opinion]
    scale: tuple[float, float]
    undo: Id | None = None

    def followed_stars(self) -> dict[Id, float]:
        """The stars that lists go by, within the scale: another catalogue may have come since."""
        low, high = self.scale
        return {
            movie: said
            for movie, said in self.followed.items()
            if not isinstance(said, str) and low <= said <= high
        }

    def followed_marks(self, mark: Mark) -> list[Id]:
        """Return the movies with the mark that lists go by."""
        return [movie for movie, said in self.followed.items() if said == mark]

    def row(self, movie: Movie) -> str:
        """Return the HTML of a movie's buttons; their icons are in the styles, since it is sent
        with every card."""
        return self._acts(movie, self._stars(movie) + self._marks(movie))

    def marks(self, movie: Movie) -> str:
        """Return the HTML of a movie's buttons without the stars, for where these stand by
        themselves."""
        return self._acts(movie, self._marks(movie))

    def away(self, movie: Movie) -> str:
        """Return the HTML in place of all that a card says of a movie of no interest."""
        act = "undo" if movie.movie_id == self.undo else "unmark"
        return (
            f'<div class="mt-away" data-movie="{escape(str(movie.movie_id))}">'
            f"<p>{escape(t('act.hide'))}</p>{_take_back(movie, act, 'hidden')}</div>"
        )

    def _acts(self, movie: Movie, buttons: str) -> str:
        done = self._done(movie) if movie.movie_id == self.undo else ""
        named = escape(str(movie.movie_id))
        return f'<div class="mt-acts" data-movie="{named}">{buttons}{done}</div>'

    def _done(self, movie: Movie) -> str:
        """Return the sentence about the last click, over the buttons, and what undoes it."""
        said = self.opinions.get(movie.movie_id)
        value = said if isinstance(said, str) else ""
        if isinstance(said, str):
            marked = {
                "saved": t("act.saved"),
                "seen": t("act.marked_seen"),
                "hidden": t("act.hide"),
            }
            text = marked[said]
        elif said is not None:
            text = t("act.rated", count=f"{stars.count_of(said, self.scale):g}")
        else:
            text = t("act.taken_back")
        return (
            f'<div class="mt-done"><span>{escape(text)}</span>'
            f"{_take_back(movie, 'undo', value)}</div>"
        )

    def _marks(self, movie: Movie) -> str:
        said = self.opinions.get(movie.movie_id)
        return "".join(_mark_button(movie, mark, pressed=said == mark) for mark in MARKS)

    def _stars(self, movie: Movie) -> str:
        said = self.opinions.get(movie.movie_id)
        label, shown = f"{t('stars.label')}: {title_text(movie)}", ""
        if said is not None and not isinstance(said, str):
            shown = f"{stars.count_of(said, self.scale):g}"
            label += f", {t('stars.of', count=shown, most=stars.STARS)}"
        return (
            f'<button data-stars="{shown}" data-step="{stars.step(self.scale):g}" '
            f'aria-haspopup="dialog" aria-label="{escape(label)}">{shown}</button>'
        )


def receive(more: clicks.Actions | None = None) -> Own:
    """Take up the clicks on cards, and return what the visitor says of the movies.

    Call it once, before what depends on it; see `own_ratings.read` for what it says on the page.

    Args:
        more: the page's own actions, see `clicks.receive`.
    """
    clicks.receive({**ACTIONS, **(more or {})})
    before = st.session_state.get(_BEFORE, {}) if st.session_state.pop(_ACTED, False) else {}
    st.session_state[_BEFORE] = before
    undo, _ = st.session_state.get(_UNDO, (None, None))
    if undo not in before:
        undo = None
    ratings = own_ratings.read()
    opinions = ratings.opinions
    followed = {m: said for m, said in {**opinions, **before}.items() if said is not None}
    return Own(ratings, opinions, followed, initialize_recommender().scale, undo)


def grid(
    own: Own,
    movies: Sequence[Movie],
    body: Callable[[int], str],
    link: Callable[[Movie], str],
    poster: cards.Poster,
) -> None:
    """Draw cards as `cards.grid` does, with the buttons at the foot of each.

    A movie of no interest says so in place of its `body`, with a button that takes it back.

    Args:
        link: gives the HTML of the link at the foot of a movie's card.
    """
    hidden = {movie for movie, said in own.opinions.items() if said == "hidden"}

    def shown(i: int) -> str:
        return own.away(movies[i]) if movies[i].movie_id in hidden else body(i)

    def foot(movie: Movie) -> str:
        return "" if movie.movie_id in hidden else link(movie) + own.row(movie)

    cards.grid(movies, shown, foot, poster)


def _mark_button(movie: Movie, mark: Mark, *, pressed: bool) -> str:
    names = {"saved": t("act.save"), "seen": t("act.seen"), "hidden": t("act.hide")}
    return (
        f'<button data-act="{"unmark" if pressed else "mark"}" data-value="{mark}" '
        f'aria-pressed="{str(pressed).lower()}" '
        f'aria-label="{escape(f"{names[mark]}: {title_text(movie)}")}"></button>'
    )


def _take_back(movie: Movie, act: str, value: str) -> str:
    label = escape(f"{t('act.undo')}: {title_text(movie)}")
    return (
        f'<button data-act="{act}" data-value="{value}" aria-label="{label}">'
        f"{escape(t('act.undo'))}</button>"
    )


def _keep(movie_id: Id, opinion: Opinion | None) -> None:
    """Keep what a click on a card says, and what was said before."""
    st.session_state[_ACTED] = True
    with profile_errors_as_text():
        visitor = current_visitor()
        before = visitor.store.ratings_of(visitor.secret).opinions.get(movie_id)
        if opinion is None:
            visitor.store.remove(visitor.secret, movie_id)
        elif isinstance(opinion, str):
            visitor.store.mark(visitor.secret, movie_id, opinion)
        else:
            visitor.store.rate(visitor.secret, {movie_id: opinion})
        st.session_state.setdefault(_BEFORE, {}).setdefault(movie_id, before)
        st.session_state[_UNDO] = movie_id, before


def _mark(movie_id: Id, value: str) -> None:
    if value in MARKS:
        _keep(movie_id, value)


def _unmark(movie_id: Id, _: str) -> None:
    _keep(movie_id, None)


def _star(movie_id: Id, value: str) -> None:
    scale = initialize_recommender().scale
    given = {f"{count:g}": stars.stars_of(count - 1, scale) for count in stars.counts(scale)}
    if value in given or not value:
        _keep(movie_id, given.get(value))


def _undo(movie_id: Id, _: str) -> None:
    st.session_state[_ACTED] = True
    last, before = st.session_state.pop(_UNDO, (None, None))
    if movie_id == last:
        _keep(movie_id, before)
        st.session_state.pop(_UNDO, None)


# What the buttons ask for; see `clicks.receive`.
ACTIONS: clicks.Actions = {"mark": _mark, "unmark": _unmark, "star": _star, "undo": _undo}
