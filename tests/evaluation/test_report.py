import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from recommender.core.errors import DataError
from recommender.evaluation.report import plot, report_lines, write_results


def metric(mean: float, users: float | None = None) -> dict[str, float | None]:
    return {"mean": mean, "se_seeds": None, "se_users": users}


RESULTS: dict[str, Any] = {
    "protocol": {
        "split": "random",
        "held_out": 0.2,
        "seeds": [1, 2],
        "users_judged": [10, 12],
        "relevant_from_stars": 3.875,
    },
    "data": {"ratings": 1234, "users": 20, "movies": 30},
    "models": [
        {
            "name": "<Other>",
            "metrics": {"rmse": metric(0.9), "ndcg@10": metric(0.1, 0.01)},
            "seconds": 1.25,
            "peak_mb": 3.4,
        },
        {
            "name": "Matinee",
            "metrics": {"ndcg@10": metric(0.2, 0.02), "coverage@10": metric(0.5)},
            "seconds": 0.5,
            "peak_mb": 20.0,
        },
    ],
}


def test_table() -> None:
    head, other, matinee, empty, *notes = report_lines(RESULTS)
    assert head.split() == [
        *("model", "RMSE", "MAE", "NDCG@10", "recall@20", "coverage@10", "novelty", "similar@20"),
        *("seconds", "peak", "MB"),
    ]
    assert other.split() == ["<Other>", "0.9000", "0.1000", "±0.0100", "1.2", "3"]
    assert matinee.split() == ["Matinee", "0.2000", "±0.0200", "0.500", "0.5", "20"]
    assert len(head) == len(other) == len(matinee)
    assert empty == ""
    assert "1,234 ratings" in notes[0]
    assert "random 20% of each user's ratings" in notes[1]
    assert "seeds 1, 2" in notes[1]
    assert "10 to 12 users" in notes[2]


def test_table_of_the_time_protocol() -> None:
    timed = {**RESULTS, "protocol": {**RESULTS["protocol"], "split": "time"}}
    assert any(line.startswith("The latest 20% of all") for line in report_lines(timed))


def test_plot_is_a_bar_for_each_model() -> None:
    root = ElementTree.fromstring(plot(RESULTS))
    name = "{http://www.w3.org/2000/svg}"
    widths = [float(bar.get("width", "")) for bar in root.findall(f"{name}rect")[1:]]
    assert widths == pytest.approx([360 * 0.1 / 0.22, 360 * 0.2 / 0.22], abs=0.1)
    assert [text.text for text in root.findall(f"{name}text")][1] == "<Other>"


def test_write_results(tmp_path: Path) -> None:
    write_results(RESULTS, tmp_path / "new" / "folder")
    written = tmp_path / "new" / "folder"
    assert json.loads((written / "results.json").read_text()) == RESULTS
    assert (written / "results.svg").read_text() == plot(RESULTS)


def test_write_results_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file cannot be written.*--out"):
        write_results(RESULTS, tmp_path / "file")
