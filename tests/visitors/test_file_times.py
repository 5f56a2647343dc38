import pytest

from recommender.visitors.file_times import read_times

NOW = 1_800_000_000
JANUARY_2 = 1704153600


@pytest.mark.parametrize(
    "text",
    [
        *("1704153600", "1704153600.0", "1704153600000", "1704153600000000", "2024-01-02"),
        *("2024/1/2", "2024-01-02T00:00:00Z", "2024-01-02 00:00:00 UTC", "2024-01-02 01:00+01:00"),
        *("2024-01-02T00:00:00.000Z", "2.1.2024", "02.01.24", "2 Jan 2024", "January 2, 2024"),
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
