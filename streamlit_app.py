"""Matinee in the browser: page config and navigation, nothing else."""

import streamlit as st

if __name__ == "__main__":  # Streamlit runs this file for every visitor
    from recommender.ui import about, for_you, frame, home, hybrid, language, my_ratings, similar

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
    page = st.navigation(pages, position="top")
    if page is not pages[0]:
        st.set_page_config(page_title=f"{page.title} · Matinee")
    frame.draw(page)
else:  # and the server imports it once
    from memory_toolkit.reading import read

    own_at_start = read().own
    from starlette.middleware import Middleware

    from recommender.ui import flame_graph_file, health, metrics, start, visitor

    start.prepare(own_at_start)
    app = st.App(
        __file__,
        lifespan=start.lifespan,
        routes=[*health.routes(), *metrics.routes(), *flame_graph_file.routes()],
        middleware=[Middleware(visitor.VisitorCookie)],
    )
