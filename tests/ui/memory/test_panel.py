"""The memory panel as Streamlit's own test runner draws it."""

import inspect
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import debug_memory
from debug_memory import LIMIT_VARIABLE, MB, action, actions, clear_actions, format_bytes, snapshot
from recommender.ui.language import KEY
from recommender.ui.memory.panel import RETURNED_KEY, SHOWN_ACTIONS
from recommender.ui.texts import TEXTS


def app() -> None:
    import streamlit as st

    from recommender.ui.memory.panel import memory_panel

    with st.sidebar:
        memory_panel()


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv(LIMIT_VARIABLE, "4G")
    clear_actions()
    return AppTest.from_function(app)


def drawn(panel: AppTest) -> str:
    """The HTML in the sidebar, after a run without an exception."""
    assert not panel.exception
    return "".join(element.proto.body for element in panel.sidebar.get("html"))


def without_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the system tells only RSS, as off Linux."""
    monkeypatch.setattr(debug_memory, "_broker", debug_memory._Broker(str(tmp_path)))


def test_the_present_and_the_empty_state(panel: AppTest) -> None:
    html = drawn(panel.run())
    assert panel.sidebar.subheader[0].value == "Memory"
    now = snapshot()
    assert " of 4,096.0 MB" in html
    assert f'aria-valuenow="{now.own / (4 << 30) * 100:.0f}"' in html
    assert f"Limit set by {LIMIT_VARIABLE}" in html
    assert TEXTS["memory.file"][0] in html
    assert TEXTS["memory.empty"][0] in html
    assert "<table" not in html


@pytest.mark.parametrize(
    ("share", "colour"),
    [(0.5, "#2a9d63"), (0.75, "#d6a400"), (0.875, "#e8760c"), (1.2, "#d93a2f")],
)
def test_the_gauge_takes_a_colour(
    share: float, colour: str, panel: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.run()  # what the first run takes is then taken already
    monkeypatch.setenv(LIMIT_VARIABLE, str(int(snapshot().own / share)))
    html = drawn(panel.run())
    assert f"background: {colour}" in html
    assert ("width: 100.0%" in html) == (share > 1)


def test_off_linux_it_says_that_rss_stands_in(
    panel: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_parts(tmp_path, monkeypatch)
    html = drawn(panel.run())
    assert TEXTS["memory.parts_unknown"][0] in html
    assert TEXTS["memory.file"][0] not in html


def test_a_wrong_limit_is_one_line_without_a_traceback(
    panel: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "plenty")
    assert drawn(panel.run()) == ""
    assert panel.sidebar.error[0].value.startswith(f"{LIMIT_VARIABLE}=plenty: ")


def test_actions_of_all_threads_newest_first(panel: AppTest) -> None:
    with action("memory.limit <b>"):
        kept = b"x" * (20 * MB)
    thread = threading.Thread(target=action("memory.title")(lambda: None))
    thread.start()
    thread.join()
    html = drawn(panel.run())
    newest, oldest = actions()
    # A name that is a key of the catalogue is translated, any other is shown and escaped.
    assert html.index(">Memory</th>") < html.index(">memory.limit &lt;b&gt;</th>")
    assert "<b>" not in html[html.index("<table") :]
    assert f"<td>{datetime.fromtimestamp(newest.started):%H:%M:%S}</td>" in html
    figures = html[html.index("&lt;b&gt;") :]
    assert f"<td>{oldest.before / MB:,.1f}</td><td>{oldest.after / MB:,.1f}</td>" in figures
    assert f"<td>{format_bytes(oldest.change, signed=True)[:-3]}</td>" in figures
    assert f"{oldest.peak / MB:,.1f}</td><td>{oldest.duration * 1000:.0f} ms</td>" in figures
    assert TEXTS["memory.failed"][0] not in html
    assert len(kept) == 20 * MB


def test_what_disturbed_an_action_is_said(
    panel: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_parts(tmp_path, monkeypatch)
    with action("other"):
        thread = threading.Thread(target=action("inside")(lambda: None))
        thread.start()
        thread.join()
    with pytest.raises(OSError, match="gone"), action("failing"):
        raise OSError("gone")
    html = drawn(panel.run())
    assert html.count("others at the same time: 1") == 2
    assert html.count("ended in an error") == 1
    assert html.count("<td>≥") == 3


def test_only_the_newest_are_listed(panel: AppTest) -> None:
    for number in range(SHOWN_ACTIONS + 3):
        with action(f"action {number}"):
            pass
    html = drawn(panel.run())
    assert html.count("<tbody>") == SHOWN_ACTIONS
    assert ">action 2<" not in html
    assert f"The newest {SHOWN_ACTIONS} of {SHOWN_ACTIONS + 3}." in html


def test_the_button_returns_memory_and_says_how_much(panel: AppTest) -> None:
    assert "Given back" not in drawn(panel.run())
    html = drawn(panel.sidebar.button[0].click().run())
    returned = panel.session_state[RETURNED_KEY]
    assert f"Given back: {format_bytes(returned.total)}" in html
    for key, step in (("collected", returned.collected), ("trimmed", returned.trimmed)):
        given = "not in use" if step is None else format_bytes(step)
        assert f"<span>{TEXTS[f'memory.{key}'][0]}</span><span>{given}</span>" in html
    assert [record.name for record in actions()] == ["memory.return"]
    assert ">Collect and return memory</th>" in html
    assert "Given back" in drawn(panel.run())


def test_in_korean(panel: AppTest) -> None:
    panel.session_state[KEY] = "ko"
    with action("memory.return"):
        pass
    html = drawn(panel.run())
    assert panel.sidebar.subheader[0].value == "메모리"
    assert panel.sidebar.button[0].label == "메모리 정리하고 반환"
    for key in ("own", "rss", "file", "actions", "before", "peak", "return"):
        assert TEXTS[f"memory.{key}"][1] in html
        assert TEXTS[f"memory.{key}"][0] not in html


def test_the_panel_brings_in_nothing_heavy() -> None:
    heavy = {"pandas", "pyarrow", "PIL", "altair"}
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "import debug_memory\n"
        "with debug_memory.action('x'): pass\n"
        f"panel = AppTest.from_string({inspect.getsource(app) + 'app()'!r}).run()\n"
        "panel.sidebar.button[0].click().run()\n"
        f"print(len(panel.sidebar.get('html')), sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "3 []"
