"""Matinee in the browser: `streamlit run streamlit_app.py`, or `matinee serve`."""

import streamlit as st

if __name__ == "__main__":  # Streamlit runs this file for every visitor
    from recommender.app.main import draw

    draw()
else:  # and the server imports it once
    from memory_toolkit.measure.reading import read

    own_at_start = read().own
    from recommender.app.main import server_options

    app = st.App(__file__, **server_options(own_at_start))
