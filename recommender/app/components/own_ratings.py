"""The ratings of the visitor, for pages that show what follows from them."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from recommender.app.components import unsaved
from recommender.app.i18n.language import t
from recommender.app.server.visitor import current_visitor, profile_errors_as_text, take_problem
from recommender.core.errors import ProfileError
from recommender.core.records import Id
from recommender.recommender import Recommender
from recommender.visitors.records import VisitorRatings


def read() -> VisitorRatings:
    """Return what the visitor rated and marked, and say on the page what they should know of it.

    Where it cannot be read it is empty, and the page says so.
    """
    ratings: VisitorRatings | None = None
    lasting = True
    with profile_errors_as_text():
        visitor = current_visitor()
        lasting = visitor.lasting
        with suppress(ProfileError):  # a full disk still gives what is on it
            visitor.store.note_visit(visitor.secret)
        ratings = visitor.store.ratings_of(visitor.secret)
        visitor.store.raise_rejected(visitor.secret)
    problem = take_problem()
    if ratings is None:
        st.error(problem, icon=":material/error:")
        return VisitorRatings(read="never")
    if problem:  # above the page, wherever on it the visitor is
        st.toast(problem, icon=":material/error:", duration="infinite")
    unsaved.draw(ratings, failed=problem is not None)
    if ratings and not lasting:
        st.info(t("my_ratings.not_lasting"), icon=":material/cookie_off:")
    return ratings


def usable(ratings: VisitorRatings, matinee: Recommender) -> dict[Id, float]:
    """Return the stars by movie that `matinee` can use, the newest first.

    Another catalogue may have come since, with another scale and other movies.
    """
    low, high = matinee.scale
    given = {movie: stars for movie, stars in ratings.stars.items() if low <= stars <= high}
    known = {movie.movie_id for movie in matinee.movies(given)}
    return {movie: stars for movie, stars in given.items() if movie in known}
