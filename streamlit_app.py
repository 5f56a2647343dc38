"""Matinee in the browser: page config and navigation, nothing else."""

import streamlit as st
from starlette.middleware import Middleware

from recommender.ui import about, for_you, frame, home, hybrid, language, my_ratings, similar
from recommender.ui.visitor import VisitorCookie

if __name__ == "__main__":  # Streamlit runs this file for every visitor
    st.set_page_config(page_title="Matinee", page_icon="🎬", layout="wide")
    language.follow_address()
    pages = [
        home.page(),
        my_ratings.page(),
        for_you.page(),
        similar.page(),
        hybrid.page(),
        about.page(),
    ]
    frame.draw(st.navigation(pages, position="top"))
else:  # and the server imports it once
    app = st.App(__file__, middleware=[Middleware(VisitorCookie)])
