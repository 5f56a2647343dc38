import logging
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from debug_memory import MB, actions, clear_actions, configure_memory_limit
from recommender import Recommender
from recommender.app.i18n.catalogues import TEXTS
from recommender.app.server import housekeeper
from recommender.bundle.manifest import MANIFEST
from tests.app.conftest import OpenPage, edit_manifest
from tests.app.drawn import PAGES, texts, titles

BUNDLE_ERROR = ("The recommendations cannot be shown", "추천을 표시할 수 없습니다")
SETTINGS_ERROR = ("A setting cannot be used", "사용할 수 없는 설정이 있습니다")


def problem(app: AppTest) -> tuple[str, str]:
    """The heading and the sentence that stand in the page's place."""
    assert not app.exception
    assert not app.error
    assert not titles(app)
    return app.subheader[-1].value, app.markdown[-1].value.replace("\\", "")


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_drawn(open_page: OpenPage, page: str, locale: str) -> None:
    app = open_page(page, locale=locale, user="7", movie="12")
    assert not app.exception
    assert not app.error
    assert len(app.title) == 1
    assert texts(app, r'data-key="lang"[^>]*>(.*?)<') == ["English", "한국어"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("locale", "language"), [("en-US", 0), ("ko-KR", 1)])
def test_no_bundle(
    open_page: OpenPage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    locale: str,
    language: int,
) -> None:
    missing = tmp_path / "no_such *bundle*"
    monkeypatch.setenv("MATINEE_BUNDLE", str(missing))
    app = open_page(page, locale=locale)
    heading, sentence = problem(app)
    assert heading == BUNDLE_ERROR[language]
    assert len(app.title) == (page not in ("similar", "about"))  # above what is wrong
    assert sentence.startswith(f"{missing}: there is no bundle here")
    assert "matinee train" in sentence


def test_a_bundle_of_another_version(open_page: OpenPage, own_bundle: Path) -> None:
    edit_manifest(own_bundle, lambda manifest: manifest.update(version=99))
    heading, sentence = problem(open_page())
    assert heading == BUNDLE_ERROR[0]
    assert sentence.startswith(f"{own_bundle}: bundle format 99")


@pytest.mark.parametrize("name", ["catalogue.sqlite", "stars_movie_factors.npy"])
def test_a_truncated_file(open_page: OpenPage, own_bundle: Path, name: str) -> None:
    (file,) = own_bundle.glob(f"data-*/{name}")
    file.write_bytes(file.read_bytes()[:-1])
    assert problem(open_page("for-you"))[1].startswith(f"{file}: ")


@pytest.mark.parametrize("name", ["catalogue.sqlite", "stars_movie_factors.npy"])
def test_an_altered_file(open_page: OpenPage, own_bundle: Path, name: str) -> None:
    (file,) = own_bundle.glob(f"data-*/{name}")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert problem(open_page("hybrid"))[1].startswith(f"{file}: ")


def test_an_altered_manifest(open_page: OpenPage, own_bundle: Path) -> None:
    manifest = own_bundle / MANIFEST
    manifest.write_text(manifest.read_text("utf-8").replace("1193", "1194"), "utf-8")
    assert problem(open_page("about"))[1].startswith(f"{manifest}: ")


def test_once_mended_the_page_works_again(open_page: OpenPage, own_bundle: Path) -> None:
    (file,) = own_bundle.glob("data-*/movie_year.npy")
    content = file.read_bytes()
    file.write_bytes(b"")
    app = open_page("discover")
    problem(app)
    file.write_bytes(content)
    assert len(titles(app.run())) == 12
    assert len(app.subheader) == 0


@pytest.mark.parametrize(("locale", "language"), [("en-US", 0), ("ko-KR", 1)])
@pytest.mark.parametrize(
    "variable", ["MATINEE_USER_BATCH", "MATINEE_MOVIE_BATCH", "MATINEE_USERS_LISTED"]
)
def test_a_setting_that_cannot_be_used(
    open_page: OpenPage,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    locale: str,
    language: int,
) -> None:
    monkeypatch.setenv(variable, "abc")
    heading, sentence = problem(open_page("for-you", locale=locale))
    assert heading == SETTINGS_ERROR[language]
    assert sentence.startswith(f"{variable}=abc: ")


def test_what_nobody_foresaw_is_a_sentence_and_a_line_in_the_log(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Recommender, "popular", lambda *_: 1 / 0)
    with caplog.at_level(logging.ERROR, "recommender.app.components.frame"):
        app = open_page("discover")
    assert not app.exception
    assert [error.value for error in app.error] == [
        "Something went wrong on the server. Try again; if it stays, tell whoever runs it."
    ]
    (record,) = caplog.records
    assert record.getMessage() == "page discover failed"
    assert record.exc_info is not None


@pytest.mark.parametrize("page", ["discover", "for-you", "hybrid", "similar", "my-ratings"])
def test_without_memory_for_it_a_page_asks_to_try_again(open_page: OpenPage, page: str) -> None:
    configure_memory_limit(MB)
    app = open_page(page, user="7", movie="12")
    assert not app.exception
    assert not titles(app)
    assert app.markdown[-1].value == TEXTS["en"]["error.busy"]
    configure_memory_limit(64 * 1024 * MB)
    housekeeper._guard.cache_clear()
    st.cache_resource.clear()
    (again,) = (button for button in app.button if button.label == "Try again")
    app = again.click().run()
    assert titles(app)
    assert TEXTS["en"]["error.busy"] not in [text.value for text in app.markdown]


def test_what_takes_more_than_there_is_leaves_the_server_and_the_others(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = open_page("hybrid", user="7")
    with monkeypatch.context() as greedy:
        greedy.setattr(Recommender, "recommend_for_user", lambda *_, **__: bytearray(1 << 60))
        app = open_page("for-you", user="7", locale="ko-KR")
    assert not app.exception
    assert app.markdown[-1].value == TEXTS["ko"]["error.memory"]
    assert "page for_you needed too much memory" in caplog.text
    assert len(titles(other.run())) == 12
    assert len(titles(app.run())) == 12
    assert TEXTS["ko"]["error.memory"] not in [text.value for text in app.markdown]


def test_without_debug_memory_the_sidebar_is_empty(open_page: OpenPage) -> None:
    assert len(open_page().sidebar) == 0


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("", {"action.tonight"}),
        ("discover", {"action.discover"}),
        ("for-you", {"action.for_you"}),
        ("hybrid", {"action.hybrid"}),
        ("similar", {"action.similar_hybrid"}),
        ("about", set()),
    ],
)
def test_with_debug_memory_the_panel_shows_each_action(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, page: str, names: set[str]
) -> None:
    monkeypatch.setenv("DEBUG_MEMORY", "true")
    clear_actions()
    app = open_page(page, user="7", movie="12")
    assert [element.value for element in app.sidebar.subheader] == ["Memory"]
    assert len(app.sidebar.button) == 1
    assert {record.name for record in actions()} == names
