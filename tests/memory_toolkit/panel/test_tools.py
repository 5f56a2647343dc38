"""The view "Tools", as Streamlit's own test runner draws it."""

from __future__ import annotations

import site
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from debug_memory import (
    action,
    actions,
    is_tracking,
    start_memory_tracking,
    stop_memory_tracking,
)
from memory_toolkit.panel import tools
from memory_toolkit.panel.texts import texts
from memory_toolkit.panel.tools import SHOWN, shortened
from memory_toolkit.record.flame_graph import recording, stop_recording
from tests.memory_toolkit.panel.drawn import html, show, words


class Kept:
    """Something to be counted."""


@pytest.fixture(autouse=True)
def nothing_going_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tools, "_mark", None)
    yield
    stop_memory_tracking()
    wait_for_drawing()
    stop_recording()


@pytest.fixture
def view(side: AppTest) -> AppTest:
    return show(side.run(timeout=30), "tools")


def wait_for_drawing() -> None:
    end = time.monotonic() + 60
    while recording().state == "drawing" and time.monotonic() < end:
        time.sleep(0.05)


def press(view: AppTest, name: str) -> AppTest:
    label = texts()["en"][f"memory_tools.{name}"]
    (button,) = (button for button in view.sidebar.button if button.label == label)
    return button.click().run(timeout=30)


def offered(view: AppTest) -> set[str]:
    keys = {text: key.removeprefix("memory_tools.") for key, text in texts()["en"].items()}
    return {keys[button.label] for button in view.sidebar.button if button.label in keys}


def test_before_anything_is_pressed_it_says_what_each_tool_costs(view: AppTest) -> None:
    assert offered(view) == {"clear", "count", "start", "mark", "record"}
    for key in ("clear_note", "looking_note", "record_note"):
        assert texts()["en"][f"memory_tools.{key}"] in words(view)
    assert actions() == []


def test_objects_are_counted_by_type(view: AppTest) -> None:
    press(view, "count")
    assert "|Type|Objects|" in words(view)
    assert html(view).count('<th scope="row">') == SHOWN
    assert "Growth" not in words(view)


def test_after_a_mark_what_grew_most_comes_first(view: AppTest) -> None:
    press(view, "mark")
    assert "Compared with " in words(view)
    kept = [Kept() for _ in range(50_000)]
    press(view, "count")
    rows = words(view).split("|Growth|")[1]
    assert rows.startswith(f"{Kept.__module__}.Kept|50,000|+50,000|")
    del kept


def test_lines_are_followed_until_it_is_stopped(view: AppTest) -> None:
    press(view, "start")
    assert is_tracking()
    assert offered(view) >= {"lines", "stop"}
    assert texts()["en"]["memory_tools.tracking"] in words(view)
    kept = [str(number) * 10 for number in range(100_000)]
    press(view, "lines")
    first = words(view).split("|KB|")[1].split("|")
    assert Path(__file__).name in first[0]
    assert int(first[1].replace(",", "")) > 1024
    press(view, "mark")
    more = [str(number) * 10 for number in range(200_000)]
    press(view, "lines")
    place, size, growth = words(view).split("|Growth|")[1].split("|")[:3]
    assert Path(__file__).name in place
    assert growth == f"+{size}"  # this line was not there at the mark
    press(view, "stop")
    assert not is_tracking()
    assert "|KB|" not in words(view)
    assert len(kept) + len(more) == 300_000


def test_what_somebody_else_has_started_is_shown_here_too(view: AppTest) -> None:
    start_memory_tracking()
    view.run()
    assert offered(view) >= {"lines", "stop"}


def test_a_place_is_named_as_its_module_is() -> None:
    assert shortened(f"{site.getsitepackages()[0]}/streamlit/util.py:12") == "streamlit/util.py:12"
    assert shortened(f"{Path(site.__file__)}:3") == "site.py:3"
    assert shortened("<frozen importlib._bootstrap>:241") == "<frozen importlib._bootstrap>:241"


def test_a_recording_from_the_button_to_the_file(view: AppTest) -> None:
    pytest.importorskip("memray")
    press(view, "record")
    assert "|Waiting for: Whichever comes first|" in words(view)
    assert offered(view) & {"record", "give_up"} == {"give_up"}
    with action("load"):
        view.run()
        assert "|Recording: load|" in words(view)
    wait_for_drawing()
    view.run()
    assert [button.label for button in view.sidebar.get("download_button")] == ["Download: load"]
    report = recording().report
    assert report is not None
    press(view, "delete")
    assert not report.exists()
    assert not view.sidebar.get("download_button")


def test_one_can_wait_for_a_name_and_stop_waiting(view: AppTest) -> None:
    pytest.importorskip("memray")
    with action("my <own>"):
        pass
    view.run()
    view.sidebar.selectbox[0].set_value("my <own>").run()
    press(view, "record")
    assert recording().wanted == "my <own>"
    assert "|Waiting for: my <own>|" in words(view)
    assert "<own>" not in html(view)
    press(view, "give_up")
    assert recording().state == "off"
    assert "record" in offered(view)


def test_without_memray_it_says_what_to_install(
    view: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "memray", None)
    press(view, "record")
    assert texts()["en"]["memory_tools.problem_missing"] in words(view)
    monkeypatch.undo()


def test_a_recording_that_failed_says_why(view: AppTest, tmp_path: Path) -> None:
    memray = pytest.importorskip("memray")
    press(view, "record")
    with memray.Tracker(tmp_path / "other.bin"), action("load"):
        pass
    view.run()
    assert texts()["en"]["memory_tools.problem_tracking"] in words(view)
    assert "record" in offered(view)


def test_in_korean(view: AppTest) -> None:
    view.session_state["language"] = "ko"
    view.run()
    labels = [button.label for button in view.sidebar.button]
    assert texts()["ko"]["memory_tools.clear"] in labels
    assert texts()["ko"]["memory_tools.looking_note"] in words(view)
