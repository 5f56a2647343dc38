"""The view "Parts": sizes that add up, and what they are known from."""

from __future__ import annotations

import mmap
import re
import sqlite3
import sys
import tracemalloc
from pathlib import Path

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some
from streamlit.runtime import Runtime
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.testing.v1 import AppTest

from memory_toolkit.measure.mappings import read_mappings
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB
from memory_toolkit.panel import parts
from memory_toolkit.panel.host import Host, introduce
from memory_toolkit.panel.parts import Part, adding_up, find_parts
from memory_toolkit.panel.texts import texts
from tests.memory_toolkit.panel.drawn import html, show, words

linux = pytest.mark.skipif(sys.platform != "linux", reason="mappings are told by Linux")
sizes = some.lists(some.integers(0, 200).map(lambda size: Part("memory_parts.sqlite", size)))


@pytest.fixture(autouse=True)
def looked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_last", None)


@pytest.fixture
def drawn(runtime: Runtime, side: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The view, with what is found now; AppTest has a runtime of its own that knows nothing."""
    introduce(Host(start=lambda: 20 * MB))
    made = find_parts()
    monkeypatch.setattr(parts, "find_parts", lambda: made)
    return side


def found(listed: list[Part]) -> dict[str, int]:
    return {
        f"{part.key.removeprefix('memory_parts.')} {part.name}".strip(): part.size
        for part in listed
    }


@given(own=some.integers(0, 1000), first=some.none() | some.integers(0, 1000), known=sizes)
def test_the_parts_always_add_up(own: int, first: int | None, known: list[Part]) -> None:
    made = adding_up(own, first, known)
    assert sum(part.size for part in made) == own
    assert min(part.size for part in made) >= 0


def test_the_start_is_what_is_left_of_it_and_the_rest_what_nobody_knows() -> None:
    known = [
        Part("memory_parts.sqlite", 5),
        Part("memory_parts.free", 10),
        Part("memory_parts.stacks", 0),
    ]
    assert found(adding_up(100, 60, known)) == {"start": 60, "free": 10, "sqlite": 5, "rest": 25}
    assert found(adding_up(50, 60, known)) == {"start": 35, "free": 10, "sqlite": 5, "rest": 0}
    assert found(adding_up(100, None, known)) == {"free": 10, "sqlite": 5, "all_else": 85}


@linux
def test_what_is_found_adds_up_to_the_process_s_own_memory(runtime: Runtime) -> None:
    made = find_parts()
    now = read()
    assert sum(part.size for part in made.own) == pytest.approx(now.own, rel=0.02)
    assert sum(part.size for part in made.files) == pytest.approx(now.file, rel=0.02)
    assert found(made.own).keys() >= {"all_else"}


@linux
def test_files_that_the_app_maps_are_a_part_by_their_name(runtime: Runtime, tmp_path: Path) -> None:
    introduce(Host(mapped={"Weights": lambda: tmp_path}, translate=str.upper))
    with open(tmp_path / "weights.bin", "wb+") as file:
        file.write(bytes(3 * MB))
        file.flush()
        mapped = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE)
    assert sum(mapped[::4096]) == 0
    made = find_parts()
    (weights,) = (part for part in made.files if part.key == "memory_parts.mapped")
    assert weights.size == 3 * MB
    assert weights.label == "WEIGHTS, of 3.0 MB mapped"
    for place in range(0, MB, 4096):
        mapped[place] = 1  # a copy of its own
    assert found(find_parts().own)["changed Weights"] == MB
    mapped.close()


def test_streamlit_s_caches_are_there_by_name(runtime: Runtime) -> None:
    @st.cache_data
    def big(size: int) -> bytes:
        return bytes(size)

    @st.cache_resource
    def shared() -> object:
        return object()

    big(3 * MB)
    big(2 * MB)
    runtime.uploaded_file_mgr.add_file(  # type: ignore[attr-defined]
        "a session", UploadedFileRec("1", "x.csv", "text/csv", bytes(MB))
    )
    shared()
    made = find_parts()
    own = found(made.own)
    assert own["cached big"] == pytest.approx(5 * MB, rel=0.01)
    assert own["uploads"] == MB
    assert found(made.counts) == {"connected": 0, "kept": 0, "state": 0, "resource shared": 1}


@linux
def test_sqlite_tells_what_it_holds(runtime: Runtime) -> None:
    with sqlite3.connect(":memory:") as connection:
        if parts._sqlite_used(read_mappings()) is None:
            pytest.skip("SQLite is no library of its own in this Python")
        connection.execute("CREATE TABLE filled (text)")
        before = found(find_parts().own).get("sqlite", 0)
        connection.executemany("INSERT INTO filled VALUES (?)", [("x" * 1000,)] * 4000)
        filled = found(find_parts().own)["sqlite"]
    connection.close()
    assert filled - before == pytest.approx(4 * MB, rel=0.2)


def test_the_notes_on_allocations_count_while_they_are_taken(runtime: Runtime) -> None:
    assert "tracking" not in found(find_parts().own)
    tracemalloc.start(1)
    kept = [str(number) for number in range(100_000)]
    try:
        assert found(find_parts().own)["tracking"] > MB
    finally:
        tracemalloc.stop()
    assert len(kept) == 100_000


def test_files_on_disk_are_those_that_the_app_names(runtime: Runtime, tmp_path: Path) -> None:
    assert find_parts().disk == []
    introduce(Host(disk={"Ratings": lambda: [tmp_path / "file", tmp_path / "log"]}))
    assert found(find_parts().disk) == {"named Ratings": 0}
    (tmp_path / "file").write_bytes(bytes(4096))
    (tmp_path / "log").write_bytes(bytes(1000))
    assert found(find_parts().disk) == {"named Ratings": 5096}


def test_the_view_draws_them(drawn: AppTest) -> None:
    show(drawn.run(), "parts")
    text = words(drawn)
    assert re.search(r"\|[\d.]+ MB of own memory\|", text)
    assert "|Python, libraries at start|20.0 MB|" in text
    assert "|Sessions connected|0|" in text
    shares = [float(share) for share in re.findall(r'<i style="width: ([\d.]+)%', html(drawn))]
    assert sum(shares) == pytest.approx(100, abs=0.1)


def test_it_looks_again_only_after_a_while(drawn: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    look = parts.find_parts
    monkeypatch.setattr(parts, "find_parts", lambda: looked.append(1) or look())
    show(drawn.run(), "parts").run()
    assert len(looked) == 1
    monkeypatch.setattr(parts, "FRESH_SECONDS", 0.0)
    drawn.run()
    assert len(looked) == 2


def test_in_korean(drawn: AppTest) -> None:
    show(drawn.run(), "parts")
    drawn.session_state["language"] = "ko"
    drawn.run()
    for key in ("memory_parts.files", "memory_parts.connected", "memory_parts.rest"):
        assert texts()["ko"][key] in words(drawn)
