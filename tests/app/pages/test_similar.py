import pytest
from streamlit.testing.v1 import AppTest

from recommender import Recommender
from tests.app.conftest import OpenPage
from tests.app.drawn import html, links, single, texts, titles
from tests.conftest import ODD_TITLES

EMPTY = "Pick one of the movies above to see what is similar to it."


def search(page: AppTest, text: str) -> AppTest:
    return page.text_input(key="q").set_value(text).run()


def test_without_a_movie_it_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page("similar")
    assert [info.value for info in page.info] == [EMPTY]
    assert page.pills[0].label == "Often rated"
    assert len(page.pills[0].options) == 12
    assert titles(page) == []


def test_search_pick_and_change_the_method(open_page: OpenPage, tiny: Recommender) -> None:
    page = search(open_page("similar"), "number 12")
    assert page.pills[0].label == "Found"
    assert page.pills[0].options == ["Movie number 12 \\(1962\\)"]
    page = page.pills(key="match").set_value("12").run()
    assert page.query_params["movie"] == "12"
    assert single(page) == ["Movie number 12"]
    assert page.caption[0].value == "Both: the mean of content and collaboration."
    both = [item.movie.title for item in tiny.find_similar_movies(12, 12, "hybrid")]
    assert titles(page) == both

    page = page.segmented_control(key="method").set_value("collaborative").run()
    assert page.query_params["method"] == "collaborative"
    assert page.caption[0].value.startswith("By collaboration: ")
    found = tiny.find_similar_movies(12, 12, "collaborative")
    assert titles(page) == [item.movie.title for item in found] != both
    assert texts(page, r"<b>([\d.]+%)</b>") == [f"{item.similarity:.1%}" for item in found]
    assert links(page)[0] == f"similar?method=collaborative&movie={found[0].movie.movie_id}"


def test_a_picked_pill_can_be_picked_again(open_page: OpenPage) -> None:
    page = open_page("similar")
    for movie in ("12", "14", "12"):
        page = search(page, f"number {movie}").pills(key="match").set_value(movie).run()
        assert page.query_params["movie"] == movie
        assert page.pills(key="match").value is None


def test_what_is_no_title_may_name_a_genre(open_page: OpenPage, tiny: Recommender) -> None:
    page = search(open_page("similar"), "1960s drama")
    assert [pills.label for pills in page.pills] == ["By genre, decade, tag and person"]
    found = tiny.search("1960s drama", 12, by="facts")
    assert len(page.pills(key="described").options) == len(found) > 1
    page = page.pills(key="described").set_value(str(found[0].movie_id)).run()
    assert page.query_params["movie"] == str(found[0].movie_id)


def test_a_genre_and_a_decade_in_korean(open_page: OpenPage, tiny: Recommender) -> None:
    page = search(open_page("similar", locale="ko-KR"), "드라마 1960년대")
    found = tiny.search("drama 1960s", 12, by="facts")
    assert len(page.pills(key="described").options) == len(found) > 1
    assert [pills.key for pills in search(page, "전쟁").pills] == ["described"]


def test_what_was_typed_is_not_said_again_at_full_length(open_page: OpenPage) -> None:
    page = search(open_page("similar"), "z" * 500)
    assert page.info[0].value.startswith(f"No title is like “{'z' * 60}…”")


@pytest.mark.parametrize("text", ["zzz", "<script>", "*bold* [a](b)"])
def test_no_title_holds_the_words(open_page: OpenPage, text: str) -> None:
    page = search(open_page("similar"), text)
    assert [info.value.replace("\\", "") for info in page.info] == [
        f"No title is like “{text}”. Try fewer or shorter words."
    ]
    assert len(page.pills) == 0


def test_blanks_alone_search_nothing(open_page: OpenPage) -> None:
    assert search(open_page("similar"), "   ").pills[0].label == "Often rated"


@pytest.mark.parametrize("movie", sorted(ODD_TITLES))
def test_odd_titles_come_through(open_page: OpenPage, movie: int) -> None:
    title, year, _ = ODD_TITLES[movie]
    page = search(open_page("similar", movie=str(movie)), title)
    assert single(page) == [title]
    offered = page.pills[0].options[0].replace("\\", "").replace("\u2060", "")
    assert offered == f"{title} ({year})"
    assert "<img src=x" not in html(page)


@pytest.mark.parametrize("movie", ["0", "61", "abc", "<b>x</b>"])
def test_an_address_with_an_unknown_movie(open_page: OpenPage, movie: str) -> None:
    page = open_page("similar", movie=movie)
    assert page.warning[0].value.replace("\\", "") == (
        f"There is no movie with the id {movie}. Search for its title above."
    )
    assert len(page.pills) == 1
    assert titles(page) == []


def test_a_movie_that_nobody_rated(open_page: OpenPage) -> None:
    page = open_page("similar", movie="60", method="predicted")
    assert [info.value for info in page.info] == [
        "This movie has too few ratings to compare predicted stars. Choose another similarity."
    ]
    assert "Not rated yet" in html(page)
    page = page.segmented_control(key="method").set_value("content").run()
    assert page.query_params["method"] == "content"
    assert len(titles(page)) == 12


def test_an_address_with_an_unknown_method_means_the_default(open_page: OpenPage) -> None:
    page = open_page("similar", movie="12", method="guess")
    assert page.segmented_control(key="method").value == "hybrid"
    assert "method" not in page.query_params


def test_in_korean(open_page: OpenPage) -> None:
    page = open_page("similar", locale="ko-KR", movie="12", method="collaborative")
    assert page.title[0].value == "비슷한 영화"
    assert page.caption[0].value.startswith("협업 기준")
    assert page.query_params == {"movie": "12", "method": "collaborative"}
    assert search(page, "없는 제목").info[0].value.startswith("“없는 제목”에 가까운")


def test_without_collaborative_similarity_there_is_content_only(
    open_page: OpenPage, tiny: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_COLLABORATIVE_SIMILARITY", "false")
    page = open_page("similar", movie="12", method="collaborative")
    assert not page.exception
    assert not page.segmented_control
    assert page.caption[0].value == "By content: shared genres, decade and words."
    assert titles(page) == [
        item.movie.title for item in tiny.find_similar_movies(12, 12, method="content")
    ]


def test_a_pick_is_ahead_of_the_address(open_page: OpenPage) -> None:
    page = search(open_page("similar"), "number 12").pills(key="match").set_value("12").run()
    # What is typed at the same moment comes with the address from before the pick.
    del page.query_params["movie"]
    page = search(page, "number 14")
    assert single(page) == ["Movie number 12"]
    assert page.query_params["movie"] == "12"
