from tests.app.conftest import OpenPage
from tests.app.drawn import texts

LINK = r'<a href="([^"]*)"{}><i class="mt-icon" aria-hidden="true">\w+</i>[^<]'
HERE = ' aria-current="page"'


def test_the_bar_leads_to_the_main_pages_and_marks_the_present_one(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    assert texts(page, LINK.format("")) == ["./", "discover", "me"]
    assert texts(page, LINK.format(HERE)) == ["my-ratings"]
    assert texts(open_page("hybrid"), LINK.format(HERE)) == []


def test_the_bar_keeps_a_language_that_was_chosen(open_page: OpenPage) -> None:
    page = open_page("hybrid", lang="ko").run()
    assert texts(page, r'<nav class="mt-bar" aria-label="(.*?)"') == ["페이지"]
    assert texts(page, LINK.format("")) == [
        f"{path}?lang=ko" for path in ("./", "discover", "my-ratings", "me")
    ]
