from __future__ import annotations

from pathlib import Path

import pytest

from memory_toolkit.record import flame_graph
from memory_toolkit.record.flame_graph import Recording
from recommender.app.server import flame_graph_file
from tests.support.asgi import get_from


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording is done, and this is its file; the panel is on."""
    file = tmp_path / "flame-graph.html"
    file.write_bytes(b"<!doctype html>" + bytes(1_000_000))
    monkeypatch.setattr(flame_graph, "_now", Recording("ready", action="load", report=file))
    monkeypatch.setenv("DEBUG_MEMORY", "true")
    return file


def get(path: str) -> tuple[int, dict[str, str], list[bytes]]:
    """Status, headers and pieces of the answer."""
    return get_from(flame_graph_file.routes(), path)


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
