"""The page of the memory panel."""

import pytest
from streamlit.testing.v1 import AppTest

from debug_memory import action
from memory_toolkit.panel import page as module
from tests.app.conftest import OpenPage
from tests.app.drawn import html
from tests.memory_toolkit.panel.conftest import nothing_kept  # noqa: F401


@pytest.fixture(autouse=True)
def without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "draw_parts", lambda _: None)
    monkeypatch.setattr(module, "connected_names", list)


def heads(page: AppTest) -> list[str]:
    assert not page.exception
    return [title.value for title in page.title]


@pytest.mark.parametrize(
    ("locale", "title", "name"), [("en-US", "Memory", "Tonight"), ("ko-KR", "메모리", "오늘 밤")]
)
def test_it_is_there_with_debug_memory_and_names_actions_in_words(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, locale: str, title: str, name: str
) -> None:
    monkeypatch.setenv("DEBUG_MEMORY", "true")
    with action("action.tonight"):
        pass
    page = open_page("memory", locale=locale)
    assert heads(page) == [title]
    assert f'<th scope="row">{name}</th>' in html(page)
    assert 'href="memory" aria-current="page"' in html(page)


def test_without_debug_memory_there_is_no_such_page(open_page: OpenPage) -> None:
    assert 'href="memory"' not in html(open_page("about"))
