"""The warm-up, in a real server."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.app.conftest import APP
from tests.app.server.test_startup import fetch, wait_for_line
from tests.browser.serving import serve

# A session is drawn and closed; says whether Streamlit still holds it, then and in the end.
LEAVE = """
import asyncio, gc, json, sys, weakref
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from recommender.app.server import warm_up
runtime = Runtime(
    RuntimeConfig(
        sys.argv[1], MemoryMediaFileStorage("/media"), MemoryUploadedFileManager("/upload")
    )
)

def sessions():
    gc.collect()
    return [o for o in gc.get_objects() if type(o).__name__ == "AppSession"]

async def main():
    await runtime.start()
    await warm_up._draw([("about", {})])
    await asyncio.sleep(0.5)
    (left,) = map(weakref.ref, sessions())
    held = left() is not None
    await warm_up.replace_last_session()
    await asyncio.sleep(0.5)
    gc.collect()
    print(json.dumps([held, left() is not None, len(sessions()), warm_up.is_on()]))
    runtime.stop()
    await runtime.stopped

asyncio.run(main())
"""


def test_every_page_is_drawn_before_anybody_comes(tiny_bundle: Path, tmp_path: Path) -> None:
    with serve(tiny_bundle, tmp_path, DEBUG_MEMORY="true") as server:
        log = wait_for_line(server, "[after drawing every page]")
        imported = server.imported()
        assert {"recommender.app.components.frame", "recommender.search.facts"} <= set(imported)
        assert "numpy.ma" not in imported  # a megabyte, for nothing that is asked for
        metrics = fetch(server, "/metrics")[2]
    assert "Traceback" not in log
    # Each page but About asks for movies, some of them twice.
    assert re.search(r'^matinee_guard_decisions_total\{decision="admitted"\} [5-9]$', metrics, re.M)
    assert "matinee_actions_total" not in metrics  # no visitor has done anything
    assert re.findall(r"^matinee_sessions\{.*\} (\d+)$", metrics, re.M) == ["0", "0"]


def test_the_last_session_is_let_go_of(tiny_bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVE, str(APP)],
        cwd=APP.parent,
        env={"MATINEE_BUNDLE": str(tiny_bundle)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == [True, False, 1, False]
