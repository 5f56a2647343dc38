from streamlit.testing.v1 import AppTest

from tests.app.conftest import OpenPage
from tests.app.drawn import html, texts

MAIN = ["./", "discover", "my-ratings", "me"]
LAB = ["for-you", "similar", "hybrid", "about"]
LINK = r'<a href="([^"]*)"(?: aria-current="page")?><i class="mt-icon" aria-hidden="true">\w+</i>'
HERE = r'<a href="([^"]*)" aria-current="page">'


def addresses(page: AppTest) -> list[str]:
    return texts(page, LINK)[: len(MAIN + LAB)]


def test_the_head_leads_to_every_page_and_marks_the_present_one(open_page: OpenPage) -> None:
    page = open_page("my-ratings")
    assert addresses(page) == MAIN + LAB
    assert texts(page, HERE) == ["my-ratings"]
    assert texts(open_page("hybrid"), HERE) == ["hybrid"]


def test_the_head_keeps_a_language_that_was_chosen(open_page: OpenPage) -> None:
    page = open_page("hybrid", lang="ko").run()
    assert texts(page, r'<nav class="mt-bar" aria-label="(.*?)"') == ["페이지"]
    assert addresses(page) == [f"{path}?lang=ko" for path in MAIN + LAB]
    assert 'role="search" action="discover?lang=ko"' in html(page)
