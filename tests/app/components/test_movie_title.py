import pytest
from streamlit.testing.v1 import AppTest

from recommender.core.records import Movie

PARASITE = Movie(
    2, "Parasite", 2019, (), 4.5, 9, titles={"ko": "기생충 & 벌레", "fr": "Le parasite"}
)
SEPARATION = Movie(3, "جدایی نادر از سیمین", 2011, (), 4.5, 9, titles={"ko": "<씨민>"})


def in_language(language: str, movie: Movie) -> list[str]:
    """Return the title as text and as HTML, and the first title, for a visitor."""

    def script(movie: object) -> None:
        import streamlit as st

        from recommender.app.components import movie_title

        for name in ("title_text", "title_html", "original_html"):
            st.text(getattr(movie_title, name)(movie))

    app = AppTest.from_function(script, args=(movie,))
    app.session_state["lang"] = language
    app.run()
    assert not app.exception
    return [element.value for element in app.text]


@pytest.mark.parametrize(
    ("language", "movie", "shown"),
    [
        ("en", PARASITE, ["Parasite", "Parasite", ""]),
        (
            "ko",
            PARASITE,
            ["기생충 & 벌레", "기생충 &amp; 벌레", '<small class="mt-original">Parasite</small>'],
        ),
        (
            "en",
            SEPARATION,
            [f"\u2068{SEPARATION.title}\u2069", f"<bdi>{SEPARATION.title}</bdi>", ""],
        ),
        (
            "ko",
            SEPARATION,
            [
                "<씨민>",
                "&lt;씨민&gt;",
                f'<small class="mt-original"><bdi>{SEPARATION.title}</bdi></small>',
            ],
        ),
    ],
)
def test_the_title_in_a_visitors_language(language: str, movie: Movie, shown: list[str]) -> None:
    assert in_language(language, movie) == shown
