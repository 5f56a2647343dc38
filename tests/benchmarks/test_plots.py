"""The plots, drawn from small rows."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib", reason="plots need the extra `bench`")

from benchmarks.plots import PALETTES, PLOTS, draw
from benchmarks.report import Row

SPARK: list[Row] = [
    {"ratings": 1_000_000, "engine": "local", "seconds": 11.0, "driver_mb": 150.0, "problem": None},
    {
        "ratings": 1_000_000,
        "engine": "spark",
        "seconds": 90.0,
        "driver_mb": 990.0,
        "executor_mb": 1230.0,
        "problem": None,
    },
    {"ratings": 4_000_000, "engine": "local", "seconds": 14.0, "driver_mb": 190.0, "problem": None},
    {"ratings": 4_000_000, "engine": "spark", "seconds": None, "problem": "not done"},
]
ROWS: dict[str, list[Row]] = {
    "spark": SPARK,
    "spark-memory": SPARK,
    "quality": [
        {"name": "Popularity", "ndcg@10": 0.148},
        {"name": "Matinee, ranking", "ndcg@10": 0.315},
    ],
    "serving": [{"question": "hybrid", "median_ms": 4.2, "published_ms": 1310.0}],
    "growth": [
        {"ratings": 1_000_000, "matinee_mb": 120.0, "stock_mb": 420.0, "extrapolated": 0},
        {"ratings": 32_000_000, "matinee_mb": 219.0, "stock_mb": 12_900.0, "extrapolated": 1},
    ],
    "soak": [
        {"phase": phase, "minutes": minute / 2, "mb": 60.0, "limit_mb": 256.0}
        for minute, phase in enumerate(["start", *["visitors"] * 4, *["all gone"] * 3])
    ],
    "peaks": [
        {"planted": "json, 50 MB", "true": 48, "action": 48, "sampler": 0.2},
        {"planted": "furthest", "true": None, "action": 0.1, "sampler": 47.8},
    ],
}
SAID = {
    "quality": "0.315",
    "serving": "4.2 ms",
    "growth": "13 GB",
    "spark": "14 s",
    "spark-memory": "1.2 GB",
    "soak": "limit 256 MB",
    "peaks": "json, 50 MB",
}


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_small_says_its_figures_and_is_the_same_again(name: str, tmp_path: Path) -> None:
    files = draw(name, PLOTS[name], ROWS[name], tmp_path)
    assert [file.name for file in files] == [f"{name}-light.svg", f"{name}-dark.svg"]
    first = [file.read_bytes() for file in files]
    draw(name, PLOTS[name], ROWS[name], tmp_path)
    assert [file.read_bytes() for file in files] == first
    for content in first:
        root = ElementTree.fromstring(content)
        assert root[0].text == PLOTS[name].title
        assert any(SAID[name] in (element.text or "") for element in root.iter())
        assert b"<script" not in content
        assert len(content) < 40_000
    assert first[0] != first[1]


def test_an_engine_that_was_not_run_is_left_out(tmp_path: Path) -> None:
    local = [row for row in SPARK if row["engine"] == "local"]
    for name in ("spark", "spark-memory"):
        text = draw(name, PLOTS[name], local, tmp_path)[0].read_text("utf-8")
        assert "one process" in text
        assert "the driver" not in text


def luminance(color: str) -> float:
    """Relative luminance. Source: WCAG 2.2."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(map(float.__mul__, linear, (0.2126, 0.7152, 0.0722)))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", PALETTES)
def test_text_and_marks_stand_out_from_the_page(mode: str) -> None:
    palette = PALETTES[mode]
    for text in (palette.text, palette.muted):
        assert contrast(text, palette.paper) >= 4.5
    for mark in (palette.ours, palette.other):
        assert contrast(mark, palette.paper) >= 3
    assert re.fullmatch("#[0-9a-f]{6}", palette.grid)
