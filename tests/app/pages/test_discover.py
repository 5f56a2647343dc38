import pytest

from recommender import Recommender
from tests.app.conftest import OpenPage
from tests.app.drawn import html, links, texts, titles
from tests.conftest import ODD_TITLES


@pytest.mark.parametrize(
    ("locale", "title", "label"),
    [("en-US", "Discover", "movies"), ("ko-KR", "둘러보기", "영화")],
)
def test_says_how_large_the_data_are(
    open_page: OpenPage, locale: str, title: str, label: str
) -> None:
    page = open_page("discover", locale=locale)
    assert [element.value for element in page.title] == [title]
    assert texts(page, "<dd>(.*?)</dd>") == ["60", "1,193", "50", "3.23 ★"]
    assert texts(page, "<dt>(.*?)</dt>")[0] == label


def test_shows_the_most_rated_movies(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("discover")
    popular = tiny.popular(12)
    assert titles(page) == [movie.title for movie in popular]
    assert links(page) == [f"similar?movie={movie.movie_id}" for movie in popular]
    assert f"from {popular[0].n_ratings} ratings" in html(page)


def test_what_is_searched_for_is_shown_as_cards_and_in_the_address(
    open_page: OpenPage, tiny: Recommender
) -> None:
    page = open_page("discover", q=" number 12 ", locale="ko-KR")
    assert titles(page) == ["Movie number 12"]
    assert page.query_params["q"] == "number 12"
    assert titles(page.run()) == ["Movie number 12"]
    page = open_page("discover", q="1960s drama")
    assert [header.value for header in page.header] == ["By genre, decade, tag and person"]
    assert titles(page) == [movie.title for movie in tiny.search("1960s drama", 12, by="facts")]


def test_what_is_typed_on_the_page_is_searched_for_until_the_address_says_otherwise(
    open_page: OpenPage, tiny: Recommender
) -> None:
    popular = [movie.title for movie in tiny.popular(12)]
    page = open_page("discover")
    page.text_input(key="search").set_value(" number 12").run()
    assert titles(page) == ["Movie number 12"]
    assert page.query_params["q"] == "number 12"
    page.text_input(key="search").set_value("").run()
    assert titles(page) == popular
    assert "q" not in page.query_params


@pytest.mark.parametrize("text", ["zzz", "<script>", "*bold* [a](b)"])
def test_where_nothing_fits_it_says_so(open_page: OpenPage, text: str) -> None:
    page = open_page("discover", q=text)
    assert [info.value.replace("\\", "") for info in page.info] == [
        f"No title is like “{text}”. Try fewer or shorter words."
    ]
    assert titles(page) == []


@pytest.mark.parametrize("movie", sorted(ODD_TITLES))
def test_odd_titles_come_through(open_page: OpenPage, movie: int) -> None:
    page = open_page("discover", q=ODD_TITLES[movie][0])
    assert titles(page)[0] == ODD_TITLES[movie][0]
    assert "<img src=x" not in html(page)
