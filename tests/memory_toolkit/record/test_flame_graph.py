"""Recordings with memray itself, of actions in this process."""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from memory_toolkit.measure.sizes import MB
from memory_toolkit.record import flame_graph
from memory_toolkit.record.actions import action, actions, clear_actions
from memory_toolkit.record.flame_graph import (
    FlameGraphError,
    record_next_action,
    recording,
    stop_recording,
)

memray = pytest.importorskip("memray")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of temporary files; no recording before, and nothing left of one after."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    clear_actions()
    yield tmp_path
    finished()
    stop_recording()
    assert recording().state == "off"
    assert list(tmp_path.glob("flame-graph-*")) == []


def finished() -> str:
    """The state, once nothing is being drawn."""
    end = time.monotonic() + 60
    while recording().state == "drawing" and time.monotonic() < end:
        time.sleep(0.05)
    return recording().state


def take_memory() -> int:
    return len(b"x" * (20 * MB))


def test_the_next_action_is_recorded_and_no_other() -> None:
    record_next_action()
    assert recording().state == "waiting"
    with action("first"):
        assert recording().state == "recording"
        take_memory()
    with action("second"):
        pass
    assert finished() == "ready"
    now = recording()
    assert (now.action, now.error) == ("first", None)
    assert now.report is not None
    html = now.report.read_text("utf-8")
    assert "take_memory" in html
    # And from where it was called: memray by itself hides some of the frames around.
    assert "test_the_next_action_is_recorded_and_no_other" in html
    assert 'src="http' not in html
    assert list(now.report.parent.iterdir()) == [now.report]


def test_it_waits_for_the_name_and_for_any_thread() -> None:
    record_next_action("wanted")
    with action("other"):
        assert recording().state == "waiting"
    thread = threading.Thread(target=action("wanted")(take_memory))
    thread.start()
    thread.join()
    assert recording().action == "wanted"
    assert finished() == "ready"


def test_of_two_at_once_one_is_recorded() -> None:
    record_next_action()
    both = threading.Barrier(2)

    def work(name: str) -> None:
        with action(name):
            both.wait(10)
            take_memory()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recording().action in ("one", "two")
    assert finished() == "ready"
    assert {record.name for record in actions()} == {"one", "two"}


def test_an_error_in_the_action_stays_its_own() -> None:
    record_next_action()
    with pytest.raises(KeyError), action("failing"):
        raise KeyError("gone")
    assert finished() == "ready"
    assert actions()[0].error


def test_a_new_recording_removes_the_report_before_it(folder: Path) -> None:
    for name in ("first", "second"):
        record_next_action()
        with action(name):
            take_memory()
        assert finished() == "ready"
    assert len(list(folder.glob("flame-graph-*"))) == 1


def test_one_can_stop_waiting() -> None:
    record_next_action()
    stop_recording()
    with action("first"):
        take_memory()
    assert recording().state == "off"


def test_without_memray_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "memray", None)
    with pytest.raises(FlameGraphError, match="pip install memray") as caught:
        record_next_action()
    assert caught.value.reason == "missing"
    assert recording().state == "off"


def test_without_a_folder_for_files_it_does_not_wait(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "missing"))
    with pytest.raises(FlameGraphError, match="TMPDIR") as caught:
        record_next_action()
    assert caught.value.reason == "folder"
    assert recording().state == "off"


def test_no_second_one_while_one_is_recorded() -> None:
    record_next_action()
    with action("first"):
        with pytest.raises(FlameGraphError, match="first is being recorded") as caught:
            record_next_action()
        stop_recording()
        assert recording().state == "recording"
    assert caught.value.reason == "busy"


def test_a_tracker_of_somebody_else_fails_the_recording_and_not_the_action(folder: Path) -> None:
    record_next_action()
    with ExitStack() as around:
        around.enter_context(memray.Tracker(folder / "other.bin"))
        assert action("first")(take_memory)() == 20 * MB
    error = recording().error
    assert recording().state == "failed"
    assert error is not None
    assert error.reason == "tracking"
    record_next_action()
    with action("second"):
        take_memory()
    assert finished() == "ready"


def test_a_folder_that_vanished_fails_the_recording_and_not_the_action(folder: Path) -> None:
    record_next_action()
    (made,) = folder.glob("flame-graph-*")
    made.rmdir()
    assert action("first")(take_memory)() == 20 * MB
    error = recording().error
    assert error is not None
    assert error.reason == "folder"


def test_what_cannot_be_drawn_says_why(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    damaged = folder / "allocations.bin"
    damaged.write_bytes(b"no such format")
    flame_graph._draw(damaged)
    error = recording().error
    assert recording().state == "failed"
    assert error is not None
    assert error.reason == "drawing"
    assert str(error) in caplog.text
    assert "\n" not in str(error)
