import pytest

from memory_toolkit.measure.sizes import MB, format_bytes, parse_size


def test_bytes_are_written_in_mb() -> None:
    assert format_bytes(round(61.2 * MB)) == "61.2 MB"
    assert format_bytes(1536 * MB) == "1,536.0 MB"
    assert format_bytes(MB, signed=True) == "+1.0 MB"
    assert format_bytes(-MB, signed=True) == "-1.0 MB"


def test_next_to_nothing_has_no_sign() -> None:
    assert format_bytes(-1000, signed=True) == format_bytes(-1000) == "0.0 MB"
    assert format_bytes(1000, signed=True) == "0.0 MB"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("256M", 256 * MB),
        ("1G", 1024 * MB),
        ("1.5g", 1536 * MB),
        (" 512 MiB ", 512 * MB),
        ("64kb", 64 * 1024),
        ("2T", 2 * 1024**2 * MB),
        ("1048576", MB),
        ("1", 1),
    ],
)
def test_sizes_are_read(text: str, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize(
    "text", ["", "lots", "-1", "0", "0.1", "12Q", "1..5G", "M", "1e9", "1 2M", "9" * 400]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}: write a size such as 256M, 1.5G or bytes$"):
        parse_size(text)
