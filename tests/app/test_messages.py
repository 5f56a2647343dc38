"""The messages that a page sends to the browser, each of which takes a lock of all sessions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from tests.app.conftest import OpenPage

Act = Callable[[AppTest], object]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[int, int]]:
    """Gives the number and the bytes of the messages of the last run."""
    runs: list[tuple[int, int]] = []
    messages = LocalScriptRunner.forward_msgs

    def count(runner: LocalScriptRunner) -> list[object]:
        found = messages(runner)
        runs.append((len(found), sum(message.ByteSize() for message in found)))
        return found

    monkeypatch.setattr(LocalScriptRunner, "forward_msgs", count)
    return lambda: runs[-1]


def nothing(page: AppTest) -> object:
    return page


@pytest.mark.parametrize(
    ("url_path", "address", "act", "most_messages", "most_bytes"),
    [
        ("", {}, nothing, 42, 15_000),
        ("my-ratings", {}, nothing, 103, 26_000),
        ("my-ratings", {}, lambda page: page.feedback[0].set_value(3), 103, 27_000),
        ("my-ratings", {"part": "rated"}, nothing, 77, 22_000),
        ("for-you", {"user": "1"}, nothing, 64, 23_000),
        ("for-you", {"user": "1"}, lambda page: page.slider("fewest").set_value(5), 65, 23_000),
        ("similar", {"movie": "10"}, nothing, 62, 21_000),
        ("similar", {"movie": "10", "method": "content"}, nothing, 62, 21_000),
        ("hybrid", {"user": "1"}, nothing, 62, 26_000),
        ("about", {}, nothing, 17, 11_000),
    ],
)
def test_a_page_sends_so_much_at_most(
    open_page: OpenPage,
    sent: Callable[[], tuple[int, int]],
    url_path: str,
    address: dict[str, str],
    act: Act,
    most_messages: int,
    most_bytes: int,
) -> None:
    page = open_page(url_path, **address)
    if act is not nothing:
        act(page)
        page.run()
    assert not page.exception
    count, size = sent()
    assert count <= most_messages
    assert size <= most_bytes
