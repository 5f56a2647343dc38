"""The app with one page more, whose buttons ask for far more memory than there is, or go wrong.

For benchmarks/soak.py and promises.py: what such a visitor does must harm nobody else.
"""

import numpy as np
import streamlit as st

MB = 2**20
_TOO_MUCH = 2**40


def _draw() -> None:
    """Each button but the last says that it needs little, and takes without end."""
    from recommender.app.server.guarded_action import guarded_action

    if st.button("In pieces", key="pieces"):
        with guarded_action("greedy.pieces", max_bytes=MB):
            pieces = []
            while True:
                pieces.append(np.ones(MB // 8))
    if st.button("At once", key="whole"):
        with guarded_action("greedy.whole", max_bytes=MB):
            np.ones(_TOO_MUCH)
    if st.button("In Python lists", key="lists"):
        with guarded_action("greedy.lists", max_bytes=MB):
            lists: list[list[str]] = []
            while True:
                lists.append([f"{len(lists)} {i}" for i in range(1000)])
    if st.button("By mistake", key="mistake"):
        raise ZeroDivisionError


if __name__ == "__main__":  # as streamlit_app.py
    from recommender.app import main
    from recommender.app.components import frame
    from recommender.app.i18n import language
    from recommender.app.pages import MAIN, PAGES, url_path

    st.set_page_config(page_title="Matinee", page_icon="🎬", layout="wide")
    language.take_from_address()
    pages = [*main.pages(PAGES), st.Page(frame.body(_draw), title="Greedy", url_path="greedy")]
    frame.draw(
        st.navigation(pages, position="hidden"), pages[: len(MAIN)], (), url_path("discover")
    )
else:
    from memory_toolkit.measure.reading import read
    from recommender.app.main import server_options

    app = st.App(__file__, **server_options(read().own))
