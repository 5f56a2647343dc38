"""Matinee in the browser: page config and navigation, nothing else."""

import streamlit as st

if __name__ == "__main__":  # Streamlit runs this file for every visitor
    from recommender.app.components import frame
    from recommender.app.i18n import language
    from recommender.app.pages import about, for_you, home, hybrid, my_ratings, similar

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
    from memory_toolkit.measure.reading import read

    own_at_start = read().own
    from starlette.middleware import Middleware

    from recommender.app.server import flame_graph_file, health, metrics, startup, visitor

    startup.prepare(own_at_start)
    app = st.App(
        __file__,
        lifespan=startup.lifespan,
        routes=[*health.routes(), *metrics.routes(), *flame_graph_file.routes()],
        middleware=[Middleware(visitor.VisitorCookie)],
    )
