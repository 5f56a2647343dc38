import gc
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest
from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo

from memory_toolkit.measure.limit import configure_memory_limit
from memory_toolkit.measure.sizes import MB
from recommender.app.server import housekeeper
from recommender.app.server.housekeeper import guard, sessions
from tests.app.conftest import APP


class Session:
    """As much of a session as the storage knows of it."""

    id = "closed"


def test_there_is_one_guard_with_the_limit_that_was_configured() -> None:
    configure_memory_limit(300 * MB)
    keeper = guard()
    assert keeper is guard()
    assert keeper is not None
    assert keeper.state().limit == 300 * MB


def test_without_the_guard_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_GUARD", "false")
    assert guard() is None


def test_closed_sessions_are_let_go_of_when_their_time_is_over(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By themselves: Streamlit's storage would hold them until another session is stored."""
    storage = MemorySessionStorage(ttl_seconds=0.2)  # type: ignore[arg-type]
    monkeypatch.setattr(runtime._session_mgr, "_session_storage", storage)
    session = Session()
    storage.save(SessionInfo(client=None, session=session, script_run_count=1))  # type: ignore[arg-type]
    held = weakref.ref(session)
    del session
    housekeeper._forget_expired_sessions()
    assert sessions() == (0, 1)
    time.sleep(0.25)
    gc.collect()
    assert held() is not None
    housekeeper._forget_expired_sessions()
    gc.collect()
    assert held() is None
    assert sessions() == (0, 0)


def test_the_housekeeper_leaves_the_process_as_it_was(tiny_bundle: Path) -> None:
    code = """
import asyncio, resource, sys, threading
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from recommender.app.server.housekeeper import Housekeeper
Runtime(RuntimeConfig("", MemoryMediaFileStorage("/media"), MemoryUploadedFileManager("/upload")))

def state():
    limit = resource.getrlimit(resource.RLIMIT_DATA)
    return limit, sys.getswitchinterval(), threading.stack_size()

async def main():
    before, keeper = state(), Housekeeper()
    keeper.start()
    await asyncio.sleep(0.5)
    inside = state()
    keeper.stop()
    print([a != b for a, b in zip(before, inside)], state() == before, threading.active_count())

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=APP.parent,
        env={"MATINEE_BUNDLE": str(tiny_bundle), "MATINEE_MEMORY_LIMIT": "1G"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    changed = [sys.platform == "linux", True, True]
    assert done.stdout.strip() == f"{changed} True 1"
