"""An app of somebody else, which shows the panel by one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from memory_toolkit.panel.runs import leave_runs
from memory_toolkit.record.actions import actions
from tests.memory_toolkit.panel.drawn import words
from tests.memory_toolkit.planted import ROOT


def foreign() -> None:
    import streamlit as st

    import debug_memory

    debug_memory.streamlit_panel()

    def save() -> None:
        st.session_state.saved = bytes(1000)

    st.button("Save", on_click=save, key="save")
    if st.checkbox("Fail", key="fail"):
        raise ValueError("planted")


def with_fragments() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    import debug_memory
    from memory_toolkit.panel import runs

    debug_memory.streamlit_panel()

    @st.fragment
    def totals(_count: int) -> None:
        st.text("totals")

    totals(3)
    context = get_script_run_ctx()
    context.fragment_ids_this_run = list(context.fragment_storage._fragments)
    st.text(f"{len(context.fragment_ids_this_run)} {runs._fragments(context)}")
    context.fragment_ids_this_run = None


@pytest.fixture(autouse=True)
def unwrapped() -> Iterator[None]:
    yield
    leave_runs()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("DEBUG_MEMORY", "true")
    return AppTest.from_function(foreign, default_timeout=30)


def names() -> list[str]:
    """The recorded actions without the temporary name of the script, oldest first."""
    return [record.name.partition(" · ")[2] or record.name for record in actions()[::-1]]


def test_runs_and_callbacks_are_recorded_by_themselves(app: AppTest) -> None:
    assert app.run().sidebar.subheader[0].value == "Memory"
    assert actions() == []  # the panel began within this run
    app.button(key="save").click().run()
    assert not app.exception
    assert names() == ["save", "save"]
    assert actions()[1].name == "save() · save"
    assert "|Last actions, the largest first|" in words(app.run())


def test_a_run_that_fails_is_marked(app: AppTest) -> None:
    app.run()
    app.checkbox(key="fail").check().run()
    assert app.exception
    assert [(record.error, name) for record, name in zip(actions(), names(), strict=True)] == [
        (True, "fail")
    ]


def test_fragments_have_their_functions_names_and_the_panel_s_own_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEBUG_MEMORY", "true")
    app = AppTest.from_function(with_fragments, default_timeout=30).run()
    assert not app.exception
    assert app.text[-1].value == "2 ['totals()']"


@pytest.mark.parametrize("switch", ["", "false", "0"])
def test_while_it_is_off_nothing_is_imported(switch: str) -> None:
    code = (
        "import sys, debug_memory\n"
        "debug_memory.streamlit_panel()\n"
        "print([name for name in sys.modules if 'streamlit.' in name or '.panel' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DEBUG_MEMORY": switch},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[]\n"


def test_it_needs_streamlit_and_psutil_alone(app: AppTest) -> None:
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_string('import debug_memory; debug_memory.streamlit_panel()').run()\n"
        "assert app.sidebar.subheader[0].value == 'Memory' and not app.exception\n"
        "print({'recommender', 'numpy', 'pandas', 'pyarrow', 'dotenv'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "set()\n", done.stderr
