"""The panel as a page, in an app that is not Matinee."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from streamlit.testing.v1 import AppTest

from debug_memory import MB, ActionRecord, action, configure_memory_limit
from memory_toolkit.panel import page as module
from memory_toolkit.panel.texts import texts
from memory_toolkit.record import actions as toolkit
from tests.memory_toolkit.panel.drawn import flat

Record = Callable[..., ActionRecord]


def app() -> None:
    import streamlit as st

    import debug_memory
    from memory_toolkit.panel.host import Host

    host = Host(
        language=lambda: st.session_state.get("language", "en"),
        record_runs=False,
        page=lambda: "memory",
    )
    debug_memory.streamlit_panel(host)
    debug_memory.streamlit_memory_page(host)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page, without what asks a real server; a browser draws that, too."""
    monkeypatch.setenv("DEBUG_MEMORY", "true")
    monkeypatch.setattr(module, "draw_parts", lambda _: None)
    monkeypatch.setattr(module, "connected_names", lambda: ["c3d4", "e5f6"])
    configure_memory_limit(4096 * MB, "the test")
    return AppTest.from_function(app)


def html(page: AppTest) -> str:
    assert not page.exception
    assert not page.error
    return "".join(element.proto.body for element in page.main.get("html"))


def lines(page: AppTest, table: str) -> list[list[str]]:
    """The cells of each line of the table with this name."""
    found = re.search(rf'aria-label="{table}"><table>.*?<tbody>(.*?)</tbody>', html(page))
    rows = re.findall(r"<tr>(.*?)</tr>", found[1]) if found else []
    return [[unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t", row)] for row in rows]


def test_it_is_there_with_debug_memory_only(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG_MEMORY", "false")
    assert html(page.run()) == ""


def test_a_line_an_action_and_a_line_a_session(page: AppTest, record: Record) -> None:
    toolkit._records.extend(
        [
            record("load <b>", session="a1b2", error=True),
            record("memory.return", session="c3d4", peak=43 << 20, started=2000.0, overlaps=2),
        ]
    )
    found = lines(page.run(), "Actions")
    assert [line[1] for line in found] == [
        "Collect and return memory (others at the same time: 2)",
        "load <b> (ended in an error)",
    ]
    assert found[1][2:] == [
        "a1b2",
        "40.0 MB",
        "42.0 MB",
        "+2.0 MB",
        "50.0 MB",
        "+10.0 MB",
        "250 ms",
    ]
    page.selectbox(key="memory.page_order").set_value("memory.order_peak").run()
    assert lines(page, "Actions")[0][1].startswith("load")
    sessions = {line[0]: line[2:] for line in lines(page, "Sessions")}
    assert sessions["a1b2, closed"] == ["1", "+2.0 MB", "+10.0 MB"]
    assert sessions["e5f6"] == ["0", "", ""]
    assert sessions["c3d4"] == ["1", "+2.0 MB", "+3.0 MB"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_all_of_it_is_there_beside_the_panel(page: AppTest, language: str) -> None:
    with action("load"):
        pass
    page.session_state["language"] = language
    words = flat(html(page.run()))
    for key in ("own", "recent", "sessions", "sessions_legend", "page_legend", "above"):
        assert texts()[language][f"memory.{key}"] in words
    side = "".join(element.proto.body for element in page.sidebar.get("html"))
    assert f'href="memory">{texts()[language]["memory.page"]}</a>' in side


def test_memory_is_given_back(page: AppTest) -> None:
    page.run().button(key="memory.page_return").click().run()
    assert "|Given back: " in flat(html(page))


def test_the_last_minute_can_be_looked_at(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        module, "timeline", lambda *_, **options: asked.append(options["seconds"]) or ""
    )
    page.run()
    page.segmented_control(key="memory.span").set_value(60).run()
    assert asked == [600, 60]


def test_it_asks_for_the_token_too(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG_MEMORY_TOKEN", "secret")
    assert "memory-bar" not in html(page.run())
    page.text_input(key="memory.page.token").set_value("secret")
    page.main.button[0].click().run()
    assert "memory-bar" in html(page)
