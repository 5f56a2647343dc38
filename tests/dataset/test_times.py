import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recommender.core.errors import DataError
from recommender.dataset import ImportOptions, from_files, import_dataset
from recommender.dataset.import_report import ImportReport
from recommender.dataset.times import looks_like_time
from recommender.settings.memory_budget import MIN_BYTES
from tests.dataset.spellings import DATES, NUMBERS

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
        *("2020.01.01", "1 Jan 2020", "01-Jan-20", "1 January 2020 00:00", "1st January, 2020"),
        *("Jan 1, 2020", "January 1st, 2020 12:00:00 AM", "Jan 1 2020 at 12:00 a.m.", "01 1, 2020"),
        *("Wed, 01 Jan 2020 00:00:00 GMT", "Wed, 1 Jan 2020 02:00:00 +0200", "2020-01-01 12:00 AM"),
        *("Wed Jan  1 00:00:00 2020", "Wed Jan 01 00:00:00 +0000 2020"),
        *("Wed Jan 01 2020 09:00:00 GMT+0900 (Korean Standard Time)", "20200101T000000Z"),
        *("2020. 1. 1.", "2020. 1. 1. 00:00", "2020년 1월 1일", "2020年01月01日 00:00"),
    ],
    NEW_YEAR,
)
TIMES |= {
    "2020-01-01T00:00:00.25Z": NEW_YEAR + 0.25,
    "2020-01-01 1:05 PM": NEW_YEAR + 13 * 3600 + 300,
    "JAN 1, 2020, 12:30:15pm": NEW_YEAR + 12 * 3600 + 1815,
    "sept 9, 2001 1:46:40 am UTC": 1e9,
    "09-Sep-01 01:46:40": 1e9,
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
        *("2020-01-01 00:00:00 AM", "01/02/2020", "2020-01-01T", "2020-01-01 13:00 PM"),
        *("30 Feb 2020", "Jan 2020", "1 Foo 2020", "Jan 1 2020 00:00:00 EST", "20-01-01"),
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
    lines = (f'{user},1,3,"{text}"\n' for user, text in enumerate(times))
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


# Two times of one user and movie, the later one first, and how many of them cannot be read.
COLUMNS = [
    (("31/12/2020 10:00", "01/01/2019 10:00"), 0),
    (("12/31/2020 10:00 PM", "12/31/2020 11:00 AM"), 0),
    (("12/31/2020 10:00", "12/01/2019"), 0),
    (("31.12.2020", "1.1.2019"), 0),
    (("02.01.2020", "01.02.2019"), 0),
    (("31-12-2020 10:00:00", "01-01-2019 10:00:00"), 0),
    (("01/02/98", "31/12/97"), 0),
    (("12/31/05", "01/12/04"), 0),
    (("02/01/20", "31/12/2019"), 0),
    (("20200201", "20200131"), 0),
    (("20200131235959", "20200131"), 0),
    (("Jan 2, 2020", "31 Dec 2019"), 0),
    (("2020-12-31", "someday"), 1),
    (("31/12/2020", "12/31/2019"), 2),  # days first, or months?
    (("01/02/2020", "02/01/2020"), 2),
    (("20/01/31", "19/12/01"), 2),  # years first, or days?
    (("01/02/20", "02/01/19"), 2),
]


@pytest.mark.parametrize(("times", "unreadable"), COLUMNS)
def test_dates_of_a_column(tmp_path: Path, times: tuple[str, str], unreadable: int) -> None:
    report, kept = latest(tmp_path, [(times[0], 5), (times[1], 1)])
    assert report.unreadable_times == unreadable
    told = [line for line in report.lines() if "whose time cannot be read" in line]
    assert len(told) == bool(unreadable)
    if unreadable:
        assert f"{unreadable} ratings whose time cannot be read" in told[0]
        assert f"(such as {times[unreadable % 2]!r})" in told[0]
    assert kept == (1.0 if unreadable else 5.0)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_an_unreadable_time_is_neither_earliest_nor_latest(tmp_path: Path, position: int) -> None:
    rows = [("2020-01-02", 5), ("2020-01-01", 4), ("", 3)]
    assert latest(tmp_path, rows)[1] == 5.0
    rows.insert(position, ("someday", 1))
    report, kept = latest(tmp_path, rows)
    assert kept == rows[-1][1] == 3.0
    assert report.unreadable_times == 1


def latest(folder: Path, rated: list[tuple[str, int]]) -> tuple[ImportReport, float]:
    """The report, and the rating kept of those that one user gave one movie at these times."""
    (folder / "movies.csv").write_text("movie,title\n1,One\n2,Two\n")
    rows = [f'1,1,{rating},"{time}"\n' for time, rating in rated]
    (folder / "ratings.csv").write_text("user,movie,rating,timestamp\n" + "".join(rows))
    source = from_files(folder / "ratings.csv", folder / "movies.csv")
    report = import_dataset(source, folder / "out").report
    (kept,) = np.load(folder / "out" / "history_ratings.npy").tolist()
    return report, kept


@pytest.mark.parametrize("form", [*NUMBERS.values(), *DATES])
def test_a_column_without_a_name_is_known_for_times(form: str | Callable[[int], str]) -> None:
    days = range(9_000, 18_000, 700)
    texts = [
        datetime.fromtimestamp(86_400 * day, UTC).strftime(form)
        if isinstance(form, str)
        else form(86_400 * day)
        for day in days
    ]
    assert looks_like_time(texts)
    assert not looks_like_time(["3.5", "1193", "tt0114709", "The Matrix", "2001", "1e3", ""])
