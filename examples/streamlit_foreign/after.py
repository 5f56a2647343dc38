"""The app with the toolkit: five more lines, and a sixth for the panel."""

import pickle

import streamlit as st

from debug_memory import MB, Busy, Guard, streamlit_panel
from examples.streamlit_foreign.films import SIMILARITY, TITLES

Guard().start()


def similar_films(title: str) -> list[str]:
    """Return the five films that are most similar."""
    with open(SIMILARITY, "rb") as file:
        similarity = pickle.load(file)
    row = similarity[TITLES.index(title)]
    return [TITLES[place] for place in row.argsort()[::-1][1:6]]


st.title("Similar films")
title = st.selectbox("Film", TITLES, key="film")
try:
    with Guard().admit("similar films", 360 * MB):  # the matrix, twice while it is unpickled
        st.table(similar_films(title))
except Busy:
    st.info("Many are looking just now; try again in a moment.")
streamlit_panel()
