"""The message that ratings are not saved yet, and the one that they are."""

from __future__ import annotations

import streamlit as st

from recommender.app.i18n.language import t
from recommender.app.server.visitor import current_visitor, profile_errors_as_text
from recommender.visitors.records import VisitorRatings

# How things stood when the page was drawn last.
_LAST_STATUS = "unsaved_status"
_LOOK_SECONDS = 3.0


def draw(visitor_ratings: VisitorRatings, *, failed: bool) -> None:
    """Say what is not saved, and draw the page anew by itself once that has changed.

    Args:
        failed: whether the visitor is told of an error already, so that "saved" would be wrong.
    """
    count, read = _status(visitor_ratings)
    before, _ = st.session_state.get(_LAST_STATUS, (0, "now"))
    st.session_state[_LAST_STATUS] = count, read
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
    with profile_errors_as_text():
        visitor = current_visitor()
        if _status(visitor.store.ratings_of(visitor.secret)) != st.session_state[_LAST_STATUS]:
            st.rerun()


def _status(visitor_ratings: VisitorRatings) -> tuple[int, str]:
    """Return the number of changes that are not saved, and where the rest was read."""
    return len(visitor_ratings.unsaved) + visitor_ratings.erasing, visitor_ratings.read
