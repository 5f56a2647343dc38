"""How many processes serve, by the machine."""

from pathlib import Path

import pytest

from memory_toolkit.measure.limit import Group, Limit
from memory_toolkit.measure.sizes import MB
from recommender.settings import worker_count as module
from recommender.settings.environment import Settings
from recommender.settings.worker_count import available_cores, worker_count


@pytest.mark.parametrize(
    ("cores", "limit", "setting", "expected"),
    [
        (2, 128, None, 1),
        (2, 256, None, 2),
        (1, 4096, None, 1),
        (16, 4096, None, 4),
        (16, 4096, 300, 2),
        (4, 100, None, 1),
    ],
)
def test_as_many_as_there_are_cores_and_room_for(
    monkeypatch: pytest.MonkeyPatch, cores: int, limit: int, setting: int | None, expected: int
) -> None:
    monkeypatch.setattr(module, "available_cores", lambda: cores)
    monkeypatch.setattr(module, "enforced_limit", lambda: Limit(limit * MB, "a group"))
    found = Settings(memory_limit=None if setting is None else setting * MB)
    assert worker_count(found) == expected
    assert worker_count(Settings(workers=3)) == 3
    assert worker_count(found, "a reason") == 1


@pytest.mark.parametrize(
    ("files", "group", "cores"),
    [
        ({"a/cpu.max": "50000 100000\n"}, "a", 1),
        ({"a/cpu.max": "150000 100000\n"}, "a", 2),
        ({"a/cpu.max": "max 100000\n"}, "a", 8),
        ({"cpu/a/cpu.cfs_quota_us": "250000", "cpu/a/cpu.cfs_period_us": "100000"}, "memory/a", 3),
        ({"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, "memory/a", 8),
        ({}, "a", 8),
    ],
)
def test_cores_that_a_control_group_gives_the_time_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, str], group: str, cores: int
) -> None:
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: range(8))
    monkeypatch.setattr(module, "control_groups", lambda: [Group(str(tmp_path / group), "v2")])
    assert available_cores() == cores
