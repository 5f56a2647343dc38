"""The first page: what this is, how large the data are, and where to go."""

from __future__ import annotations

import streamlit as st

from recommender.app.components import card_actions, cards, frame
from recommender.app.i18n.language import t
from recommender.app.pages import for_you, hybrid, my_ratings, similar
from recommender.app.server import poster_files
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.loading import initialize_recommender

_SHOWN = 8


def page() -> st.Page:
    """Return the page that the app opens with: popular and well-rated movies."""
    return st.Page(_draw, title=t("home.menu"), icon=":material/theaters:", default=True)


@frame.body
def _draw() -> None:
    st.title(t("home.title"), anchor=False)
    st.markdown(t("home.subtitle"))
    with st.container(horizontal=True, key="ways"):
        for target, label in (
            (my_ratings.page(), t("home.to_my_ratings")),
            (for_you.page(), t("home.to_for_you")),
            (similar.page(), t("home.to_similar")),
            (hybrid.page(), t("home.to_hybrid")),
        ):
            st.page_link(target, label=label, icon_position="left")
    matinee = initialize_recommender()
    own = card_actions.receive()
    with guarded_action("action.home", matinee.max_bytes):
        statistics = matinee.statistics
        popular = matinee.popular(_SHOWN)
    numbers = [
        (f"{statistics.movies:,}", t("statistics.movies")),
        (f"{statistics.ratings:,}", t("statistics.ratings")),
        (f"{statistics.users:,}", t("statistics.users")),
    ]
    if matinee.has_stars:
        numbers.append((f"{statistics.mean_rating:.2f} ★", t("statistics.mean")))
    st.html(
        '<dl class="mt-numbers">'
        + "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for value, label in numbers)
        + "</dl>"
    )
    st.header(t("home.popular"), anchor=False)
    card_actions.grid(
        own,
        popular,
        lambda i: cards.facts(popular[i]),
        similar.linker(),
        poster_files.addresses(matinee),
    )
