"""The app without the toolkit: killed when three tabs ask at once."""

import pickle

import streamlit as st

from examples.streamlit_foreign.films import SIMILARITY, TITLES


def similar_films(title: str) -> list[str]:
    """Return the five films that are most similar."""
    with open(SIMILARITY, "rb") as file:
        similarity = pickle.load(file)
    row = similarity[TITLES.index(title)]
    return [TITLES[place] for place in row.argsort()[::-1][1:6]]


st.title("Similar films")
title = st.selectbox("Film", TITLES, key="film")
st.table(similar_films(title))
