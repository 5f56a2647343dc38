import pytest
from streamlit.testing.v1 import AppTest

from recommender import Recommender
from recommender.app.server import import_slot
from tests.app.conftest import OpenPage
from tests.app.drawn import cards, html, mark, offered, rate, stars, titles


def upload(page: AppTest, text: str) -> AppTest:
    return page.file_uploader[0].upload("ratings.csv", text.encode(), "text/csv").run()


def movielens(count: int) -> str:
    """Ratings of the movies 1 to `count`, the later the newer."""
    rows = (f"{movie},{(movie % 10 + 1) / 2},{1000 + movie}" for movie in range(1, count + 1))
    return "\n".join(["movieId,rating,timestamp", *rows])


def test_an_import_is_reported_and_followed(open_page: OpenPage, tiny: Recommender) -> None:
    page = upload(open_page("my-ratings", part="file"), movielens(3) + "\n99,5,1\n")
    assert [success.value for success in page.success] == ["Movies taken over: 3"]
    assert page.expander[0].label == "Not in this catalogue: 1"
    assert page.expander[0].markdown[0].value == "- movieId 99"
    assert titles(page) == [
        item.movie.title for item in tiny.recommend({1: 1.0, 2: 1.5, 3: 2.0}, 12)
    ]
    assert page.download_button[0].label == "Download all (3)"
    assert page.file_uploader[0].value is None


def test_the_own_export_brings_the_marks_back(open_page: OpenPage) -> None:
    text = "movieId,rating,mark\n1,4,\n2,,saved\n3,,seen\n4,,hidden\n5,,hidden\n6,,liked\n"
    page = upload(open_page("my-ratings", part="file"), text)
    assert page.success[0].value == "Movies taken over: 5"
    assert page.info[-1].value == "Rows without a rating: 1"
    assert page.segmented_control(key="part").options[1:5] == [
        *("Saved (1)", "Rated (1)", "Seen (1)", "Not interested (2)")
    ]


def test_letterboxd(open_page: OpenPage) -> None:
    text = (
        "Date,Name,Year,Letterboxd URI,Rating\n"
        "2021-03-01,기생충,2019,x,4.5\n2021-03-01,*Not* <here>,2000,x,4\n"
    )
    page = upload(open_page("my-ratings", part="file"), text)
    assert page.success[0].value == "Movies taken over: 1"
    assert page.expander[0].markdown[0].value == "- \\*Not\\* \\<here\\> \\(2000\\)"


@pytest.mark.parametrize(
    ("locale", "text", "sentence"),
    [
        ("en-US", "a,b\n", "The file needs a column of ratings"),
        ("ko-KR", "a,b\n", "파일에 평점 열과 영화 열"),
        ("en-US", "movieId,rating\n1,9\n", "Row 2: 9 is outside the scale 0.5 to 5."),
        ("ko-KR", "movieId,rating\n1,9\n", "2행의 9점은 0.5–5점 범위를 벗어납니다."),
        ("en-US", "movieId,rating\n1,*a*\n", "Row 2 cannot be read: *a*."),
        ("en-US", 'movieId,rating\n"1"2,3\n', "This is not a CSV file in UTF-8."),
        (
            "en-US",
            "movieId,rating\n" + "1,3\n" * 10_000,
            "The file has more than 2 MB or 10000 rows",
        ),
        ("en-US", "userId,movieId,rating\n1,1,3\n2,1,3\n", "The file holds the ratings of several"),
    ],
)
def test_a_wrong_file_is_a_sentence_and_changes_nothing(
    open_page: OpenPage, locale: str, text: str, sentence: str
) -> None:
    page = upload(open_page("my-ratings", part="file", locale=locale), movielens(2))
    upload(page, text)
    assert not page.exception
    (toast,) = page.toast
    assert toast.value.replace("\\", "").startswith(sentence)
    assert not page.success
    assert "(2)" in page.segmented_control(key="part").options[2]


def test_what_was_not_taken_is_said(open_page: OpenPage) -> None:
    text = (
        "Const,Your Rating,Date Rated,Title,Title Type,Year\n"
        "tt1,9,today,기생충,Movie,2019\ntt2,9,,A Series,TV Series,2019\ntt3,,,B,Movie,2019\n"
    )
    page = upload(open_page("my-ratings", part="file", locale="ko-KR"), text)
    assert not page.exception
    assert [info.value for info in page.info][-3:] == [
        "1–10 범위의 평점을 이곳의 척도로 바꾸었습니다.",
        "읽을 수 없는 날짜: 1개. 그 평점은 오늘 매긴 것으로 여깁니다.",
        "평점이 없는 행: 1개",
    ]
    assert page.expander[-1].label == "제외한 시리즈와 게임: 1개"
    page = upload(page, "Title,Date\n기생충,2024-03-15\n")
    assert page.info[-1].value.startswith("파일에 별점이 없습니다. 본 영화 1편을")


def test_more_than_one_visitor_may_keep(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_PROFILE_RATINGS", "4")
    page = upload(open_page("my-ratings", part="file"), movielens(5))
    assert page.toast[0].value.startswith("At most 4 movies can be kept")
    assert page.segmented_control(key="part").options[2] == "Rated (0)"


def test_of_many_ratings_the_newest_are_shown_first(open_page: OpenPage) -> None:
    page = upload(open_page("my-ratings", part="file"), movielens(50))
    page.segmented_control(key="part").set_value("rated").run()
    assert offered(page) == list(range(50, 20, -1))
    next(button for button in page.button if button.label == "Show more (20 left)").click().run()
    assert offered(page) == list(range(50, 0, -1))
    assert not [button for button in page.button if button.label.startswith("Show more")]


def test_half_stars_are_kept_and_shown_in_figures(open_page: OpenPage, tiny: Recommender) -> None:
    text = "movieId,rating\n7,3.5\n"
    page = upload(open_page("my-ratings", part="file"), text)
    page.segmented_control(key="part").set_value("rated").run()
    assert stars(page, 7) == 4
    assert "<b>Movie number 7</b> <small>1957</small> <small>★ 3.5</small>" in html(page)
    # The star that stands for 3.5 is a 4 on the first click, and goes on the second.
    rate(page, 7, None)
    assert stars(page, 7) == 4
    assert "<b>Movie number 7</b> <small>1957</small></span>" in html(page)
    rate(page, 7, None)
    assert offered(page) == []


def test_delete_everything(open_page: OpenPage, tiny: Recommender) -> None:
    page = upload(open_page("my-ratings", part="file"), movielens(5))
    mark(page, "hidden", cards(page)[0])
    next(b for b in page.button if b.label == "Yes, delete everything").click().run()
    assert page.segmented_control(key="part").options[2] == "Rated (0)"
    assert titles(page) == [movie.title for movie in tiny.popular(12)]
    assert [success.value for success in page.success] == ["Done: everything of yours is deleted."]
    assert page.download_button[0].disabled


def test_a_file_that_takes_too_long_is_a_sentence(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_slot.within_deadline, "__defaults__", (0.0,))
    page = upload(open_page("my-ratings", part="file"), movielens(3))
    assert [toast.value for toast in page.toast] == [
        "The file took too long, so nothing of it was taken over. Split it into smaller ones."
    ]
    assert page.download_button[0].label == "Download all (0)"
