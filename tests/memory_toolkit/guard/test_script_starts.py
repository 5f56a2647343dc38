"""Streamlit's real runtime, in a process of its own, where threads find no memory for a while."""

import subprocess
import sys
from pathlib import Path

from tests.memory_toolkit.planted import ROOT, linux

pytestmark = linux

SCRIPT = """
import streamlit as st
drawn = [name for name in "abc" if st.button(name, key=name)]
st.text(f"tapped {drawn}, {dict(st.query_params)}")
"""

BEGIN = """
import asyncio, resource, sys, threading, time
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.session_manager import SessionClient
from memory_toolkit.guard.script_starts import SCRIPT_STARTS
from memory_toolkit.guard.thread_starts import watch_starts
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB

class Browser(SessionClient):
    client_context = None
    texts, buttons, finished = [], {}, 0

    def write_forward_msg(self, msg):
        element = msg.delta.new_element
        if element.button.id:
            self.buttons[element.button.label] = element.button.id
        self.texts += [element.text.body] if element.text.body else []
        self.texts += [element.exception.type] if element.exception.type else []
        self.finished += msg.WhichOneof("type") == "script_finished"

async def until(happens):
    end = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)

async def main():
    await runtime.start()
    session = runtime.connect_session(browser, {})
    def tap(*names, **query):
        ask = BackMsg()
        ask.rerun_script.query_string = "&".join(f"{k}={v}" for k, v in query.items())
        for name in names:
            state = ask.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = browser.buttons[name], True
        runtime.handle_backmsg(session, ask)
    tap()
    await until(lambda: browser.finished)
    browser.texts.clear()
    await test(tap)
    print(browser.texts)
    runtime.stop()
    await runtime.stopped

runtime = Runtime(
    RuntimeConfig(
        sys.argv[1], MemoryMediaFileStorage("/media"), MemoryUploadedFileManager("/upload")
    )
)
browser = Browser()
"""


def run(script: Path, code: str) -> str:
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code + "\nasyncio.run(main())", str(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout.strip()


def test_taps_wait_for_a_thread_and_none_is_lost(tmp_path: Path) -> None:
    code = """
async def test(tap):
    watch_starts()
    SCRIPT_STARTS.put()
    threading.stack_size(2000 * MB)  # there is room for everything but a stack
    resource.setrlimit(resource.RLIMIT_DATA, (read().data + 1000 * MB, -1))
    before = browser.finished
    tap("a", page=1)
    await asyncio.sleep(0.3)
    tap("b", page=2)
    await asyncio.sleep(0.3)
    resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))
    await until(lambda: browser.finished > before)
"""
    assert run(tmp_path / "script.py", code) == "[\"tapped ['a', 'b'], {'page': '2'}\"]"


def test_a_thread_that_ends_before_it_begins_is_replaced(tmp_path: Path) -> None:
    code = """
async def test(tap):
    SCRIPT_STARTS.put()
    run = ScriptRunner._run_script_thread
    def end_at_once(runner):
        ScriptRunner._run_script_thread = run
        raise MemoryError
    ScriptRunner._run_script_thread = end_at_once
    before = browser.finished
    tap("c", page=3)
    await until(lambda: browser.finished > before)
"""
    assert run(tmp_path / "script.py", code) == "[\"tapped ['c'], {'page': '3'}\"]"
