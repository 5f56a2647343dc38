"""Peaks of known height: how near to the truth the record of an action comes."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.actions import action, actions, clear_actions
from tests.memory_toolkit.planted import fill, linux, near, resettable, run_script

pytestmark = [linux, resettable]
KINDS = ["numpy", "bytes", "pickle", "json"]
SIZES = [50, 100, pytest.param(300, marks=pytest.mark.slow)]


def plants(command: str, kind: str, megabytes: int, file: Path) -> str:
    return run_script("tests/support/plants.py", command, kind, str(megabytes), str(file))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Path]:
    """The file that a plant of this kind and size reads; made once."""
    folder = tmp_path_factory.mktemp("plants")

    def file(kind: str, megabytes: int) -> Path:
        path = folder / f"{kind}{megabytes}"
        if kind in ("pickle", "json") and not path.exists():
            plants("make", kind, megabytes, path)
        return path

    return file


@pytest.mark.parametrize("megabytes", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_peak_alone(kind: str, megabytes: int, made: Callable[[str, int], Path]) -> None:
    file = made(kind, megabytes)
    measured = int(plants("action", kind, megabytes, file))
    true = int(plants("truth", kind, megabytes, file)) if kind in ("pickle", "json") else None
    assert near(measured, megabytes if true is None else true / MB)
    assert 0.9 * megabytes * MB < measured < 1.2 * megabytes * MB


@pytest.mark.parametrize("megabytes", SIZES)
def test_four_peaks_at_once(megabytes: int, made: Callable[[str, int], Path]) -> None:
    for kind in KINDS:
        folder = made(kind, megabytes).parent
    height, records, before = json.loads(plants("together", "-", megabytes, folder))
    assert height > 3 * megabytes * MB  # so they did overlap
    assert {record["name"] for record in records} == set(KINDS)
    for record in records:
        assert near(record["peak"] - before, height / MB)
        assert record["overlaps"] == 3
        assert record["peak_source"] == "exact"


@pytest.mark.parametrize("plant", [fill, lambda megabytes: b"x" * (megabytes * MB)])
def test_peaks_of_threads_that_begin_one_after_the_other(plant: Callable[[int], object]) -> None:
    """Each begins when the one before has planted; all end together, so that the first sees all.

    The heights fall, so whoever takes a peak from before it began, or loses its own to the reset
    of the next, is wrong.
    """
    clear_actions()
    heights = [300, 200, 100, 50]
    turns = [threading.Event() for _ in range(len(heights) + 1)]

    def run(number: int) -> None:
        turns[number].wait(30)
        with action(str(heights[number])):
            plant(heights[number])
            turns[number + 1].set()
            turns[-1].wait(30)

    start = read().own
    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(heights))]
    for thread in threads:
        thread.start()
    turns[0].set()
    for thread in threads:
        thread.join()
    peaks = {int(record.name): record.peak - start for record in actions()}
    assert set(peaks) == set(heights)
    assert all(near(peak, height) for height, peak in peaks.items())
    assert {record.overlaps for record in actions()} == {3}


def test_four_threads_that_plant_by_turns_and_then_together() -> None:
    """All four are open while each in turn holds 40 MB and, later, all hold 40 MB together."""
    clear_actions()
    together = threading.Barrier(4)
    turn = threading.Lock()

    def run(name: str) -> None:
        with action(name):
            together.wait()
            with turn, action(f"{name} alone"):
                fill(40).sum()
            together.wait()
            kept = fill(40)
            together.wait()
        del kept
        together.wait()

    start = read().own
    threads = [threading.Thread(target=run, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = {record.name: record for record in actions()}
    assert len(records) == 8
    for number in range(4):
        whole, alone = records[f"t{number}"], records[f"t{number} alone"]
        assert near(whole.peak - start, 160)
        assert near(alone.peak - alone.before, 40)
        assert alone.overlaps == 3
        assert whole.overlaps >= 3
