"""Tables that the benchmark of Spark makes of what it measured."""

import json
from pathlib import Path

import pytest

from benchmarks.report import Row
from benchmarks.spark_growth import factors_sent, sizing, traffic
from memory_toolkit.measure.sizes import MB


def run(ratings: int, seconds: float, kept: float, **other: str | None) -> Row:
    row: Row = {"engine": "spark", "problem": None, "ratings": ratings, "seconds": seconds}
    users = ratings / 100
    shuffled = 50 * ratings + factors_sent(ratings, users, 2)
    row |= {"users": users, "blocks": 2, "kept_mb": kept, "shuffled_mb": shuffled / MB}
    return row | other


def test_sizing_counts_what_a_rating_adds() -> None:
    local = run(8_000_000, 1.0, 0.0, engine="local")
    failed = run(16_000_000, 9.0, 0.0, problem="not done")
    rows = [run(1_000_000, 60.0, 100.0), run(4_000_000, 90.0, 160.0), local, failed]
    found = {str(row["step"]): row["result"] for row in sizing(rows, cores=2)}
    # 30 s of two cores and 60 MB for three million more.
    assert found["a million ratings more take"] == "20.0 s of one core"
    assert found["a billion take 1,000 times that"] == "5.6 hours of one core"
    assert found["to be done in 2 hours takes 5.6 / 2"] == "3 cores"
    assert found["a rating more keeps"] == "21 bytes on the executors"
    assert found["beside that a rating more shuffles"] == "50 bytes"
    (sent,) = (result for step, result in found.items() if step.startswith("84 bytes a user"))
    words = str(found["all that a billion shuffle"]).split()
    assert int(words[0]) - int(str(sent).split()[0]) == pytest.approx(50e9 / 2**30, abs=1)


def test_factors_go_to_no_more_blocks_than_a_user_has_movies_in() -> None:
    assert factors_sent(ratings=1e6, users=1e4, blocks=1) == 84 * 10 * 1e4
    assert factors_sent(1e6, 1e4, 5) == pytest.approx(84 * 10 * 1e4 * 5)
    # With more blocks than movies, a copy for nearly each of them.
    assert factors_sent(1e6, 1e4, 1e5) == pytest.approx(84 * 10 * 1e6, rel=0.01)


def test_without_two_runs_there_is_no_sizing() -> None:
    assert sizing([run(1_000_000, 60.0, 100.0)], cores=2) == []


def test_traffic_counts_a_kept_block_once(tmp_path: Path) -> None:
    def ended(written: int, *blocks: tuple[str, int, int]) -> str:
        updated = [
            {"Block ID": name, "Status": {"Memory Size": memory, "Disk Size": disk}}
            for name, memory, disk in blocks
        ]
        shuffle = {"Shuffle Bytes Written": written}
        metrics = {"Shuffle Write Metrics": shuffle, "Updated Blocks": updated}
        return json.dumps({"Event": "SparkListenerTaskEnd", "Task Metrics": metrics})

    def submitted(*rdds: tuple[str, int]) -> str:
        info = [{"Name": name, "Number of Partitions": parts} for name, parts in rdds]
        return json.dumps(
            {"Event": "SparkListenerStageSubmitted", "Stage Info": {"RDD Info": info}}
        )

    lines = [
        json.dumps({"Event": "SparkListenerLogStart"}),
        ended(100, ("rdd_1_0", 50, 0), ("broadcast_3", 999, 0)),
        ended(20, ("rdd_1_0", 0, 40), ("rdd_1_1", 7, 0)),  # the first was moved to the disk
        submitted(("itemInBlocks", 5), ("users", 3)),
    ]
    (tmp_path / "events").write_text("\n".join(lines))
    assert traffic(tmp_path) == (57, 120, 5)
