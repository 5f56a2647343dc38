import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.core.errors import DataError, MatineeError, ProfileError, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("기생충: 4 of 5", "기생충: 4 of 5"),
        ("a\nb\r\x1b[2J\u2028", r"a\nb\r\x1b[2J\u2028"),
        ("\udcff.csv", r"\udcff.csv"),
        ("12345678901", "12345 … 78901"),
    ],
)
def test_one_line(text: str, shown: str) -> None:
    assert one_line(text, 10 if text.isdigit() else 100) == shown


@given(st.text(max_size=3_000))
def test_a_message_is_one_line_whatever_it_quotes(text: str) -> None:
    for error in (MatineeError(text), DataError(text), ProfileError(text, "storage")):
        assert str(error).isprintable()
        str(error).encode()
