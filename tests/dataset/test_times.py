import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recommender.core.errors import DataError
from recommender.dataset import ImportOptions, from_files, import_dataset
from recommender.settings.memory_budget import MIN_BYTES

TIMED = ImportOptions(memory_limit=MIN_BYTES, keep_times=True)
# What may stand under "timestamp" and the seconds since 1970 that it says; tests/spark has it, too.
NEW_YEAR = 1_577_836_800.0
TIMES: dict[str, float | None] = dict.fromkeys(
    [
        *("2020-01-01", "2020-1-1", "2020/01/01", "2020-01-01 00:00", "2020-01-01 0:00:00"),
        *("2020-01-01 00:00:00", "2020-01-01T00:00:00", "2020-01-01T00:00:00.000000000"),
        *("2020-01-01T00:00Z", "2020-01-01T00:00:00Z", "2020-01-01 00:00:00 UTC"),
        *("2020-01-01T02:00:00+02:00", "2020-01-01 02:00:00+02", "2020-01-01T05:30:00+0530"),
        *("2019-12-31T19:00:00-05:00", "2019-12-31 19:00 -05:00", "2020-01-01T00:00:00-00:00"),
        *("1577836800", "1577836800.0", "+1577836800", "1.5778368e9"),
        *("1577836800000", "1577836800000000", "1577836800000000000"),
    ],
    NEW_YEAR,
)
TIMES |= {
    "2020-01-01T00:00:00.25Z": NEW_YEAR + 0.25,
    "2020-01-01T00:00:00.123456789+00:00": NEW_YEAR + 0.123,
    "1577836800250": NEW_YEAR + 0.25,
    "1970-01-01T00:00:00+01:00": -3600.0,
    "9999-12-31T23:59:59Z": 253_402_300_799.0,
    "0": 0.0,
    "-1": -1.0,
    "17.25": 17.25,
    "2020": 2020.0,
    "20200101": 20_200_101.0,
    "99999999999": 99_999_999_999.0,
    "100000000000": 100_000_000.0,
    "-100000000000": -100_000_000.0,
}
TIMES |= dict.fromkeys(
    [
        *("", "x", "nan", "inf", "-inf", "1e300", "-1e300", "5d", "0x10", "epoch", "infinity"),
        *("now", "today", "12:00", "T12:00:00", "2020-01", "2020-13-01", "2020-02-30"),
        *("2020-01-01T24:00:00", "2020-01-01T00:60:00", "2020-01-01T00:00:60", "2020-01-01Z"),
        *("2020-01-01T00:00:00+25:00", "2020-01-01T00:00:00+2", "2020-01-01T00:00:00 Mars"),
        *("2020-01-01 00:00:00 Europe/Berlin", "0044-01-01", "-0044-01-01", "10000-01-01"),
        *("2020-01-01 00:00:00 AM", "01/02/2020", "2020-01-01T"),
    ]
)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is nine hours ahead of UTC."""
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def write_times(path: Path, times: list[str]) -> None:
    """A user each who rated movie 1 at these times."""
    lines = (f"{user},1,3,{text}\n" for user, text in enumerate(times))
    path.write_text("user,movie,rating,timestamp\n" + "".join(lines))


def seconds_of(ratings: Path, out: Path) -> list[int]:
    movies = ratings.with_name("movies.csv")
    movies.write_text("movie,title\n1,One\n")
    dataset = import_dataset(from_files(ratings, movies), out, TIMED)
    found: list[int] = np.load(dataset.folder / "history_times.npy").tolist()
    return found


@pytest.mark.usefixtures("elsewhere")
def test_what_a_time_says(tmp_path: Path) -> None:
    says = {text: seconds for text, seconds in TIMES.items() if seconds is not None}
    write_times(tmp_path / "ratings.csv", list(says))
    found = seconds_of(tmp_path / "ratings.csv", tmp_path / "out")
    assert dict(zip(says, found, strict=True)) == {text: round(says[text]) for text in says}


def test_what_says_no_time(tmp_path: Path) -> None:
    says_none = [text for text, seconds in TIMES.items() if seconds is None]
    write_times(tmp_path / "ratings.csv", says_none)
    n = len(says_none)
    with pytest.raises(DataError, match=f"{n} of {n} ratings have no timestamp"):
        seconds_of(tmp_path / "ratings.csv", tmp_path / "out")


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("unit", "zone"), [("us", "Asia/Seoul"), ("ms", "UTC"), ("ns", "UTC"), ("us", None)]
)
def test_times_of_parquet(unit: str, zone: str | None, tmp_path: Path) -> None:
    times = pa.array([int(NEW_YEAR), 1], pa.timestamp("s")).cast(pa.timestamp(unit, zone))
    columns = {"user": [1, 2], "movie": [1, 1], "rating": [3, 3], "timestamp": times}
    pq.write_table(pa.table(columns), tmp_path / "ratings.parquet")
    assert seconds_of(tmp_path / "ratings.parquet", tmp_path / "out") == [int(NEW_YEAR), 1]


@pytest.mark.parametrize(
    ("times", "unreadable"),
    [
        (("31/12/2020 10:00", "01/01/2019 10:00"), 0),
        (("12/31/2020 10:00", "12/01/2019"), 0),
        (("31.12.2020", "1.1.2019"), 0),
        (("31-12-2020 10:00:00", "01-01-2019 10:00:00"), 0),
        (("2020-12-31", "someday"), 1),
        (("31/12/2020", "12/31/2019"), 2),  # days first, or months?
        (("01/02/2020", "02/01/2020"), 2),
    ],
)
def test_dates_of_a_spreadsheet(tmp_path: Path, times: tuple[str, str], unreadable: int) -> None:
    (tmp_path / "movies.csv").write_text("movie,title\n1,One\n")
    rows = f"1,1,5,{times[0]}\n1,1,1,{times[1]}\n"
    (tmp_path / "ratings.csv").write_text("user,movie,rating,timestamp\n" + rows)
    source = from_files(tmp_path / "ratings.csv", tmp_path / "movies.csv")
    dataset = import_dataset(source, tmp_path / "out")
    assert dataset.report.unreadable_times == unreadable
    told = f"{unreadable} ratings whose time cannot be read, and counts for none"
    assert (told in dataset.report.lines()) == bool(unreadable)
    if not unreadable:
        assert np.load(tmp_path / "out" / "history_ratings.npy").tolist() == [5.0]
