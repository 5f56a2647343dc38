import pytest
from streamlit.testing.v1 import AppTest

from recommender.app.components import cards
from recommender.core.records import Movie
from tests.app.drawn import html
from tests.conftest import ODD_TITLES

MOVIE = Movie(1, "A & B", 1999, ("Drama", "War"), 3.26, 1234)


def poster(movie: Movie) -> str:
    return f"poster/{movie.movie_id}.svg"


def drawn(name: str, *arguments: object) -> str:
    """Return what `cards.<name>` gives or draws within an English page."""

    def script(name: str, arguments: tuple[object, ...]) -> None:
        import streamlit as st

        from recommender.app.components import cards

        text = getattr(cards, name)(*arguments)
        if text:
            st.html(text)

    app = AppTest.from_function(script, args=(name, arguments)).run()
    assert not app.exception
    return html(app)


def test_facts_of_a_movie() -> None:
    facts = drawn("facts", MOVIE, 4.25)
    assert "<li>Drama</li><li>War</li>" in facts
    assert "<b>★ 4.2</b> predicted" in facts
    assert "Average 3.3 from 1,234 ratings" in facts
    assert "predicted" not in drawn("facts", MOVIE)


@pytest.mark.parametrize(("stars", "shown"), [(3.2, False), (3.26, True), (3.25, False), (4, True)])
def test_predicted_stars_speak_for_the_movie_or_are_not_shown(stars: float, shown: bool) -> None:
    assert ("predicted" in drawn("facts", MOVIE, stars)) == shown


def test_facts_of_a_movie_that_one_user_rated() -> None:
    assert "4.0 from one rating" in drawn("facts", Movie(1, "A", None, (), 4.0, 1))


def test_facts_of_a_movie_that_nobody_rated() -> None:
    assert "Not rated yet" in drawn("facts", Movie(1, "A", None, (), None, 0))


def test_a_movie_without_a_year_has_none() -> None:
    assert "<span>" not in drawn("single", Movie(1, "A", None, (), None, 0), poster)
    assert "<span>1999</span>" in drawn("single", MOVIE, poster)


def test_a_poster_is_a_file_of_the_app_with_a_place_kept_for_it() -> None:
    shown = drawn("single", MOVIE, poster)
    assert '<img alt="" width="200" height="300" loading="lazy" src="poster/1.svg">' in shown


@pytest.mark.parametrize("title", [title for title, _, _ in ODD_TITLES.values()])
def test_titles_and_genres_are_text_not_html(title: str) -> None:
    shown = drawn("single", Movie(1, title, 1999, ("<b>x</b>",), None, 0), poster)
    assert f'<h2><a href="movie?id=1">{cards.escape(title)}</a></h2>' in shown
    assert "<li>&lt;b&gt;x&lt;/b&gt;</li>" in shown
    assert shown.count("<img") == 1


@pytest.mark.parametrize(
    ("share", "width"), [(-0.5, "0.0%"), (0.0, "0.0%"), (0.123, "12.3%"), (7.0, "100.0%")]
)
def test_a_meter_stays_within_its_bar(share: float, width: str) -> None:
    meter = cards.meter("<like>", share, "&")
    assert f'style="--share:{width}"' in meter
    assert "&lt;like&gt;" in meter
    assert "<b>&amp;</b>" in meter
