import json
import subprocess
import sys
from pathlib import Path

import pytest

from debug_memory import actions, clear_actions
from recommender.ui.measuring import measured
from ui.conftest import APP
from ui.drawn import PAGES

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
    """What a process has imported after it has drawn every page."""
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


def test_without_debug_memory_the_toolkit_is_not_imported(tiny_bundle: Path) -> None:
    modules = imported(tiny_bundle, "false")
    assert "recommender.ui.measuring" in modules
    assert not modules & {"debug_memory", "recommender.ui.memory.panel"}
    assert not modules & HEAVY


def test_with_debug_memory_it_is_and_still_nothing_heavy(tiny_bundle: Path) -> None:
    modules = imported(tiny_bundle, "true")
    assert modules >= {"debug_memory", "recommender.ui.memory.panel"}
    assert not modules & HEAVY


def test_an_action_is_recorded_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG_MEMORY", "true")
    clear_actions()
    with measured("action.home"):
        pass
    assert [record.name for record in actions()] == ["action.home"]


def test_without_debug_memory_nothing_is_recorded() -> None:
    clear_actions()
    with measured("action.home"):
        pass
    assert actions() == []
