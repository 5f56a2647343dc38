from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from recommender.visitors.file_times import read_times
from tests.dataset.spellings import DATES, NUMBERS

NOW = 1_800_000_000
JANUARY_2 = 1704153600


@pytest.mark.parametrize(
    "text",
    [
        *("1704153600", "1704153600.0", "1704153600000", "1704153600000000", "2024-01-02"),
        *("2024/1/2", "2024-01-02T00:00:00Z", "2024-01-02 00:00:00 UTC", "2024-01-02 01:00+01:00"),
        *("2024-01-02T00:00:00.000Z", "2.1.2024", "2 Jan 2024", "January 2, 2024"),
        *("2024. 1. 2.", "2024년 1월 2일", "2024年1月2日"),
    ],
)
def test_one_moment_in_any_form(text: str) -> None:
    assert read_times([text], NOW) == [JANUARY_2]


def test_the_file_tells_which_number_is_the_month() -> None:
    assert read_times(["1/2/24", "1/31/24"], NOW)[0] == JANUARY_2
    assert read_times(["02/01/2024", "31/12/2023 10:00"], NOW)[0] == JANUARY_2
    assert read_times(["1/2/24", "1/3/24"], NOW) == [None, None]
    assert read_times(["1/31/24", "31/1/24", "1/2/24"], NOW) == [None] * 3


def test_what_is_no_time_is_none_and_none_is_outside() -> None:
    assert read_times(["", "never", "inf", "2024-02-31", "31.2.2024"], NOW) == [None] * 5
    assert read_times(["-5", "2100-01-01"], NOW) == [0, NOW]


def test_a_short_year_is_known_by_the_file_as_a_whole() -> None:
    assert read_times(["02.01.24"], NOW) == [None]
    assert read_times(["02.01.24", "31.12.98"], NOW) == [JANUARY_2, 915062400]


@pytest.mark.parametrize("form", [*NUMBERS.values(), *DATES])
def test_every_form_that_the_importer_reads(form: str | Callable[[int], str]) -> None:
    times = [JANUARY_2 - 31 * day * 86_400 for day in range(20)]
    texts = [
        datetime.fromtimestamp(time, UTC).strftime(form) if isinstance(form, str) else form(time)
        for time in times
    ]
    assert read_times(texts, NOW) == times
