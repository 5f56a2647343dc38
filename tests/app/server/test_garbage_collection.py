"""Garbage collection: not after each run of a page, but when there is something to collect."""

import gc
import json
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.app.server.garbage_collection import MAX_YOUNG, FullCollection
from tests.app.conftest import APP

RUNS = 20
# Counts the full collections while pages are drawn in a session, with the app's own configuration.
DRAW = """
import asyncio, gc, json, sys
from streamlit import config
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
script, runs = sys.argv[1], int(sys.argv[2])
config._main_script_path = script
from recommender.app.server import warm_up
runtime = Runtime(
    RuntimeConfig(script, MemoryMediaFileStorage("/media"), MemoryUploadedFileManager("/upload"))
)

async def main():
    await runtime.start()
    await warm_up._draw([("about", {})])  # what it imports is collected, too
    gc.collect()
    gc.freeze()
    before = gc.get_stats()[2]["collections"]
    await warm_up._draw([("about", {})] * runs)
    print(json.dumps(gc.get_stats()[2]["collections"] - before))
    runtime.stop()
    await runtime.stopped

asyncio.run(main())
"""


class Circle:
    """Refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def old() -> Iterator[weakref.ref[Circle]]:
    """Garbage that no young collection finds; nothing collects here by itself."""
    gc.disable()
    circle = Circle()
    gc.collect()  # it is among the old ones now
    held = weakref.ref(circle)
    del circle
    yield held
    gc.enable()


def test_no_run_of_a_page_looks_through_everything(tiny_bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRAW, str(APP), str(RUNS)],
        cwd=APP.parent,
        env={"MATINEE_BUNDLE": str(tiny_bundle)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert json.loads(done.stdout) < RUNS / 4  # a few are Python's own


def test_old_garbage_goes_when_nobody_does_anything(old: weakref.ref[Circle]) -> None:
    collection = FullCollection()
    gc.collect(0)  # somebody draws a page
    collection.collect_if_due()
    assert old() is not None
    gc.collect(0)
    collection.collect_if_due()
    assert old() is not None
    collection.collect_if_due()
    assert old() is None


def test_nothing_is_collected_twice(old: weakref.ref[Circle]) -> None:
    collection = FullCollection()
    full = gc.get_stats()[2]["collections"]
    for _ in range(3):
        collection.collect_if_due()
    assert gc.get_stats()[2]["collections"] == full
    assert old() is not None  # made before, and nothing was since


def test_old_garbage_goes_though_somebody_always_does_something(old: weakref.ref[Circle]) -> None:
    collection = FullCollection()
    for _ in range(MAX_YOUNG - 1):
        gc.collect(0)
    collection.collect_if_due()
    assert old() is not None
    gc.collect(0)
    collection.collect_if_due()
    assert old() is None
