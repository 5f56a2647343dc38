import pytest

from recommender import Recommender
from tests.app.conftest import OpenPage
from tests.app.drawn import html, links, texts, titles


@pytest.mark.parametrize(
    ("locale", "title", "label"),
    [("en-US", "What to watch next", "movies"), ("ko-KR", "다음엔 뭘 볼까?", "영화")],
)
def test_says_what_it_is_and_how_large_the_data_are(
    open_page: OpenPage, locale: str, title: str, label: str
) -> None:
    home = open_page(locale=locale)
    assert [element.value for element in home.title] == [title]
    assert texts(home, "<dd>(.*?)</dd>") == ["60", "1,193", "50", "3.23 ★"]
    assert texts(home, "<dt>(.*?)</dt>")[0] == label


def test_leads_to_the_pages(open_page: OpenPage) -> None:
    assert links(open_page())[:4] == ["my-ratings?", "for-you?", "similar?", "hybrid?"]


def test_shows_the_most_rated_movies(open_page: OpenPage, tiny: Recommender) -> None:
    home = open_page()
    popular = tiny.popular(8)
    assert titles(home) == [movie.title for movie in popular]
    assert links(home)[4:] == [f"similar?movie={movie.movie_id}" for movie in popular]
    assert f"from {popular[0].n_ratings} ratings" in html(home)
