import json
import subprocess
import sys
from pathlib import Path

import pytest

from memory_toolkit.guard.guard import Busy
from memory_toolkit.measure.limit import configure_memory_limit
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.actions import actions, clear_actions
from recommender.app.server.guarded_action import guarded_action
from tests.app.conftest import APP
from tests.app.drawn import PAGES

HEAVY = {"pandas", "pyarrow", "scipy", "sklearn", "surprise", "duckdb", "PIL"}
OPEN_ALL = f"""
import json, sys
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
for page in {PAGES}:
    app = AppTest.from_file({str(APP)!r}, default_timeout=30)
    app.query_params.update(user="7", movie="12")
    app._page_hash = calc_hash(page)
    assert not app.run().exception
    assert not app.error
print(json.dumps(list(sys.modules)))
"""


def imported(bundle: Path, debug_memory: str) -> set[str]:
    """Return what a process has imported after it has drawn every page."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN_ALL],
        cwd=APP.parent,
        env={"MATINEE_BUNDLE": str(bundle), "DEBUG_MEMORY": debug_memory},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(done.stdout))


PANEL = {"recommender.app.memory", "recommender.app.memory.panel", "memory_toolkit.record.actions"}


def test_without_debug_memory_the_panel_is_not_imported(tiny_bundle: Path) -> None:
    modules = imported(tiny_bundle, "false")
    assert "recommender.app.server.guarded_action" in modules
    assert not modules & (PANEL | {"debug_memory", "tracemalloc"})
    assert not modules & HEAVY


def test_with_debug_memory_it_is_and_still_nothing_heavy(tiny_bundle: Path) -> None:
    modules = imported(tiny_bundle, "true")
    assert modules >= PANEL
    assert not modules & HEAVY


def test_an_action_is_recorded_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG_MEMORY", "true")
    clear_actions()
    with guarded_action("action.tonight", MB):
        pass
    assert [record.name for record in actions()] == ["action.tonight"]


def test_without_debug_memory_nothing_is_recorded() -> None:
    clear_actions()
    with guarded_action("action.tonight", MB):
        pass
    assert actions() == []


def test_an_action_that_cannot_fit_is_refused_before_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure_memory_limit(8192 * MB)
    monkeypatch.setenv("DEBUG_MEMORY", "true")
    clear_actions()
    with (
        pytest.raises(Busy, match=r"^action\.tonight$"),
        guarded_action("action.tonight", 8192 * MB),
    ):
        raise AssertionError("it began")
    assert [record.error for record in actions()] == [True]


def test_without_the_guard_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_memory_limit(MB)
    monkeypatch.setenv("MATINEE_GUARD", "no")
    with guarded_action("action.tonight", 8192 * MB) as begun:
        assert begun is None
