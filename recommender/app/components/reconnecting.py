"""A page whose server is gone finds another one, and works there from the first click on."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from recommender.app.i18n.language import t

_SCRIPT = Path(__file__).with_name("reconnecting.js").read_text("utf-8")
_SELDOM = 24 * 3600  # seconds; browsers count up to 24 days


@st.fragment(run_every=_SELDOM)
def draw_anew_when_reconnected() -> None:
    """Draw nothing, on a timer: pages that have one are drawn anew as soon as they reconnect.

    Without that, a page that comes to a server which does not know its session, another replica or
    the same one after a restart, would stay as it is until the next click. Nothing has been drawn
    for the new session by then, so it has no callback to keep the star that was clicked, and no
    file behind a download. Source: handleConnectionStateChanged in Streamlit's page, which asks for
    a run if `autoRerunIntervals` is not empty.
    """


def script() -> str:
    """Return what has the browser say in the visitor's language that the server is away."""
    texts = {
        "title": t("away.title"),
        "sentence": t("away.sentence"),
        "close": t("away.close"),
    }
    # "<" could end the script that this becomes part of.
    shown = json.dumps(texts, ensure_ascii=False).replace("<", "\\u003c")
    return f"{_SCRIPT}\nwindow.matineeAway = {shown};"
