import json
import time
from pathlib import Path

import pytest

from recommender.core.errors import SettingsError
from recommender.training.stages import Stages

MB = 2**20


@pytest.fixture
def told() -> list[tuple[str, float]]:
    return []


@pytest.fixture
def stages(tmp_path: Path, told: list[tuple[str, float]]) -> Stages:
    return Stages(tmp_path, lambda *what: told.append(what))


def never() -> dict[str, int]:
    raise AssertionError("this stage was done before")


def test_a_stage_is_measured(stages: Stages, tmp_path: Path) -> None:
    def stage() -> dict[str, int]:
        (tmp_path / "array").write_bytes(bytes(3 * MB))
        held = bytearray(b"x" * 30 * MB)
        time.sleep(0.2)
        return {"size": len(held)}

    assert stages.run("first", stage) == {"size": 30 * MB}
    (record,) = stages.records
    assert record.name == "first"
    assert not record.reused
    assert record.peak >= 30 * MB
    assert 3 * MB <= record.disk < 4 * MB


def test_disk_space_that_is_taken_for_a_time_counts(stages: Stages, tmp_path: Path) -> None:
    def stage() -> dict[str, int]:
        (tmp_path / "scratch").write_bytes(bytes(2 * MB))
        time.sleep(0.2)
        (tmp_path / "scratch").unlink()
        return {}

    stages.run("first", stage)
    assert stages.records[0].disk >= 2 * MB


def test_what_was_done_is_not_done_again(
    stages: Stages, tmp_path: Path, told: list[tuple[str, float]]
) -> None:
    result = {"mean": 1 / 3, "scale": [0.5, 5.0], "terms": ["기생충"]}
    stages.run("first", lambda: result)
    again = Stages(tmp_path, lambda *what: told.append(what))
    assert again.run("first", never) == result
    (record,) = again.records
    assert record.reused
    assert record.seconds == stages.records[0].seconds
    assert told == [("first", 0.0), ("first", 1.0)]


def test_a_stage_that_failed_is_done_again(stages: Stages, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        stages.run("first", never)
    assert stages.run("first", lambda: {"done": 1}) == {"done": 1}
    assert not list(stages.work.glob("*.new"))
    assert json.loads((stages.work / "first.json").read_text())["result"] == {"done": 1}


def test_too_little_memory(stages: Stages) -> None:
    with pytest.raises(SettingsError, match=r"stage first found too little memory.*--factors"):
        stages.run("first", lambda: {"size": len(bytes(2**62))})
