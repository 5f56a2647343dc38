from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.applications import Starlette
from streamlit import config

from memory_toolkit.record import flame_graph
from memory_toolkit.record.flame_graph import Recording
from recommender.app.server import flame_graph_file


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording is done, and this is its file; the panel is on."""
    file = tmp_path / "flame-graph.html"
    file.write_bytes(b"<!doctype html>" + bytes(1_000_000))
    monkeypatch.setattr(flame_graph, "_now", Recording("ready", action="load", report=file))
    monkeypatch.setenv("DEBUG_MEMORY", "true")
    return file


@pytest.fixture
def under_a_path() -> Iterator[None]:
    config.set_option("server.baseUrlPath", "films/")
    yield
    config.set_option("server.baseUrlPath", "")


def get(path: str) -> tuple[int, dict[str, str], list[bytes]]:
    """Status, headers and pieces of the answer, as a server gets them from the app."""
    sent = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.4"},
        "method": "GET",
        "path": path,
        "headers": [],
        "query_string": b"",
    }
    app = Starlette(routes=flame_graph_file.routes())
    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, app(scope, receive, send)).result()  # type: ignore[arg-type]
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}  # type: ignore[attr-defined]
    return sent[0]["status"], headers, [message.get("body", b"") for message in sent[1:]]


def test_the_file_is_sent_in_pieces_to_be_saved(report: Path) -> None:
    status, headers, pieces = get(f"/{flame_graph_file.address()}")
    assert status == 200
    assert b"".join(pieces) == report.read_bytes()
    assert max(map(len, pieces)) <= 65536
    assert headers["content-disposition"] == 'attachment; filename="matinee-flame-graph.html"'
    assert headers["cache-control"] == "no-store"


def test_nobody_gets_it_who_was_not_told_the_address(report: Path) -> None:
    assert get("/flame-graph/guess")[0] == 404
    assert get("/flame-graph/%C3%A9")[0] == 404


def test_without_the_panel_it_is_not_there(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG_MEMORY", "false")
    assert get(f"/{flame_graph_file.address()}")[0] == 404


def test_before_there_is_one_or_after_it_is_gone_it_says_so(report: Path) -> None:
    report.unlink()
    status, _, pieces = get(f"/{flame_graph_file.address()}")
    assert status == 404
    assert b"record one" in b"".join(pieces)


def test_it_lies_under_the_path_of_the_app(report: Path, under_a_path: None) -> None:
    assert get(f"/films/{flame_graph_file.address()}")[0] == 200
