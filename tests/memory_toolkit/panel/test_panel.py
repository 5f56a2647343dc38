import inspect
import logging
import os
import re
import subprocess
import sys
import time

import pytest
from streamlit.testing.v1 import AppTest

from debug_memory import (
    MB,
    Point,
    Summary,
    action,
    actions,
    format_bytes,
    snapshot,
)
from memory_toolkit.guard.guard import Guard
from memory_toolkit.panel import panel
from memory_toolkit.panel.pieces import short_size
from memory_toolkit.panel.texts import texts
from tests.conftest import ROOT
from tests.memory_toolkit.panel.conftest import app
from tests.memory_toolkit.panel.drawn import html, show, words


def test_the_present(side: AppTest) -> None:
    found = words(side.run())
    assert side.sidebar.subheader[0].value == "Memory"
    now = snapshot()
    assert re.search(r"\|Fine\|[\d.]+ MB\|[\d.]+% of 4,096.0 MB\|", found)
    gauge = int(re.search(r'aria-valuenow="(\d+)"', html(side))[1])  # type: ignore[index]
    assert abs(gauge - 100 * now.own / now.limit) <= 1
    assert "|Limit set by the test|" in found
    assert "|Guard: off|" in found


def test_the_guard_that_was_started_and_the_last_action(side: AppTest) -> None:
    guard = Guard(wait=0.0)
    guard.start()
    try:
        with action("load <b>") as loading:
            pass
        found = words(side.run())
    finally:
        guard.stop()
    assert "|Guard: running 0, waiting 0" in found
    assert "|Last actions, the largest first|load <b>|peak " in found
    assert f"change {short_size(loading.record.change, signed=True)}|" in found


def test_the_last_minutes(side: AppTest) -> None:
    panel.timeline_kept._points.append(Point(time.time() - 10, 3000 * MB, None))
    found = words(side.run())
    assert "|Last 1 min, highest 3,000.0 MB|" in found
    assert panel.timeline_kept._thread is not None
    assert panel.timeline_kept._thread.is_alive()


def test_off_linux_it_says_that_rss_stands_in(side: AppTest, without_parts: None) -> None:
    found = words(side.run())
    assert texts()["en"]["memory.parts_unknown"] in found
    assert texts()["en"]["memory.file"] not in found


def test_only_the_open_view_is_computed(side: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    for name in ("_draw_now", "draw_actions", "draw_parts", "draw_tools"):
        monkeypatch.setattr(panel, name, lambda name=name: computed.append(name))
    side.run()
    assert side.sidebar.segmented_control[0].options == ["Now", "Actions", "Parts", "Tools"]
    for view in ("actions", "parts", "tools", "now"):
        show(side, view)
    assert computed == ["_draw_now", "draw_actions", "draw_parts", "draw_tools", "_draw_now"]


def test_an_error_is_a_sentence_and_once_in_the_log(
    side: AppTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("no figures")

    side.run()
    with monkeypatch.context() as broken, caplog.at_level(logging.ERROR, panel.__name__):
        broken.setattr(panel, "snapshot", fail)
        for _ in range(3):
            side.run()
            assert not side.exception
            assert [e.value for e in side.sidebar.error] == [texts()["en"]["memory.failure"]]
            assert side.sidebar.segmented_control[0].value == "memory.view_now"
        assert [record.getMessage() for record in caplog.records] == ["the memory panel failed"]
        assert not show(side, "actions").sidebar.error
    assert "Own memory" in words(show(side, "now"))


def test_a_leak_is_pointed_out(side: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    leak = Summary("memory.return", 40, 0, 1.0, MB, MB, MB, MB, leak=True)
    fine = Summary("other", 40, 0, 1.0, MB, MB, MB, MB, leak=False)
    monkeypatch.setattr(panel, "summaries", lambda: [fine, leak])
    found = words(side.run())
    assert "|Seems to leak: Collect and return memory. See Actions, by name.|" in found


def test_the_button_returns_memory_and_says_how_much(side: AppTest) -> None:
    assert "Given back" not in words(side.run())
    found = words(side.sidebar.button[0].click().run())
    returned = side.session_state[panel.RETURNED_KEY]
    assert f"|Given back: {format_bytes(returned.total)}|" in found
    for key, step in (("collected", returned.collected), ("trimmed", returned.trimmed)):
        given = "not in use" if step is None else format_bytes(step)
        assert f"|{texts()['en'][f'memory.{key}']}|{given}|" in found
    assert [record.name for record in actions()] == ["memory.return"]
    assert "Given back" in words(side.run())


@pytest.mark.parametrize(
    ("view", "keys", "button"),
    [
        ("now", ("own", "rss", "file", "highest", "level_ok", "bar_own"), "메모리 정리하고 반환"),
        ("actions", ("before", "peak", "legend", "return"), "지우기"),
    ],
)
def test_in_korean(side: AppTest, view: str, keys: tuple[str, ...], button: str) -> None:
    side.session_state["language"] = "ko"
    side.session_state["memory.view"] = f"memory.view_{view}"
    with action("memory.return"):
        pass
    found = words(side.run())
    assert side.sidebar.subheader[0].value == "메모리"
    assert side.sidebar.button[-1].label == button
    for key in keys:
        assert texts()["ko"][f"memory.{key}"] in found
        assert texts()["en"][f"memory.{key}"] not in found


def test_the_panel_brings_in_nothing_heavy() -> None:
    heavy = {"pandas", "pyarrow", "PIL", "altair", "scipy", "sklearn"}
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "import debug_memory\n"
        "with debug_memory.action('x'): pass\n"
        f"side = AppTest.from_string({inspect.getsource(app) + 'app()'!r}).run()\n"
        "side.sidebar.button[0].click().run()\n"
        "for view in ('actions', 'tools'):\n"  # the parts need a real server
        "    side.sidebar.segmented_control[0].set_value('memory.view_' + view).run()\n"
        "    assert not side.exception and not side.sidebar.error, view\n"
        f"print(view, sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "tools []"
