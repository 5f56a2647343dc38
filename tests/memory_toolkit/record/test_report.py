"""The text and the CSV of a recording, and files that are whole or not there."""

import csv
import io
import stat
from pathlib import Path

import pytest

from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.ending import Ending
from memory_toolkit.record.recorder import Recording, Sample
from memory_toolkit.record.report import (
    SampleTable,
    UnwritableError,
    WholeFile,
    command_line,
    format_seconds,
    share_of_limit,
    summary,
)


def recorded(**given: object) -> Recording:
    """A recording of three samples, 10, 40 and 20 MB."""
    recording = Recording(("/bin/python3", "a b.py"), 0.5, 64 * MB, "cgroup v1 /x", **given)  # type: ignore[arg-type]
    for number, own in enumerate((10, 40, 20)):
        sample = Sample(number / 2, own * MB, (own + 2) * MB, 8 * MB, number + 1, 77, "python3")
        recording.add(sample, 0.002)
    recording.duration, recording.rss_peak = 1.25, 50 * MB
    recording.ending = Ending("ended", "exited with status 3", 3)
    return recording


def test_the_summary() -> None:
    recording = recorded(group_peak=51 * MB, left=2)
    assert summary(recording).splitlines() == [
        "python3 exited with status 3",
        "  Duration:          1.2 s",
        "  Own memory, peak:  42.0 MB after 0.5 s (66% of the limit)",
        "  Own memory, mean:  25.0 MB",
        "  Limit:             64.0 MB (cgroup v1 /x)",
        "  With file pages:   50.0 MB at most in one process, 51.0 MB in its group",
        "  Processes:         3 at most",
        "  Left behind:       2 processes, ended with their group",
        "  Samples:           3, one every 0.5 s, 2.00 ms each",
    ]
    assert command_line(recording) == "/bin/python3 'a b.py'"


def test_a_command_that_ended_too_soon() -> None:
    recording = Recording(("true",), 0.1, 64 * MB, "machine")
    assert "  Own memory:        not known: the command ended too soon to look at it" in summary(
        recording
    )
    assert share_of_limit(recording) == "under 1%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (125, "2 min 5 s"), (4205, "1 h 10 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_the_table() -> None:
    file = io.StringIO()
    table = SampleTable(file)
    for sample in recorded().points:
        table.add(sample)
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert [row["own_mb"] for row in rows] == ["10.00", "40.00", "20.00"]
    assert rows[1] == {
        "seconds": "0.500",
        "own_mb": "40.00",
        "peak_mb": "42.00",
        "file_mb": "8.00",
        "processes": "2",
        "largest_pid": "77",
        "largest_name": "python3",
    }


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with WholeFile(path) as whole:
        whole.file.write("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_file_that_was_not_completed_leaves_nothing(tmp_path: Path) -> None:
    whole = WholeFile(tmp_path / "out.csv")
    whole.file.write("half")
    with pytest.raises(KeyError), whole:
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnwritableError, match=r"out\.csv cannot be written: No such file or dir"):
        WholeFile(tmp_path / "nowhere" / "out.csv")
    with pytest.raises(UnwritableError, match="is no file; name a file to write"):
        WholeFile(tmp_path)
    with pytest.raises(UnwritableError, match="/dev/null is no file"):
        WholeFile(Path("/dev/null"))
