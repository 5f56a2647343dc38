import json

import pytest

from tests.app.conftest import OpenPage
from tests.app.drawn import away, click, texts, titles
from tests.conftest import ODD_TITLES


def test_quick_clicks_all_count_and_once_each(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    before, (first, second, third) = titles(page), away(page)[:3]
    click(page, "away", first, second)
    assert before[2] == titles(page)[0]
    # The first two come along with a third, since the browser had not heard of them yet.
    field = page.text_input(key="clicks")
    assert field.value == ""
    for button in list(page.button):
        if button.label == "Undo":
            button.click().run()
    assert before[1] == titles(page)[0]
    click(page, "away", third)
    assert titles(page)[:2] == [before[1], before[3]]


def test_what_was_taken_up_is_not_done_again(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    before, movie = titles(page), away(page)[0]
    clicks = [["k1", "away", movie]]
    page.text_input(key="clicks").set_value(json.dumps(clicks)).run()
    next(button for button in page.button if button.label == "Undo").click().run()
    assert titles(page) == before
    clicks.append(["k2", "away", away(page)[1]])
    page.text_input(key="clicks").set_value(json.dumps(clicks)).run()
    assert titles(page)[:2] == [before[0], before[2]]


@pytest.mark.parametrize(
    "text",
    ["x", "{}", "[1]", "[[1, 2]]", '[["a", "away", "61"]]', '[["a", "erase", "1"]]', "[" * 9999],
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
    assert texts(page, r'<button [^>]*aria-label="(.*?)"')[0].startswith("Not interested: ")
    titled = {title for title, _, _ in ODD_TITLES.values()} & set(titles(page))
    assert {f"Similar movies: {title}" for title in titled} <= set(
        texts(page, r'<a [^>]*aria-label="(.*?)"')
    )
    assert titled
