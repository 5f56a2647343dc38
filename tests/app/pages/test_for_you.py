import pytest

from recommender import Filters, Recommender
from tests.app.conftest import OpenPage
from tests.app.drawn import html, links, texts, titles


def test_without_a_user_it_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page("for-you")
    assert [info.value for info in page.info] == [
        "Pick one of the people in the data above to see what suits them, 1 for example."
    ]
    assert links(page) == ["my-ratings?"]
    assert titles(page) == []
    assert page.selectbox(key="user").options == [str(user) for user in range(1, 51)]


def test_a_user_picked_from_the_list(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("for-you").selectbox(key="user").set_value("7").run()
    assert [element.value for element in page.header] == ["Rated highest", "Recommended"]
    assert page.caption[0].value.startswith(f"{tiny.user(7).n_ratings} ratings, ")
    found = tiny.recommend_for_user(7, 12)
    assert titles(page) == [item.movie.title for item in found]
    assert links(page) == [f"similar?movie={item.movie.movie_id}" for item in found]
    stars = texts(page, r'<p class="mt-stars"><b>★ (.*?)</b>')
    # Where they speak for the movie.
    spoken = [item for item in found if round(item.stars, 1) >= round(item.movie.mean_rating, 1)]
    assert 0 < len(spoken) < len(found)
    assert stars == [f"{item.stars:.1f}" for item in spoken]
    by_stars = page.segmented_control(key="order").set_value("stars").run()
    assert len(texts(by_stars, r'<p class="mt-stars"><b>★ (.*?)</b>')) == 12


def test_what_the_user_rated_stands_above(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("for-you", user="7")
    rated = tiny.rated_by(7, 12)
    found = texts(page, r"<li><img[^>]*><b><a [^>]*>(.*?)</a></b>")
    assert found == [item.movie.title for item in rated]
    assert texts(page, "<em>★ (.*?)</em>") == [f"{item.rating:g}" for item in rated]


@pytest.mark.parametrize("user", ["", " "])
def test_a_blank_is_no_user(open_page: OpenPage, user: str) -> None:
    page = open_page("for-you", user=user)
    assert (len(page.info), len(page.warning)) == (1, 0)


@pytest.mark.parametrize("user", ["0", "007", "51", "no one", "*7*", "9" * 30])
def test_a_user_who_does_not_exist(open_page: OpenPage, user: str) -> None:
    page = open_page("for-you", user=user)
    assert len(page.warning) == 1
    assert page.warning[0].value.replace("\\", "") == (
        f"There is no user {user} in the data. Choose one from the list."
    )
    assert html(page).count("<article") == 0


def test_a_user_who_rated_too_little_to_be_trained_on(open_page: OpenPage) -> None:
    page = open_page("for-you", user="50")
    assert page.caption[0].value == "2 ratings, 2.8 stars on average"
    assert len(titles(page)) == 12


def test_only_so_many_users_are_offered_but_any_can_be_named(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_USERS_LISTED", "3")
    page = open_page("for-you", user="7")
    assert len(titles(page)) == 12
    # What the address names is not in the list of three.
    assert page.selectbox(key="user").options == ["1", "2", "3"]


def test_in_korean(open_page: OpenPage) -> None:
    page = open_page("for-you", locale="ko-KR", user="7")
    assert page.title[0].value == "맞춤 추천"
    assert "예상 별점" in html(page)
    assert "<li>액션</li>" in html(page)
    assert "<li>Action</li>" not in html(page)


def test_says_why(open_page: OpenPage, tiny: Recommender) -> None:
    found = tiny.recommend_for_user(7, 12)
    why = texts(open_page("for-you", user="7"), r'<p class="mt-why">(.*?)</p>')
    assert why == [
        "Because of " + " · ".join(reason.movie.title for reason in item.reasons) for item in found
    ]


def test_order_by_stars_is_one_click_away(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("for-you", user="7")
    page = page.segmented_control(key="order").set_value("stars").run()
    by_stars = tiny.recommend_for_user(7, 12, rank_by="stars")
    assert titles(page) == [item.movie.title for item in by_stars]
    assert page.query_params["order"] == "stars"
    assert texts(page, r'<p class="mt-why">(.*?)</p>') == []


def test_variety_and_lesser_known_movies(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("for-you", user="7", variety="0.5", obscurity="1.0")
    found = tiny.recommend_for_user(7, 12, variety=0.5, obscurity=1.0)
    assert titles(page) == [item.movie.title for item in found]
    page = page.slider(key="variety").set_value(0.0).run()
    found = tiny.recommend_for_user(7, 12, obscurity=1.0)
    assert titles(page) == [item.movie.title for item in found]


def test_fewest_ratings(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("for-you", user="7", fewest="25")
    found = tiny.recommend_for_user(7, 12, Filters(min_ratings=25))
    assert titles(page) == [item.movie.title for item in found]
    assert all(item.movie.n_ratings >= 25 for item in found)
