"""Imports of visitors' ratings: one at a time, with an end."""

import threading
from types import SimpleNamespace

import pytest
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import StopException

from memory_toolkit.guard.guard import Busy
from recommender.app.server import import_slot
from recommender.core.errors import ProfileError


def test_a_second_import_waits_and_is_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MATINEE_WAIT_SECONDS", "0")
    said: list[str] = []

    def second() -> None:
        try:
            with import_slot.import_slot():
                said.append("began")
        except Busy:
            said.append("refused")

    with import_slot.import_slot():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(20)
    second()
    assert said == ["refused", "began"]
    assert caplog.messages == [
        "action.import was refused: the slot of imports is taken, memory is not short"
    ]


def test_the_slot_is_free_again_after_an_error() -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="wrong"), import_slot.import_slot():
            raise ValueError("wrong")


def test_rows_come_until_the_deadline() -> None:
    assert list(import_slot.within_deadline([1, 2])) == [1, 2]
    with pytest.raises(ProfileError, match="within 0 seconds") as caught:
        list(import_slot.within_deadline([1, 2], 0))
    assert caught.value.reason == "file_slow"


def test_an_import_ends_with_its_session(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    here, gone = SimpleNamespace(session_id="here"), SimpleNamespace(session_id="gone")
    monkeypatch.setattr(runtime._session_mgr, "is_active_session", lambda name: name == "here")
    found = iter([here, gone])
    monkeypatch.setattr(import_slot, "get_script_run_ctx", lambda **_: next(found))
    rows = import_slot.within_deadline([1, 2])
    assert next(rows) == 1
    with pytest.raises(StopException):
        next(rows)
