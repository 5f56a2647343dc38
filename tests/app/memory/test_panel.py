"""The panel as Matinee shows it: its own parts, caches, guard and flame graph."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime import Runtime
from streamlit.testing.v1 import AppTest

from debug_memory import action, actions
from memory_toolkit.panel.host import host, introduce
from memory_toolkit.panel.parts import find_parts
from memory_toolkit.panel.tools import CLEARED_KEY
from memory_toolkit.record.flame_graph import recording, stop_recording
from recommender import Recommender
from recommender.app.components import semantic_search
from recommender.app.i18n.language import KEY
from recommender.app.memory import panel
from recommender.app.server import configuration, flame_graph_file, loading, visitor
from tests.memory_toolkit.panel.conftest import nothing_kept  # noqa: F401
from tests.memory_toolkit.panel.drawn import html, show, words

UNLOAD = "Unload search by meaning"


def app() -> None:
    from recommender.app.memory.panel import memory_panel

    memory_panel()


@pytest.fixture
def side() -> AppTest:
    return AppTest.from_function(app, default_timeout=30)


@pytest.fixture
def view(side: AppTest) -> AppTest:
    return show(side.run(), "tools")


def labels(view: AppTest) -> list[str]:
    return [button.label for button in view.sidebar.button]


def press(view: AppTest, label: str) -> AppTest:
    (button,) = (button for button in view.sidebar.button if button.label == label)
    return button.click().run(timeout=30)


def test_the_guard_is_matinee_s(side: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "|Guard: running 0, waiting 0" in words(side.run())
    monkeypatch.setenv("MATINEE_GUARD", "false")
    configuration.settings.cache_clear()
    assert "|Guard: off|" in words(side.run())


def test_it_speaks_the_language_of_the_page_and_names_its_actions(side: AppTest) -> None:
    with action("action.tonight"):
        pass
    assert "|Tonight|peak " in words(side.run())
    side.session_state[KEY] = "ko"
    assert "|오늘 밤|최고 " in words(side.run())


def test_the_bundle_is_mapped_and_the_ratings_are_on_disk(
    runtime: Runtime, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_bundle, tmp_path / "own")  # other tests have the tiny one mapped
    monkeypatch.setenv("MATINEE_BUNDLE", str(tmp_path / "own"))
    monkeypatch.setenv("MATINEE_PROFILES", str(tmp_path / "profiles.sqlite"))
    (tmp_path / "profiles.sqlite").write_bytes(bytes(4096))
    (tmp_path / "profiles.sqlite-wal").write_bytes(bytes(1000))
    introduce(panel._HOST)
    matinee = Recommender.open(tmp_path / "own")
    assert matinee.recommend_for_user("1", 5)
    found = find_parts()
    arrays = list((tmp_path / "own").glob("data-*/*.npy"))
    (bundle,) = (part for part in found.files if part.key == "memory_parts.mapped")
    # Mapped and read in pages of 4096 bytes, each array on pages of its own; most were asked for.
    most = sum(file.stat().st_size for file in arrays) + 4096 * len(arrays)
    assert 4096 * len(arrays) // 2 <= bundle.size <= most
    assert host().translate(bundle.name) == "Bundle"
    assert [(part.name, part.size) for part in found.disk] == [("memory_parts.ratings", 5096)]


def test_search_by_meaning_can_be_unloaded_while_it_is_loaded(
    view: AppTest, embedded_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_BUNDLE", str(embedded_bundle))
    configuration.settings.cache_clear()
    assert UNLOAD not in labels(view)
    matinee = loading.initialize_recommender()
    semantic_search.load(matinee)
    assert UNLOAD in labels(view.run(timeout=30))
    press(view, UNLOAD)
    assert not matinee.semantic.loaded
    assert UNLOAD not in labels(view)
    assert "The next use loads it again." in words(view)


def test_clearing_lets_go_of_data_and_bundle_and_of_nothing_else(
    view: AppTest, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_BUNDLE", str(tiny_bundle))
    monkeypatch.setenv("MATINEE_PROFILES", str(tmp_path / "profiles.sqlite"))
    configuration.settings.cache_clear()
    computed = []

    @st.cache_data
    def data() -> int:
        computed.append(1)
        return len(computed)

    data()
    in_use, store = loading.initialize_recommender(), visitor._shared_store()
    press(view, "Clear caches")
    _, given = view.session_state[CLEARED_KEY]
    assert -actions()[0].change == given
    assert [record.name for record in actions()] == ["memory_tools.clear"]
    assert "|Given back: " in words(view)
    assert data() == 2
    assert loading.initialize_recommender() is not in_use
    # A page that is being drawn goes on with what it has, and ratings can be kept.
    assert in_use.recommend_for_user("1", 5)
    assert visitor._shared_store() is store
    store.rate("somebody", {1: 4.0})


def test_a_flame_graph_is_sent_from_its_address(view: AppTest) -> None:
    pytest.importorskip("memray")
    press(
        view, "Record the next one" if "Record the next one" in labels(view) else labels(view)[-1]
    )
    with action("action.tonight"):
        pass
    end = time.monotonic() + 60
    while recording().state == "drawing" and time.monotonic() < end:
        time.sleep(0.05)
    view.run()
    assert f'href="{flame_graph_file.address()}" download' in html(view)
    assert "|Download: Tonight|" in words(view)
    stop_recording()
