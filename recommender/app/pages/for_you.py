"""For you: what a user rated highest, and what they should watch."""

from __future__ import annotations

import streamlit as st

from recommender.app.components import card_actions, cards, controls, frame
from recommender.app.i18n.language import t
from recommender.app.pages import my_ratings, similar
from recommender.app.server import poster_files
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.loading import initialize_recommender
from recommender.models.registry import RANK_BY

_RATED = 12


def page() -> st.Page:
    """Return the page with a user's recommendations."""
    return st.Page(_draw, title=t("for_you.menu"), icon=":material/person:", url_path="for-you")


@frame.body
def _draw() -> None:
    controls.heading(t("for_you.title"), t("for_you.subtitle"))
    matinee = initialize_recommender()
    own = card_actions.receive()
    # Without stars there is one order, and nothing to choose.
    order = controls.rank_by if matinee.has_stars else lambda: RANK_BY[0]
    user, rank_by, wishes = controls.user_and_options(matinee, order)
    if user is None:
        my_ratings.link()
        return
    with guarded_action("action.for_you", matinee.max_bytes):
        rated = matinee.rated_by(user.user_id, _RATED)
        found = matinee.recommend_for_user(
            user.user_id, wishes.count, wishes.filters, rank_by, **wishes.choice
        )
    st.header(t("for_you.rated"), anchor=False)
    key = "for_you.summary" if matinee.has_stars else "card.count"
    st.caption(t(key, count=f"{user.n_ratings:,}", mean=f"{user.mean_rating:.1f}"))
    poster = poster_files.addresses(matinee)
    cards.strip(rated, poster, has_stars=matinee.has_stars)
    st.header(t("for_you.recommended"), anchor=False)
    if not found:
        controls.nothing_found(wishes)
    card_actions.grid(
        own,
        [item.movie for item in found],
        lambda i: (
            cards.facts(found[i].movie, found[i].stars, always=rank_by != RANK_BY[0])
            + cards.reasons(found[i])
        ),
        similar.linker(),
        poster,
    )
