from dataclasses import replace
from typing import Any

from streamlit.testing.v1 import AppTest

from recommender.app.components.movie_facts import links
from recommender.core.records import Movie, MovieDetails
from tests.app.components.test_cards import MOVIE
from tests.app.drawn import html


def drawn(movie: Movie, details: MovieDetails, reason: str = "") -> str:
    def script(arguments: "tuple[Any, ...]") -> None:
        import streamlit as st

        from recommender.app.components.movie_facts import panel

        st.html(panel(*arguments))

    arguments = movie, details, "poster/1.svg", reason, "<li>stars</li>"
    app = AppTest.from_function(script, args=(arguments,)).run()
    assert not app.exception
    return html(app)


def test_what_the_data_say_is_shown_as_text() -> None:
    details = MovieDetails("A <b>plot</b>.", "Ann & Bob", "France", 95, ("sad", "slow"))
    shown = drawn(MOVIE, details, "Because of <i>")
    assert "<h1>A &amp; B</h1>" in shown
    assert "1999 · 1 h 35 min · France" in shown
    assert "A &lt;b&gt;plot&lt;/b&gt;." in shown
    assert "<b>With</b> Ann &amp; Bob" in shown
    assert "<b>Tags</b> sad, slow" in shown
    assert "Because of &lt;i&gt;" in shown


def test_what_they_do_not_say_is_left_out() -> None:
    shown = drawn(replace(MOVIE, year=None), MovieDetails(runtime=45))
    assert '<p class="mt-line">45 min</p>' in shown
    assert not [name for name in ("mt-plot", "mt-why", "With", "Tags") if name in shown]


def test_links_lead_elsewhere_where_the_ids_are_known() -> None:
    assert links(MOVIE) == ""
    movie = replace(MOVIE, imdb_id="tt0114709", tmdb_id=862)
    assert links(movie) == (
        "[IMDb](https://www.imdb.com/title/tt0114709/) · [TMDB](https://www.themoviedb.org/movie/862)"
    )
