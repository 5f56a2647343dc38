"""Matinee in the browser: page config and navigation, nothing else."""

import streamlit as st

from recommender.ui import about, for_you, frame, home, hybrid, language, similar

st.set_page_config(page_title="Matinee", page_icon="🎬", layout="wide")
language.follow_address()
pages = [home.page(), for_you.page(), similar.page(), hybrid.page(), about.page()]
frame.draw(st.navigation(pages, position="top"))
