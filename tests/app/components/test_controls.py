import pytest

from recommender import Recommender
from recommender.app.components import controls
from recommender.scoring.filters import Filters
from tests.app.conftest import OpenPage
from tests.app.drawn import titles
from tests.conftest import ODD_TITLES

PAGES = (("for-you", "user", "7"), ("similar", "movie", "12"), ("hybrid", "user", "7"))
each_page = pytest.mark.parametrize(("page", "key", "value"), PAGES)


@each_page
@pytest.mark.parametrize("count", [controls.MIN_COUNT, 13, 20])
def test_as_many_movies_as_asked_for(
    open_page: OpenPage, page: str, key: str, value: str, count: int
) -> None:
    shown = open_page(page, **{key: value})
    slider = shown.slider(key="n")
    assert (slider.min, slider.value, slider.max) == (5, 12, 20)
    assert len(titles(slider.set_value(count).run())) == count


@pytest.mark.parametrize(("most", "usual"), [(10, 10), (12, 12), (40, 12)])
def test_the_server_says_how_many_can_be_asked_for(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, most: int, usual: int
) -> None:
    monkeypatch.setenv("MATINEE_RECOMMENDATIONS", str(most))
    page = open_page("for-you", user="7")
    slider = page.slider(key="n")
    assert (slider.min, slider.value, slider.max) == (5, usual, most)
    assert len(titles(page)) == usual
    assert len(titles(slider.set_value(most).run())) == min(most, 59)


@each_page
@pytest.mark.parametrize("count", ["4", "21", "many"])
def test_an_address_with_a_wrong_count_means_the_usual(
    open_page: OpenPage, page: str, key: str, value: str, count: str
) -> None:
    assert len(titles(open_page(page, **{key: value, "n": count}))) == controls.DEFAULT_COUNT


def test_genres_and_years_together(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("for-you", user="7")
    assert page.main.get("popover")[0].proto.popover.label == "Filters"
    page = page.multiselect(key="genres").set_value(["Drama"]).run()
    page = page.slider(key="years").set_value((1980, 2000)).run()
    assert page.main.get("popover")[0].proto.popover.label == "Filters (2)"
    assert page.query_params["genres"] == "Drama"
    found = tiny.recommend_for_user(7, 12, Filters(("Drama",), (1980, 2000)))
    assert titles(page) == [item.movie.title for item in found] != []
    assert all("Drama" in item.movie.genres for item in found)


def test_an_address_sets_the_filters(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("hybrid", user="7", genres=["War", "nonsense", "Comedy"])
    assert page.multiselect(key="genres").value == ["War", "Comedy"]
    assert page.query_params["genres"] == ["War", "Comedy"]
    found = tiny.hybrid_recommend(7, 12, filters=Filters(("War", "Comedy")))
    assert titles(page) == [item.movie.title for item in found]


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ({"genres": "War", "years": ["1960", "1990"], "fewest": "5", "n": "7"}, "Filters (3)"),
        ({"variety": "0.5", "obscurity": "0.2"}, "Filters (2)"),
    ],
)
def test_what_a_link_brings_is_counted_at_once(
    open_page: OpenPage, address: dict[str, str], label: str
) -> None:
    page = open_page("for-you", user="7", **address)
    assert page.main.get("popover")[0].proto.popover.label == label


@each_page
def test_filters_that_leave_nothing(open_page: OpenPage, page: str, key: str, value: str) -> None:
    shown = open_page(page, **{key: value}, genres="Horror")
    shown = shown.slider(key="years").set_value((1955, 1960)).run()
    assert shown.info[-1].value == "No movie passes these filters."
    assert titles(shown) == []
    shown = shown.button(key="nothing_clear").click().run()
    assert len(titles(shown)) == controls.DEFAULT_COUNT
    assert set(shown.query_params) == {key}
    assert shown.main.get("popover")[0].proto.popover.label == "Filters"


def test_the_filters_are_cleared_at_once_where_they_are(open_page: OpenPage) -> None:
    address = {"genres": "War", "years": ["1960", "1990"], "fewest": "5", "variety": "0.5"}
    page = open_page("for-you", user="7", n="7", **address)
    page = page.button(key="filters_clear").click().run()
    assert set(page.query_params) == {"user", "n"}
    assert len(titles(page)) == 7
    assert "filters_clear" not in [button.key for button in page.button]


def test_one_genre_that_one_movie_has(open_page: OpenPage) -> None:
    assert titles(open_page("similar", movie="3", genres="Thriller")) in ([], [ODD_TITLES[2][0]])


def test_genres_are_offered_by_their_names_in_the_language(
    open_page: OpenPage, tiny: Recommender
) -> None:
    page = open_page("for-you", locale="ko-KR", genres="Drama")
    assert page.multiselect(key="genres").options[:3] == ["드라마", "액션", "전쟁"]
    assert page.main.get("popover")[0].proto.popover.label == "필터 (1)"
