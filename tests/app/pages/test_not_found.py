from typing import Any

import pytest
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import local_script_runner

from tests.app.conftest import OpenPage


@pytest.mark.parametrize(
    ("locale", "title"), [("en-US", "There is no such page"), ("ko-KR", "없는 페이지입니다")]
)
def test_an_address_without_a_page_says_so(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, locale: str, title: str
) -> None:
    def by_path(**named: Any) -> RerunData:
        return RerunData(**{**named, "page_script_hash": "", "page_name": "<b>no"})

    with monkeypatch.context() as browser:
        browser.setattr(local_script_runner, "RerunData", by_path)
        page = open_page(locale=locale)
    assert [element.value for element in page.title] == [title]
    assert "“\\<b\\>no”" in page.markdown[0].value
    assert page.run().title[0].value != title  # another page was asked for
