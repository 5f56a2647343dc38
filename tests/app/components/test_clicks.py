import json

import pytest
from streamlit.runtime.state import SafeSessionState, SessionState

from tests.app.conftest import OpenPage
from tests.app.drawn import cards, click, hidden, mark, texts, titles
from tests.conftest import ODD_TITLES


def test_quick_clicks_all_count_and_once_each(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    first, second, _ = cards(page)[:3]
    mark(page, "hidden", first, second)
    assert hidden(page) == [first, second]
    assert page.text_input(key="clicks").value == ""


def test_what_was_taken_up_is_not_done_again(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    first, second = cards(page)[:2]
    clicks = [["k1", "mark", first, "hidden"]]
    page.text_input(key="clicks").set_value(json.dumps(clicks)).run()
    click(page, "unmark", first)
    assert hidden(page) == []
    clicks.append(["k2", "mark", second, "hidden"])
    page.text_input(key="clicks").set_value(json.dumps(clicks)).run()
    assert hidden(page) == [second]


@pytest.mark.parametrize(
    "text",
    [
        *("x", "{}", "[1]", "[[1, 2]]", "[" * 9999),
        *('[["a", "mark", "61", "seen"]]', '[["a", "mark", "1", "liked"]]'),
        *('[["a", "star", "1", "x"]]', '[["a", "erase", "1", ""]]'),
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
        texts(page, r'data-value="hidden" [^>]*aria-label="(.*?)"')[0]
        == f"Not interested: {titles(page)[0]}"
    )
    titled = {title for title, _, _ in ODD_TITLES.values()} & set(titles(page))
    assert {f"Similar movies: {title}" for title in titled} <= set(
        texts(page, r'<a [^>]*aria-label="(.*?)"')
    )
    assert titled


def test_a_click_that_comes_to_another_server_counts_there(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    first, second = cards(page)[:2]
    clicks = json.dumps([["k1", "mark", first, "hidden"]])
    page.text_input(key="clicks").set_value(clicks)
    # The page stays as it is, and its next run is the first of a session.
    page.session_state = SafeSessionState(SessionState(), lambda: None)
    page.run()
    assert cards(page)[0] == second
    assert page.text_input(key="clicks").value == ""
