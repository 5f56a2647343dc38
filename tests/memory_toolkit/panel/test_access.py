import time

import pytest
from streamlit.testing.v1 import AppTest

from debug_memory import action
from memory_toolkit.panel import access, panel
from tests.memory_toolkit.panel.conftest import app
from tests.memory_toolkit.panel.drawn import html, words

TOKEN = "open-sesame"


@pytest.fixture
def locked(side: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("DEBUG_MEMORY_TOKEN", TOKEN)
    return side


def give(side: AppTest, token: str) -> AppTest:
    side.sidebar.text_input[0].set_value(token)
    return side.sidebar.button[0].click().run()


def is_open(side: AppTest) -> bool:
    return "Own memory" in words(side)


def test_without_a_token_everybody_may_see_it(side: AppTest) -> None:
    assert is_open(side.run())
    assert len(side.sidebar.text_input) == 0


def test_before_the_token_nothing_is_computed(
    locked: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    for name in ("snapshot", "actions", "summaries"):
        monkeypatch.setattr(panel, name, lambda: asked.append(1))
    with action("secret"):
        pass
    locked.run()
    assert "secret" not in html(locked)
    assert not is_open(locked)
    assert len(locked.sidebar.segmented_control) == 0
    assert asked == []
    assert locked.sidebar.text_input[0].proto.type == locked.sidebar.text_input[0].proto.PASSWORD


def test_the_right_token_opens_it_for_the_session(locked: AppTest) -> None:
    assert is_open(give(locked.run(), TOKEN))
    assert is_open(locked.run())
    assert len(locked.sidebar.text_input) == 0
    assert TOKEN not in repr(locked.session_state)


@pytest.mark.parametrize("token", ["", "open", "open-sesame ", "열려라"])
def test_a_wrong_token_does_not(locked: AppTest, token: str) -> None:
    give(locked.run(), token)
    assert not is_open(locked)
    assert [e.value for e in locked.sidebar.error] == [
        "This is not the token. The next try is possible in 1 s."
    ]


def test_guessing_is_slow_in_all_sessions(locked: AppTest, side: AppTest) -> None:
    give(locked.run(), "guess")
    other = AppTest.from_function(app).run()
    access._rate_limit._until += 600  # longer than any machine takes for a page
    give(other, TOKEN)
    assert not is_open(other)
    assert other.sidebar.error[0].value.startswith("Not looked at after a wrong token.")
    access._rate_limit._until = time.monotonic()
    assert is_open(give(other, TOKEN))


def test_each_wrong_token_doubles_the_pause_up_to_half_a_minute() -> None:
    pause = access._RateLimit()
    waits = []
    for _ in range(8):
        pause._until = time.monotonic()
        assert pause.check("guess", TOKEN) is False
        waits.append(pause.left())
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert pause.check(TOKEN, TOKEN) is None
    pause._until = time.monotonic()
    assert pause.check(TOKEN, TOKEN) is True
    assert pause.left() == 0
    assert pause.check("guess", TOKEN) is False
    assert pause.left() == 1
