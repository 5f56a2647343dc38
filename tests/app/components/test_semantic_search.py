import logging
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from recommender import Recommender
from recommender.app.components import semantic_search as ui_semantic
from recommender.app.server import loading
from recommender.search import lazy_semantic
from tests.app.conftest import OpenPage
from tests.app.pages.test_similar import search

SIZES = r"[\d.]+ MB \([\d.]+% of [\d,]+ MB\)"


@pytest.fixture(autouse=True)
def unloaded() -> Iterator[None]:
    yield
    ui_semantic.unload()


@pytest.fixture
def similar(open_page: OpenPage, embedded_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("MATINEE_BUNDLE", str(embedded_bundle))
    return open_page("similar")


def labels(page: AppTest) -> list[str]:
    return [pills.label for pills in page.pills]


def test_titles_come_first_and_what_is_described_below(
    similar: AppTest, embedded_bundle: Path
) -> None:
    assert similar.text_input(key="q").label == "Title, or what it is about"
    assert not ui_semantic.is_loaded()
    page = search(similar, "movie number 12")
    assert labels(page) == ["Found", "By meaning"]
    assert page.pills(key="match").options == ["Movie number 12 \\(1962\\)"]
    assert ui_semantic.is_loaded()
    found = Recommender.open(embedded_bundle).search("movie number 12", 12, by="semantic")
    others = [movie for movie in found if movie.movie_id != 12]
    assert len(page.pills(key="described").options) == len(others)
    picked = str(others[0].movie_id)
    page = page.pills(key="described").set_value(picked).run()
    assert page.query_params["movie"] == picked
    assert page.pills(key="described").value is None
    assert not page.exception


def test_what_no_title_is_like_may_still_be_described(similar: AppTest) -> None:
    page = search(similar, "someone steals everything")
    assert [info.value[:16] for info in page.info] == ["Pick one of the "]
    assert labels(page) == ["By meaning"]


def test_genres_and_decades_alone_are_looked_up(similar: AppTest) -> None:
    assert labels(search(similar, "1960s drama")) == ["By genre, decade, tag and person"]
    assert labels(search(similar, "Sci-Fi, war 60s")) == []  # no movie is all of it
    assert not ui_semantic.is_loaded()


def test_a_title_that_is_being_typed_is_no_description(similar: AppTest) -> None:
    assert labels(search(similar, "mov")) == ["Found"]
    assert not ui_semantic.is_loaded()


def test_without_vectors_only_titles_are_searched(open_page: OpenPage) -> None:
    page = search(open_page("similar"), "movie number 12")
    assert page.text_input(key="q").label == "Title"
    assert labels(page) == ["Found"]


def test_too_little_memory_is_a_sentence_and_titles_go_on(
    similar: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(lazy_semantic._MAX_BYTES, "light", 2**50)
    page = search(similar, "movie number 12")
    assert labels(page) == ["Found"]
    assert page.info[0].value.startswith("Searching by meaning needs more memory than is free now.")
    assert not page.exception


def test_damage_is_a_sentence_and_titles_go_on(
    open_page: OpenPage, embedded_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bundle"
    shutil.copytree(embedded_bundle, path)
    for file in (path / "semantic").glob("data-*/movies_full.npy"):
        file.write_bytes(b"?" + file.read_bytes()[1:])
    monkeypatch.setenv("MATINEE_BUNDLE", str(path))
    page = search(open_page("similar"), "movie number 12")
    assert labels(page) == ["Found"]
    assert page.info[0].value.startswith("Searching by meaning does not work at the moment.")
    assert not page.exception


def test_what_nobody_uses_is_unloaded_and_the_log_says_so(
    open_page: OpenPage,
    embedded_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("MATINEE_BUNDLE", str(embedded_bundle))
    monkeypatch.setenv("MATINEE_SEMANTIC_IDLE_SECONDS", "1")
    with caplog.at_level(logging.INFO, "memory_toolkit"):
        search(open_page("similar"), "movie number 12")
        deadline = time.monotonic() + 60
        while len(lines := [line for line in caplog.messages if "by meaning" in line]) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert not ui_semantic.is_loaded()
    assert not loading.initialize_recommender().semantic.loaded
    assert re.fullmatch(rf"\[before loading search by meaning\] {SIZES}", lines[0])
    assert re.fullmatch(rf"\[after unloading search by meaning\] {SIZES}, [+-]?[\d.]+ MB", lines[3])
