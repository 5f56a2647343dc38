"""Hybrid: collaborative and content together, with the weight in the visitor's hand."""

from __future__ import annotations

import streamlit as st

from recommender.app.components import card_actions, cards, controls, frame, query_params
from recommender.app.i18n.language import t
from recommender.app.pages import my_ratings, similar
from recommender.app.server import poster_files
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.loading import initialize_recommender
from recommender.core.records import Recommendation
from recommender.recommender import DEFAULT_WEIGHT

_WEIGHT = "weight"


def page() -> st.Page:
    """Return the page that mixes the models by a weight that the visitor sets."""
    return st.Page(_draw, title=t("hybrid.menu"), icon=":material/tune:", url_path="hybrid")


@frame.body
def _draw() -> None:
    controls.heading(t("hybrid.title"), t("hybrid.subtitle"))
    matinee = initialize_recommender()
    own = card_actions.receive()
    user, weight, wishes = controls.user_and_options(matinee, _weight)
    if user is None:
        my_ratings.link()
        return
    with guarded_action("action.hybrid", matinee.max_bytes):
        found = matinee.hybrid_recommend(
            user.user_id, wishes.count, weight, wishes.filters, **wishes.choice
        )
    st.header(t("for_you.recommended"), anchor=False)
    st.html(
        f'<p class="mt-legend"><span class="collaborative">{t("hybrid.collaborative")}</span>'
        f'<span class="content">{t("hybrid.content")}</span></p>'
    )
    if not found:
        controls.nothing_found(wishes)
    card_actions.grid(
        own,
        [item.movie for item in found],
        lambda i: _body(found[i], weight),
        similar.linker(),
        poster_files.addresses(matinee),
    )


def _weight() -> float:
    """Draw the slider of the collaborative weight, and return it, 0 to 1."""
    query_params.restore_numbers(_WEIGHT, 0.0, 1.0, DEFAULT_WEIGHT)
    weight = st.slider(
        t("hybrid.weight"),
        0.0,
        1.0,
        step=0.05,
        key=_WEIGHT,
        persist_state="session",
        help=t("hybrid.weight_help"),
    )
    query_params.show(_WEIGHT, weight, default=DEFAULT_WEIGHT)
    return weight


def _body(item: Recommendation, weight: float) -> str:
    """The parts as they count: weighted, one behind the other in one bar, and in figures."""
    collaborative = weight * item.collaborative
    content = (1 - weight) * item.content
    label = t(
        "hybrid.parts_label",
        collaborative=f"{100 * collaborative:.0f}",
        content=f"{100 * content:.0f}",
    )
    bar = (
        f'<div class="mt-parts" role="img" aria-label="{label}">'
        f'<i class="collaborative" style="--share:{100 * collaborative:.1f}%"></i>'
        f'<i class="content" style="--share:{100 * content:.1f}%"></i></div>'
        f'<p class="mt-sum"><b>{100 * item.score:.0f}</b> = '
        f'<span class="collaborative">{100 * collaborative:.0f}</span> + '
        f'<span class="content">{100 * content:.0f}</span></p>'
    )
    return cards.facts(item.movie, item.stars) + bar + cards.reasons(item)
