from pathlib import Path

import pytest

from memory_toolkit.integrations.metrics import memory_metrics, metrics_text
from memory_toolkit.measure.limit import Group, read_refaults
from memory_toolkit.measure.reading import PAGE_BYTES
from memory_toolkit.measure.sizes import MB
from memory_toolkit.measure.snapshot import Snapshot
from memory_toolkit.measure.thrashing import RefaultMeter, Refaults
from tests.memory_toolkit.groups import join, real_v1_group
from tests.memory_toolkit.planted import run_python

LIMIT = 256 * MB


@pytest.mark.parametrize(
    ("version", "text", "pages"),
    [
        ("v1", "workingset_refault_file 9\ntotal_workingset_refault_file 300\n", 300),
        ("v2", "workingset_refault_anon 40\nworkingset_refault_file 300\n", 340),
        ("v2", "workingset_refault 300\nworkingset_activate 7\n", 300),
        ("v2", "anon 5\n", None),
    ],
)
def test_the_counts_of_each_kernel(
    version: str, text: str, pages: int | None, tmp_path: Path
) -> None:
    (tmp_path / "memory.stat").write_text(text)
    expected = None if pages is None else pages * PAGE_BYTES
    assert Group(str(tmp_path), version).refaults() == expected
    assert read_refaults(str(tmp_path / "none")) is None


def meter_over(
    tmp_path: Path, counts: list[tuple[float, float]]
) -> list[tuple[float, bool] | None]:
    """The rate in MB a second and the verdict after each count, given as seconds and MB so far."""
    meter = RefaultMeter(Group(str(tmp_path), "v2"))
    found: list[tuple[float, bool] | None] = []
    for seconds, megabytes in counts:
        pages = int(megabytes * MB) // PAGE_BYTES
        (tmp_path / "memory.stat").write_text(f"workingset_refault_file {pages}\n")
        told = meter.look(LIMIT, seconds)
        found.append(told and (told.per_second / MB, told.thrashing))
    return found


def test_it_is_thrashing_while_much_is_read_again_for_seconds(tmp_path: Path) -> None:
    assert meter_over(tmp_path, [(0, 5), (1, 5), (4, 45), (4.5, 900), (8, 85)]) == [
        *(None, None),
        (10, True),
        (10, True),  # too near to the count before to be looked at
        (10, True),
    ]


def test_what_is_long_past_does_not_count(tmp_path: Path) -> None:
    counts = [(seconds, min(100, 20 * seconds)) for seconds in (0, 5, 10, 15, 20)]
    assert meter_over(tmp_path, [(float(a), float(b)) for a, b in counts]) == [
        None,
        (20, True),
        (10, True),
        (0, False),
        (0, False),
    ]


def test_a_few_pages_and_a_count_after_a_long_pause_are_no_thrashing(tmp_path: Path) -> None:
    assert meter_over(tmp_path, [(0, 0), (10, 10), (110, 4000)]) == [None, (1, False), None]


def test_without_counts_nothing_is_known(tmp_path: Path) -> None:
    assert RefaultMeter(Group(str(tmp_path), "v2")).look(LIMIT) is None


def test_the_metrics_tell_the_rate_and_the_verdict() -> None:
    now = Snapshot(rss=1, limit=9, limit_source="x", refaults=Refaults(3 * MB, thrashing=True))
    text = metrics_text(memory_metrics(now))
    assert f"memory_refault_bytes_per_second {3 * MB}\n" in text
    assert "memory_thrashing 1\n" in text
    unknown = metrics_text(memory_metrics(Snapshot(rss=1, limit=9, limit_source="x")))
    assert "thrashing" not in unknown


@pytest.mark.slow
def test_mapped_files_that_do_not_fit_are_a_state_of_their_own(tmp_path: Path) -> None:
    """In a real group: own memory is small all the time, so that the guard's level says nothing."""
    code = """
import logging, mmap, os, sys, time
import debug_memory as d

class Warnings(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())

said = []
logging.getLogger().addHandler(Warnings(logging.WARNING))
guard = d.Guard()
guard.start()

def state_after(megabytes, wanted):
    with open(f"{sys.argv[1]}/{megabytes}", "wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))
        file.flush()
        os.fsync(file.fileno())
    with open(file.name, "rb") as file:
        # Those pages were written, not read; the mapping has to bring its own.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        sum(mapped[::4096])
        state = guard.state()
        if state.refaults and state.refaults.thrashing == wanted == bool(said):
            break
    mapped.close()
    return state

small, large = state_after(8, False), state_after(96, True)
guard.stop()
print(small.refaults.thrashing, small.level, large.refaults.thrashing, large.level)
print(*said)
"""
    with real_v1_group(64 * MB) as group:
        printed = run_python(join(group) + code, str(tmp_path))
    states, said = printed.splitlines()
    assert states == "False ok True ok"
    assert said.startswith("thrashing: the files that are mapped and in use do not fit")
