import json

import pytest
from streamlit.runtime.state import SafeSessionState, SessionState

from tests.app.conftest import OpenPage
from tests.app.drawn import away, click, texts, titles
from tests.conftest import ODD_TITLES


def test_quick_clicks_all_count_and_once_each(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    before, (first, second, _) = titles(page), away(page)[:3]
    click(page, "away", first, second)
    assert titles(page)[0] == before[2]
    assert page.text_input(key="clicks").value == ""


def test_what_was_taken_up_is_not_done_again(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    before, movie = titles(page), away(page)[0]
    clicks = [["k1", "away", movie, ""]]
    page.text_input(key="clicks").set_value(json.dumps(clicks)).run()
    next(button for button in page.button if button.label == "Undo").click().run()
    assert titles(page) == before
    clicks.append(["k2", "away", away(page)[1], ""])
    page.text_input(key="clicks").set_value(json.dumps(clicks)).run()
    assert titles(page)[:2] == [before[0], before[2]]


@pytest.mark.parametrize(
    "text",
    [
        *("x", "{}", "[1]", "[[1, 2]]", "[" * 9999),
        *('[["a", "away", "61", ""]]', '[["a", "erase", "1", ""]]'),
        *('[["a", "rate", "1", "5"]]', '[["a", "rate", "1", ""]]'),
    ],
)
def test_what_no_button_sends_does_nothing(open_page: OpenPage, text: str) -> None:
    page = open_page("my-ratings")
    before = titles(page)
    page.text_input(key="clicks").set_value(text).run()
    assert not page.exception
    assert titles(page) == before
    assert page.text_input(key="clicks").value == ""


def test_links_and_buttons_name_their_movie(open_page: OpenPage) -> None:
    page = open_page("my-ratings", genres="Horror")
    assert (
        texts(page, r'data-act="away" [^>]*aria-label="(.*?)"')[0]
        == f"Not interested: {titles(page)[0]}"
    )
    titled = {title for title, _, _ in ODD_TITLES.values()} & set(titles(page))
    assert {f"Similar movies: {title}" for title in titled} <= set(
        texts(page, r'<a [^>]*aria-label="(.*?)"')
    )
    assert titled


def test_a_click_that_comes_to_another_server_counts_there(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    before = titles(page)
    clicks = json.dumps([["k1", "away", away(page)[0], ""]])
    page.text_input(key="clicks").set_value(clicks)
    # The page stays as it is, and its next run is the first of a session.
    page.session_state = SafeSessionState(SessionState(), lambda: None)
    page.run()
    assert titles(page)[0] == before[1]
    assert page.text_input(key="clicks").value == ""
