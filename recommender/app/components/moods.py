"""Mood and era: what somebody wants tonight, as filters of a list."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from recommender.app.components import query_params
from recommender.app.i18n.language import t
from recommender.recommender import Recommender
from recommender.scoring.filters import Filters

# The genres, as MovieLens calls them, that make each mood.
_MOODS = {
    "funny": ("Comedy",),
    "tense": ("Thriller", "Mystery", "Crime"),
    "moving": ("Drama", "Romance"),
    "adventurous": ("Action", "Adventure", "Sci-Fi", "Fantasy"),
    "scary": ("Horror",),
    "family": ("Children", "Children's", "Animation"),
    "real": ("Documentary",),
}
# The first and the last year of each era.
_ERAS = {
    "classic": (1, 1969),
    "seventies": (1970, 1989),
    "nineties": (1990, 1999),
    "noughties": (2000, 2009),
    "recent": (2010, 9999),
}


def choose(matinee: Recommender) -> Filters:
    """Draw the moods and eras that the catalogue has, and return what is chosen as filters."""
    first, last = matinee.years
    there = set(matinee.genres)
    moods = {mood: tuple(g for g in genres if g in there) for mood, genres in _MOODS.items()}
    moods = {mood: genres for mood, genres in moods.items() if genres}
    eras = {era: (a, b) for era, (a, b) in _ERAS.items() if a <= last and b >= first}
    with st.container(horizontal=True, key="moods"):
        mood = _chips("mood", moods, _mood_names())
        era = _chips("era", eras, _era_names())
    return Filters(moods.get(mood, ()), eras.get(era))


def _chips(key: str, options: Mapping[str, object], names: Mapping[str, str]) -> str:
    query_params.restore(key, options)
    chosen = st.pills(
        t("tonight.mood") if key == "mood" else t("tonight.era"),
        list(options),
        format_func=names.__getitem__,
        key=key,
        persist_state="session",
        label_visibility="collapsed",
    )
    query_params.show(key, chosen)
    return chosen or ""


def _mood_names() -> dict[str, str]:
    return {
        "funny": t("mood.funny"),
        "tense": t("mood.tense"),
        "moving": t("mood.moving"),
        "adventurous": t("mood.adventurous"),
        "scary": t("mood.scary"),
        "family": t("mood.family"),
        "real": t("mood.real"),
    }


def _era_names() -> dict[str, str]:
    return {
        "classic": t("era.classic"),
        "seventies": t("era.seventies"),
        "nineties": t("era.nineties"),
        "noughties": t("era.noughties"),
        "recent": t("era.recent"),
    }
