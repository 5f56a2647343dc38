import re

import pytest
from streamlit.testing.v1 import AppTest

from recommender import Recommender
from tests.app.conftest import OpenPage
from tests.app.drawn import cards, click, hidden, html, mark, offered, rate, stars, texts, titles


def part(page: AppTest, name: str) -> AppTest:
    return page.segmented_control(key="part").set_value(name).run()


def test_somebody_new(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("my-ratings")
    assert page.title[0].value == "My list"
    assert [heading.value for heading in page.header] == ["Known to many"]
    assert page.caption[0].value == "Rate a movie, and this list becomes yours."
    assert offered(page) == [movie.movie_id for movie in tiny.quick_start(8)]
    assert [stars(page, movie) for movie in offered(page)] == [None] * 8
    assert titles(page) == [movie.title for movie in tiny.popular(12)]
    assert "predicted" not in html(page)


def test_without_a_cookie_it_says_that_nothing_lasts(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    assert len(page.info) == 0
    (info,) = mark(page, "saved", cards(page)[0]).info
    assert "these ratings last only until you close or reload this page" in info.value


def test_the_recommendations_follow_at_once(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("my-ratings")
    first, second = offered(page)[:2]
    rate(page, first, 5)
    found = tiny.recommend({first: 5.0}, 12)
    assert titles(page) == [item.movie.title for item in found]
    rate(page, second, 1)
    found = tiny.recommend({first: 5.0, second: 1.0}, 12)
    assert titles(page) == [item.movie.title for item in found]
    assert f"★ {found[0].stars:.1f}" in html(page)
    assert page.header[0].value == "Recommended for you"
    assert page.caption[0].value == "From your ratings (2)"


def test_what_is_rated_stays_in_its_place(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    before = offered(page)
    rate(page, before[3], 4)
    assert offered(page) == before
    assert [stars(page, movie) for movie in before] == [None] * 3 + [4] + [None] * 4


def test_a_second_click_takes_a_rating_back(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    movie = offered(page)[0]
    rate(rate(page, movie, 2), movie, None)
    assert stars(page, movie) is None
    assert page.caption[0].value == "Rate a movie, and this list becomes yours."


def test_other_movies_come_until_all_were_there(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    seen = offered(page)
    rate(page, seen[0], 3)
    for _ in range(8):
        others = next(button for button in page.button if button.label == "Other movies")
        others.click().run()
        if set(offered(page)) & set(seen):
            break
        seen += offered(page)
    # 60 movies, and then from the beginning, without the one that has stars now.
    assert len(seen) == 60
    assert seen[0] not in offered(page)
    assert len(offered(page)) == 8


def test_any_movie_can_be_searched_and_rated(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("my-ratings").text_input(key="find").set_value("movie number 33").run()
    assert offered(page) == [33]
    rate(page, 33, 5)
    assert stars(page, 33) == 5
    assert titles(page) == [item.movie.title for item in tiny.recommend({33: 5.0}, 12)]


@pytest.mark.parametrize("movie", [1, 2, 3, 4])
def test_odd_titles_are_shown_as_they_are(
    open_page: OpenPage, tiny: Recommender, movie: int
) -> None:
    found = tiny.movie(movie)
    page = open_page("my-ratings").text_input(key="find").set_value(found.title).run()
    assert texts(page, r"<li><span><b>(.*?)</b> <small>") == [found.title]
    assert texts(page, r'radiogroup" aria-label="(.*?)"') == [f"Your stars: {found.title}"]


def test_what_is_no_title_may_name_a_genre(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("my-ratings").text_input(key="find").set_value("1960s drama").run()
    found = tiny.search("1960s drama", 12, by="facts")
    assert len(offered(page)) == len(found) > 1
    assert len(page.info) == 0


def test_a_genre_in_korean(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("my-ratings", locale="ko-KR").text_input(key="find").set_value("전쟁").run()
    assert len(offered(page)) == len(tiny.search("war", 12, by="facts")) > 1


def test_nothing_found(open_page: OpenPage) -> None:
    page = open_page("my-ratings").text_input(key="find").set_value("*nowhere*").run()
    assert [info.value.replace("\\", "") for info in page.info][-1].startswith(
        "No title is like “*nowhere*”."
    )
    assert offered(page) == []


def test_what_is_turned_away_stays_away_until_it_is_taken_back(
    open_page: OpenPage, tiny: Recommender
) -> None:
    page = open_page("my-ratings")
    rate(page, offered(page)[0], 5)
    before = titles(page)
    movie = int(cards(page)[0])
    assert before[0] == tiny.movie(movie).title
    mark(page, "hidden", movie)
    assert (titles(page), hidden(page)) == (before, [str(movie)])  # nothing moves
    part(page, "hidden")
    assert (before[0] not in titles(page), len(titles(page)), hidden(page)) == (True, 12, [])
    click(page, "forget", movie)
    assert titles(page) == before


def test_undo_is_on_the_card(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    before, movie = titles(page), cards(page)[0]
    mark(page, "hidden", movie)
    assert texts(page, r'data-act="undo" [^>]*aria-label="(.*?)"') == [f"Undo: {before[0]}"]
    click(page, "unmark", movie, value="hidden")
    assert (titles(page), hidden(page), cards(page)[0]) == (before, [], movie)


@pytest.mark.parametrize(
    ("said", "leaves"), [("hidden", True), ("seen", True), ("saved", False), ("4", True)]
)
def test_what_is_seen_rated_or_hidden_leaves_with_the_next_list(
    open_page: OpenPage, said: str, leaves: bool
) -> None:
    page = open_page("my-ratings")
    before = titles(page)
    first, second = cards(page)[:2]
    if said.isdigit():
        click(page, "star", first, value=said)
    else:
        mark(page, said, first)
    assert titles(page) == before
    mark(page, "seen", second)  # a further click does not move it either
    assert titles(page) == before
    page.slider(key="n").set_value(11).run()
    assert (before[0] in titles(page), before[1] in titles(page)) == (not leaves, False)


def test_half_stars_on_a_card(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    movie = cards(page)[0]
    click(page, "star", movie, value="3.5")
    shown = r'data-stars="([\d.]+)" data-step="([\d.]+)" [^>]*aria-label="(.*?)"'
    given = rf'"{movie}"><button {shown}'
    found = re.search(given, html(page))
    assert found is not None
    assert found.groups()[:2] == ("3.5", "0.5")
    assert found[3].endswith(", 3.5 of 5 stars")
    assert html(part(page, "rated")).count("★ 3.5</small>") == 1  # between two stars of the row
    click(page, "star", movie, value="")
    assert page.segmented_control(key="part").options[2] == "Rated (0)"


@pytest.mark.parametrize("said", ["6", "0", "nan", "-1"])
def test_stars_that_no_card_offers_count_for_nothing(open_page: OpenPage, said: str) -> None:
    page = open_page("my-ratings")
    click(page, "star", cards(page)[0], value=said)
    assert not page.exception
    assert page.segmented_control(key="part").options[2] == "Rated (0)"


def test_saved_movies_are_seen_rated_or_taken_off(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    first, second, third = (int(movie) for movie in cards(page)[:3])
    mark(page, "saved", first, second, third)
    part(page, "saved")
    assert sorted(offered(page)) == sorted([first, second, third])
    click(page, "saw", first)
    rate(page, second, 5)
    click(page, "forget", third)
    assert page.segmented_control(key="part").options == [
        *("Rate", "Saved (0)", "Rated (1)", "Seen (1)", "Not interested (0)"),
        "Import and export",
    ]
    assert page.info[-1].value.startswith("Nothing saved yet.")
    assert offered(part(page, "seen")) == [first]


def test_the_own_movies_can_be_sorted(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("my-ratings")
    for movie, star in ((33, 2), (5, 5), (21, 3)):
        page.text_input(key="find").set_value(tiny.movie(movie).title).run()
        rate(page, movie, star)
    part(page, "rated")
    years = {movie: tiny.movie(movie).year or 0 for movie in (33, 5, 21)}
    for order, expected in {
        "title": sorted(years, key=lambda movie: tiny.movie(movie).title.casefold()),
        "year": sorted(years, key=lambda movie: -years[movie]),
        "stars": [5, 21, 33],
    }.items():
        page.selectbox(key="sort").set_value(order).run()
        assert offered(page) == expected
    assert page.query_params["sort"] == "stars"
    mark(page, "saved", cards(page)[0])
    part(page, "saved")  # has no stars to sort by
    assert page.selectbox(key="sort").options == ["Newest first", "Title", "Year"]


def test_the_own_ratings_newest_first_can_be_changed_and_removed(open_page: OpenPage) -> None:
    page = open_page("my-ratings", part="rated")
    assert page.info[-1].value.startswith("You have not rated anything yet.")
    part(page, "rate")
    first, second = offered(page)[:2]
    rate(rate(page, first, 1), second, 2)
    part(page, "rated")
    assert sorted(offered(page)) == sorted([first, second])
    assert page.segmented_control(key="part").options[2] == "Rated (2)"
    rate(page, first, 4)
    assert stars(page, first) == 4
    rate(page, second, None)
    assert offered(page) == [first]


def test_filters_narrow_the_recommendations(open_page: OpenPage) -> None:
    page = open_page("my-ratings", genres="War", n="5")
    assert len(titles(page)) == 5
    assert html(page).count("<li>War</li>") == 5


def test_more_than_may_be_kept(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_PROFILE_RATINGS", "1")
    page = open_page("my-ratings")
    first, second = offered(page)[:2]
    rate(page, first, 5)
    assert len(page.toast) == 0
    rate(page, second, 5)
    assert [toast.value for toast in page.toast] == [
        "At most 1 movies can be kept, so the last change was not. Remove some first."
    ]
    assert stars(page, first) == 5
    assert stars(page, second) is None
    assert len(page.run().toast) == 0


def test_two_sessions_without_a_cookie_are_two_visitors(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    rate(page, offered(page)[0], 5)
    assert page.caption[0].value == "From your ratings (1)"
    assert open_page("my-ratings").caption[0].value.startswith("Rate a movie")


def test_in_korean(open_page: OpenPage) -> None:
    page = open_page("my-ratings", locale="ko-KR")
    assert page.title[0].value == "내 목록"
    rate(page, offered(page)[0], 5)
    assert page.header[0].value == "나를 위한 추천"
    assert page.caption[0].value == "내 평점 1개를 바탕으로 골랐습니다"
    assert page.segmented_control(key="part").options == [
        "평가하기",
        "나중에 볼 영화 (0)",
        "평가한 영화 (1)",
        "본 영화 (0)",
        "관심 없음 (0)",
        "가져오기·내보내기",
    ]
