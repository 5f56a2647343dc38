import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import OpenPage
from tests.app.drawn import texts

TITLES = {"en": "For you", "ko": "맞춤 추천"}


def language(page: AppTest) -> str:
    assert not page.exception
    (shown,) = [name for name, title in TITLES.items() if page.title[0].value == title]
    assert texts(page, r'lang="(\w+)" data-key="lang" aria-current=true') == [shown]
    return shown


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("ko", "ko"), ("ko-KR", "ko"), ("KO-kr", "ko"), ("en-GB", "en"), ("kok-IN", "en"), ("", "en")],
)
def test_the_browser_decides_at_first(open_page: OpenPage, locale: str, expected: str) -> None:
    page = open_page("for-you", locale=locale)
    assert language(page) == expected
    assert "lang" not in page.query_params


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
@pytest.mark.parametrize("named", ["en", "ko"])
def test_an_address_names_the_language(open_page: OpenPage, locale: str, named: str) -> None:
    page = open_page("for-you", locale=locale, lang=named)
    assert language(page) == named
    assert language(page.run()) == named
    assert ("lang" in page.query_params) == (named != locale[:2])
    assert texts(page, r'href="([^"]*)" lang="') == [
        "?" if code == locale[:2] else f"?lang={code}" for code in TITLES
    ]


def test_an_address_with_an_unknown_language_means_the_browser(open_page: OpenPage) -> None:
    assert language(open_page("for-you", locale="ko-KR", lang="xx")) == "ko"


def test_a_genre_without_a_text_keeps_its_name(tiny_genres: AppTest) -> None:
    assert [element.value for element in tiny_genres.text] == ["드라마", "누아르", "Giallo"]


@pytest.fixture
def tiny_genres() -> AppTest:
    def script() -> None:
        import streamlit as st

        from recommender.app.i18n.language import genre_name

        for genre in ("Drama", "Film-Noir", "Giallo"):
            st.text(genre_name(genre))

    app = AppTest.from_function(script)
    app.context["locale"] = "ko-KR"
    return app.run()
