"""What a visitor is told while their ratings cannot be saved, and once they were."""

from __future__ import annotations

import streamlit as st

from recommender.app.i18n.language import t
from recommender.app.server.visitor import current_visitor, told
from recommender.visitors.records import VisitorRatings

# How things stood when the page was drawn last.
_TOLD = "unsaved_told"
_LOOK_SECONDS = 3.0


def draw(said: VisitorRatings, *, failed: bool) -> None:
    """Say what is not saved, and draw the page anew by itself once that has changed.

    Args:
        failed: whether the visitor is told of an error already, so that "saved" would be wrong.
    """
    count, read = _standing(said)
    before, _ = st.session_state.get(_TOLD, (0, "now"))
    st.session_state[_TOLD] = count, read
    if read == "never":
        st.warning(t("my_ratings.unreadable"), icon=":material/cloud_off:")
    if count:
        st.warning(t("my_ratings.unsaved", count=f"{count:,}"), icon=":material/cloud_off:")
    elif read == "before":
        st.warning(t("my_ratings.remembered"), icon=":material/cloud_off:")
    elif before and not failed:
        st.success(t("my_ratings.saved", count=f"{before:,}"), icon=":material/cloud_done:")
    if count or read != "now":
        _look_again()


@st.fragment(run_every=_LOOK_SECONDS)
def _look_again() -> None:
    with told():
        visitor = current_visitor()
        if _standing(visitor.store.ratings_of(visitor.secret)) != st.session_state[_TOLD]:
            st.rerun()


def _standing(said: VisitorRatings) -> tuple[int, str]:
    """How many changes are not saved, and from where the rest is."""
    return len(said.unsaved) + said.erasing, said.read
