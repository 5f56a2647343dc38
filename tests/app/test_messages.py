"""The messages that a page sends to the browser, each of which takes a lock of all sessions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from tests.app.conftest import OpenPage
from tests.app.drawn import cards, mark, offered, rate

Act = Callable[[AppTest], object]
Sent = Callable[[], list[ForwardMsg]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Gives the messages of the last run."""
    runs: list[list[ForwardMsg]] = []
    messages = LocalScriptRunner.forward_msgs

    def keep(runner: LocalScriptRunner) -> list[ForwardMsg]:
        runs.append(messages(runner))
        return runs[-1]

    monkeypatch.setattr(LocalScriptRunner, "forward_msgs", keep)
    return lambda: runs[-1]


@pytest.mark.parametrize(
    ("url_path", "address", "most_messages", "most_bytes"),
    [
        ("", {}, 14, 40_900),
        ("discover", {}, 17, 46_000),
        ("my-ratings", {}, 35, 57_000),
        ("my-ratings", {"part": "rated"}, 32, 49_000),
        ("for-you", {"user": "1"}, 31, 53_000),
        ("similar", {"movie": "10"}, 29, 50_000),
        ("hybrid", {"user": "1"}, 29, 55_000),
        ("movie", {"id": "10"}, 15, 47_000),
        ("together", {}, 15, 35_500),
        ("me", {}, 28, 37_000),
        ("about", {}, 19, 35_500),
    ],
)
def test_a_page_sends_so_much_at_most(
    open_page: OpenPage,
    sent: Sent,
    url_path: str,
    address: dict[str, str],
    most_messages: int,
    most_bytes: int,
) -> None:
    assert not open_page(url_path, **address).exception
    assert len(sent()) <= most_messages
    assert sum(message.ByteSize() for message in sent()) <= most_bytes


@pytest.mark.parametrize(
    ("url_path", "address", "act", "most_messages", "most_bytes"),
    [
        (
            "discover",
            {},
            lambda page: page.text_input(key="search").set_value("number 1").run(),
            7,
            13_000,
        ),
        ("my-ratings", {}, lambda page: rate(page, offered(page)[0], 4), 27, 26_000),
        ("my-ratings", {}, lambda page: mark(page, "hidden", cards(page)[0]), 27, 24_500),
        (
            "for-you",
            {"user": "1"},
            lambda page: page.slider("fewest").set_value(5).run(),
            23,
            20_700,
        ),
        (
            "hybrid",
            {"user": "1"},
            lambda page: page.slider("weight").set_value(0).run(),
            20,
            21_000,
        ),
        (
            *("similar", {"movie": "10"}),
            lambda page: page.segmented_control("method").set_value("content").run(),
            *(20, 17_500),
        ),
    ],
)
def test_a_click_sends_so_much_at_most(
    open_page: OpenPage,
    sent: Sent,
    monkeypatch: pytest.MonkeyPatch,
    url_path: str,
    address: dict[str, str],
    act: Act,
    most_messages: int,
    most_bytes: int,
) -> None:
    page = open_page(url_path, **address)
    # A browser asks for the fragment that holds what was clicked; AppTest does not.
    body = sent()[-1].delta.fragment_id
    assert body
    in_body = partial(RerunData, fragment_id=body)
    monkeypatch.setattr(local_script_runner, "RerunData", in_body)
    act(page)
    assert not page.exception
    drawn = [message for message in sent() if message.delta.fragment_id == body]
    assert len(drawn) <= most_messages
    assert sum(message.ByteSize() for message in drawn) <= most_bytes
