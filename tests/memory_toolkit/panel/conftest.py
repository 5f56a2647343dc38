"""The memory panel alone, as Streamlit's own test runner draws it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from debug_memory import MB, ActionRecord, clear_actions, configure_memory_limit
from memory_toolkit.measure import reading
from memory_toolkit.panel import access, panel
from memory_toolkit.panel.host import Host, introduce
from tests.support.streamlit_runtime import packages_read_once, runtime  # noqa: F401


def app() -> None:
    import streamlit as st

    from memory_toolkit.panel.host import Host
    from memory_toolkit.panel.panel import draw_panel

    draw_panel(Host(language=lambda: st.session_state.get("language", "en"), record_runs=False))


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """No action recorded, no wrong token given, no app known, and no thread left behind."""
    clear_actions()
    introduce(Host())
    access._rate_limit = access._RateLimit()
    yield
    panel.timeline_kept.stop()
    panel.timeline_kept._points.clear()


@pytest.fixture
def side() -> AppTest:
    """The panel under a limit of 4 GB, not drawn yet."""
    configure_memory_limit(4096 * MB, "the test")
    return AppTest.from_function(app)


@pytest.fixture
def without_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system tells only RSS, as off Linux."""
    monkeypatch.setattr(reading, "_broker", reading._Broker(str(tmp_path)))


@pytest.fixture
def record() -> Callable[..., ActionRecord]:
    """`record(name, peak=…)` is a record with all that is not named being plain."""

    def record(name: str = "load", **given: object) -> ActionRecord:
        plain: dict[str, object] = {
            "started": 1000.0,
            "duration": 0.25,
            "before": 40 << 20,
            "after": 42 << 20,
            "peak": 50 << 20,
            "peak_source": "exact",
            "rss_before": 60 << 20,
            "rss_after": 62 << 20,
            "overlaps": 0,
            "error": False,
            "session": "a1b2",
        }
        return ActionRecord(name=name, **{**plain, **given})  # type: ignore[arg-type]

    return record
