import pytest
from streamlit.testing.v1 import AppTest

from recommender import Recommender
from tests.app.conftest import OpenPage
from tests.app.drawn import cards, html, mark, pressed, rate, stars, texts, titles
from tests.conftest import ODD_TITLES


def title(page: AppTest) -> list[str]:
    return texts(page, r"<h1>(.*?)</h1>")


def test_says_what_is_known_and_what_is_close(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("movie", id="12")
    movie = tiny.movie(12)
    assert not page.exception
    assert title(page) == [movie.title]
    assert f'src="poster/{movie.movie_id}.svg"' in html(page)
    assert texts(page, r'<p class="mt-line">(.*?)</p>') == [str(movie.year)]
    assert f"from {movie.n_ratings} ratings" in html(page)
    assert titles(page) == [item.movie.title for item in tiny.find_similar_movies(12, 12)]
    assert page.query_params["id"] == "12"


def test_every_card_leads_to_its_movie(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("for-you", user="7", lang="ko").run()
    found = [item.movie.movie_id for item in tiny.recommend_for_user(7, 12)]
    rated = [item.movie.movie_id for item in tiny.rated_by(7, 12)]
    addresses = [f"movie?lang=ko&id={movie}" for movie in (*rated, *found)]
    assert texts(page, r'<a href="(movie\?.*?)"') == addresses


def test_a_star_is_kept_and_is_no_reason_for_its_own_movie(open_page: OpenPage) -> None:
    page = rate(open_page("movie", id="12"), 12, 5)
    assert stars(page, 12) == 5
    assert texts(page, r'<p class="mt-why">(.*?)</p>') == []
    assert titles(page)


def test_the_movie_can_be_saved_seen_and_turned_away(open_page: OpenPage) -> None:
    page = open_page("movie", id="12")
    assert cards(page)[0] == "12"
    for said in ("saved", "seen", "hidden"):
        mark(page, said, 12)
        assert pressed(page, said) == ["12"]
    mark(page, "saved", cards(page)[1])
    assert pressed(page, "hidden") == ["12"]


def test_the_reasons_are_what_was_liked(open_page: OpenPage, tiny: Recommender) -> None:
    ratings = {2: 5.0, 3: 1.0, 6: 1.0}
    page = open_page("movie", id="2")
    for movie, given in ratings.items():
        page.query_params["id"] = str(movie)
        page.session_state["movie.id"] = str(movie)
        rate(page.run(), movie, int(given))
    page.session_state["movie.id"] = "12"
    why = tiny.why(ratings, 12)
    assert [reason.movie.movie_id for reason in why] in ([2], [])
    expected = [f"Because of {reason.movie.title}" for reason in why]
    assert texts(page.run(), r'<p class="mt-why">(.*?)</p>') == expected


@pytest.mark.parametrize("movie", ["0", "61", "abc", "<b>x</b>"])
def test_an_unknown_movie_is_a_sentence(open_page: OpenPage, movie: str) -> None:
    page = open_page("movie", id=movie, locale="ko-KR")
    assert [element.value for element in page.title] == ["영화"]
    assert page.markdown[0].value.replace("\\", "").startswith(f"ID가 {movie}인 영화가 없습니다.")


def test_without_an_id_it_says_where_to_choose(open_page: OpenPage) -> None:
    assert open_page("movie").markdown[0].value.startswith("Choose a movie")


@pytest.mark.parametrize("movie", sorted(ODD_TITLES))
def test_odd_titles_are_text(open_page: OpenPage, movie: int) -> None:
    page = open_page("movie", id=str(movie))
    assert title(page) == [ODD_TITLES[movie][0]]
    assert "<img src=x" not in html(page)


def test_a_movie_that_nobody_rated(open_page: OpenPage) -> None:
    page = open_page("movie", id="60")
    assert not page.exception
    assert "Not rated yet" in html(page)
    assert len(titles(page)) == 12
