from html import unescape

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from recommender import Recommender
from recommender.app.pages import tonight
from tests.app.conftest import OpenPage
from tests.app.drawn import click, html, texts

LIKED = "4"


def wall(page: AppTest) -> list[int]:
    """The movies to tap, in order."""
    return [int(movie) for movie in texts(page, r'data-movie="(\d+)" data-value="4" aria-pressed')]


def liked(page: AppTest) -> list[int]:
    """The movies of the wall that are marked as liked."""
    pressed = r'data-movie="(\d+)" data-value="4" aria-pressed="true"'
    return [int(movie) for movie in texts(page, pressed)]


def picks(page: AppTest) -> list[str]:
    """The titles above the wall."""
    return texts(page, r"<b><a [^>]*>(.*?)</a></b>")


def come_back(page: AppTest) -> AppTest:
    """Open another page, and this one again."""
    page._page_hash = calc_hash("about")
    page.run()
    page._page_hash = calc_hash("")
    return page.run()


def returning(open_page: OpenPage, **address: str) -> tuple[AppTest, dict[int, float]]:
    """Open the page as somebody who has liked three movies."""
    page = open_page(**address)
    ratings = dict.fromkeys(wall(page)[:3], 5.0)
    click(page, "rate", *ratings, value=LIKED)
    return come_back(page), ratings


def rows(page: AppTest) -> dict[str, list[str]]:
    """The titles of each row, by its heading."""
    found = html(page).split('<section class="mt-shelf">')[1:]
    heads = texts(page, r'<section class="mt-shelf"><h2>(.*?)</h2>')
    pages = [part.split("<h3>")[1:] for part in found]
    cut = [[unescape(title.split(">")[1].split("<")[0]) for title in part] for part in pages]
    return dict(zip(heads, cut, strict=True))


@pytest.mark.parametrize(
    ("locale", "title", "sentence"),
    [
        ("en-US", "What will you watch tonight?", "Tap three movies you liked"),
        ("ko-KR", "오늘 밤 뭐 볼까요?", "재미있게 본 영화 세 편을"),
    ],
)
def test_a_newcomer_sees_a_wall_to_tap(
    open_page: OpenPage, tiny: Recommender, locale: str, title: str, sentence: str
) -> None:
    page = open_page(locale=locale)
    assert [element.value for element in page.title] == [title]
    assert texts(page, '<p role="status">(.*?)</p>')[0].startswith(sentence)
    assert wall(page) == [movie.movie_id for movie in tiny.quick_start(24)]
    assert texts(page, r'<i class="mt-slot">(.)</i>') == ["1", "2", "3"]
    assert liked(page) == picks(page) == []


def test_three_taps_lead_to_picks_and_the_wall_stays(
    open_page: OpenPage, tiny: Recommender
) -> None:
    page = open_page()
    offered = wall(page)
    for movie in offered[1:3]:
        click(page, "rate", movie, value=LIKED)
    assert texts(page, r'<i class="mt-slot">(.)</i>') == ["3"]
    click(page, "rate", offered[0], value=LIKED)
    found = tiny.recommend(dict.fromkeys(offered[:3], 5.0), 12)
    assert picks(page) == [item.movie.title for item in found]
    assert wall(page) == offered
    assert liked(page) == offered[:3]
    assert html(page).index('class="mt-picks"') < html(page).index('class="mt-wall"')
    click(page, "unrate", offered[1], value=LIKED)
    assert liked(page) == [offered[0], offered[2]]
    assert picks(page) == []


def test_who_comes_back_sees_one_pick_large_and_rows(
    open_page: OpenPage, tiny: Recommender
) -> None:
    page, ratings = returning(open_page)
    assert wall(page) == []
    found = tiny.recommend(ratings, 60)
    assert texts(page, r"<header><h2><a [^>]*>(.*?)</a></h2>") == [found[0].movie.title]
    because = " · ".join(reason.movie.title for reason in found[0].reasons)
    expected = f"Because of {because}" if because else "Popular with people who rate like you"
    assert texts(page, r'<p class="mt-why">(.*?)</p>') == [expected]
    shown = rows(page)
    assert shown["Your picks"] == [item.movie.title for item in found[1:13]]
    (loved,) = (head for head in shown if head.startswith("Because you loved "))
    titles = {movie.title: movie for movie in tiny.movies(ratings)}
    assert loved.removeprefix("Because you loved ") in titles
    assert len(shown[loved]) == 12
    assert not set(titles) & {title for row in shown.values() for title in row}


def test_gems_are_little_rated(
    open_page: OpenPage, tiny: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, _ = returning(open_page)
    assert "Hidden gems" not in rows(page)  # every movie has many ratings there
    monkeypatch.setattr(tonight, "_MANY", 18)
    page.run()
    by_title = {movie.title: movie for movie in tiny.movies(range(1, 61))}
    gems = [by_title[title] for title in rows(page).get("Hidden gems", [])]
    assert gems
    assert all(5 <= movie.n_ratings <= 18 for movie in gems)


def test_what_was_seen_or_is_of_no_interest_is_not_recommended(open_page: OpenPage) -> None:
    page, _ = returning(open_page)
    movie = int(texts(page, r'mt-hero">.*?<div class="mt-acts" data-movie="(\d+)"')[0])
    title = texts(page, r"<header><h2><a [^>]*>(.*?)</a></h2>")[0]
    click(page, "mark", movie, value="seen")
    assert texts(page, r"<header><h2><a [^>]*>(.*?)</a></h2>") == [title]  # until another time
    come_back(page)
    assert title not in texts(page, r"<h[23]><a [^>]*>(.*?)</a></h[23]>")


def test_a_saved_movie_stands_in_a_row_of_its_own(open_page: OpenPage, tiny: Recommender) -> None:
    page, ratings = returning(open_page)
    saved = tiny.recommend(ratings, 20)[19].movie
    click(page, "mark", saved.movie_id, value="saved")
    assert rows(come_back(page))["From your list"] == [saved.title]


def test_surprises_are_never_the_same_twice(open_page: OpenPage, tiny: Recommender) -> None:
    page, ratings = returning(open_page)
    possible = {item.movie.title for item in tiny.recommend(ratings, 60)}
    seen: list[str] = []
    for _ in range(len(possible)):
        seen += texts(page, r"<header><h2><a [^>]*>(.*?)</a></h2>")
        next(one for one in page.button if one.label == "Surprise me").click().run()
    assert len(seen) == len(set(seen)) == len(possible)
    assert [toast.value for toast in page.toast] == [
        "Those were all that suit you here. Another mood or era has more."
    ]


def test_mood_and_era_choose_what_is_shown(open_page: OpenPage, tiny: Recommender) -> None:
    page, _ = returning(open_page)
    page = page.pills(key="mood").set_value("adventurous").run()
    page = page.pills(key="era").set_value("nineties").run()
    assert page.query_params == {"mood": "adventurous", "era": "nineties"}
    by_title = {movie.title: movie for movie in tiny.movies(range(1, 61))}
    shown = texts(page, r"<h[23]><a [^>]*>(.*?)</a></h[23]>")
    assert shown
    for title in shown:
        assert {"Action", "Sci-Fi"} & set(by_title[title].genres)
        assert 1990 <= by_title[title].year <= 1999


def test_an_address_with_an_unknown_mood_means_none(open_page: OpenPage) -> None:
    page, _ = returning(open_page, mood="<b>", era="1")
    assert not page.exception
    assert page.pills(key="mood").value is None
    assert rows(page)


@pytest.mark.parametrize(
    ("action", "value", "said"),
    [
        ("mark", "saved", "Saved for later"),
        ("mark", "seen", "Marked as seen"),
        ("mark", "hidden", "Not interested"),
        ("star", "4.5", "You gave 4.5 ★"),
    ],
)
def test_a_click_on_a_card_of_a_row_can_be_undone_there(
    open_page: OpenPage, action: str, value: str, said: str
) -> None:
    page, _ = returning(open_page)
    before = rows(page)
    movie = texts(page, r'mt-acts" data-movie="(.*?)"')[1]
    click(page, "star", movie, value="2")
    click(page, action, movie, value=value)
    done = rf'data-movie="{movie}">(?:(?!mt-acts).)*?<div class="mt-done"><span>(.*?)</span>'
    assert set(texts(page, done)) == {said}
    assert rows(page) == before  # the list does not move
    click(page, "undo", movie)
    assert texts(page, r'mt-done"><span>(.*?)<') == []
    assert texts(page, rf'data-movie="{movie}"><button data-stars="(.*?)"')[0] == "2"
    click(page, "undo", movie)  # once
    assert texts(page, rf'data-movie="{movie}"><button data-stars="(.*?)"')[0] == "2"


def test_what_was_taken_back_can_be_undone_and_another_page_forgets_it(open_page: OpenPage) -> None:
    page, _ = returning(open_page)
    movie = texts(page, r'mt-acts" data-movie="(.*?)"')[1]
    click(page, "mark", movie, value="saved")
    click(page, "unmark", movie, value="saved")
    assert "Taken back" in texts(page, r'mt-done"><span>(.*?)<')
    click(page, "undo", movie)
    assert movie in texts(
        page, r'data-movie="([^"]*)">(?:(?!mt-acts).)*?saved" aria-pressed="true"'
    )
    assert texts(come_back(page), r'mt-done"><span>(.*?)<') == []
