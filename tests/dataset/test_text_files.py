import gzip
from collections.abc import Callable
from encodings.aliases import aliases
from pathlib import Path

import pytest

from recommender.core.errors import DataError
from recommender.dataset.text_files import (
    MAX_LINE_LENGTH,
    BrokenRecordError,
    as_utf8,
    check_encoding,
    first_lines,
    read_records,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "text.csv"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy.txt"


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_utf8_is_read_where_it_is(path: Path, copy: Path, ending: bytes) -> None:
    path.write_bytes(ending.join(["\ufeffid,이름".encode(), b"1,a", b""]))
    assert as_utf8(path, None, None, copy) == path
    assert as_utf8(path, "UTF8", None, copy) == path
    assert not copy.exists()


def test_mixed_line_endings_become_one(path: Path, copy: Path) -> None:
    path.write_bytes(b"a,b\r\n1,2\n3,4\r5,6\r\n")
    assert as_utf8(path, None, None, copy) == copy
    assert copy.read_bytes() == b"a,b\n1,2\n3,4\n5,6\n"


@pytest.mark.parametrize("encoding", ["cp949", "euc-kr", "utf-16"])
def test_given_encoding(path: Path, copy: Path, encoding: str) -> None:
    path.write_text("1,기생충\n" * 300_000, encoding=encoding, newline="")
    assert as_utf8(path, encoding, None, copy) == copy
    assert copy.read_text(encoding="utf-8") == "1,기생충\n" * 300_000


def test_fallback_encoding(path: Path, copy: Path) -> None:
    path.write_text("1,Léon\n", encoding="latin-1")
    assert as_utf8(path, None, "latin-1", copy).read_text(encoding="utf-8") == "1,Léon\n"


def test_fallback_is_not_used_for_utf8(path: Path, copy: Path) -> None:
    path.write_text("1,Léon\n", encoding="utf-8")
    assert as_utf8(path, None, "latin-1", copy) == path


def test_not_utf8_names_the_line(path: Path, copy: Path) -> None:
    path.write_bytes(b"1,abc\n" * 400_000 + "2,기생충\n".encode("cp949"))
    with pytest.raises(DataError, match=r"text\.csv, line 400001: is not UTF-8; give --encoding"):
        as_utf8(path, None, None, copy)


def test_cut_off_character_names_the_line(path: Path, copy: Path) -> None:
    path.write_bytes(b"a\nb\n" + "é".encode()[:1])
    with pytest.raises(DataError, match="line 3: is not UTF-8"):
        as_utf8(path, None, None, copy)


def test_lines_of_any_ending_are_counted(path: Path, copy: Path) -> None:
    path.write_bytes(b"a\r\nb\rc\n\xff")
    with pytest.raises(DataError, match="line 4: is not UTF-8"):
        as_utf8(path, None, None, copy)


def test_a_line_may_be_long_but_not_without_end(path: Path, copy: Path) -> None:
    text = b"a,b\n" + b"x" * MAX_LINE_LENGTH
    path.write_bytes(text + b"\n" + b"y" * MAX_LINE_LENGTH)
    assert as_utf8(path, None, None, copy) == path
    path.write_bytes(text + b"x\n")
    with pytest.raises(DataError, match=r"csv, line 2 has more than 400,000 characters; is this"):
        as_utf8(path, None, None, copy)


def test_half_of_a_character_is_no_text(path: Path, copy: Path) -> None:
    path.write_bytes(rb"1,\ud800")
    with pytest.raises(DataError, match="line 1: is not unicode_escape; give another --encoding"):
        as_utf8(path, "unicode_escape", None, copy)


def test_any_encoding_is_read_or_refused(path: Path, copy: Path) -> None:
    path.write_bytes(b"a,b\n\xc3\xa9+ADw-\\ud800,\xff\n")
    refused = set()
    for encoding in {*aliases.values(), "idna", "undefined", "utf-8-sig"}:
        try:
            check_encoding(encoding)
            as_utf8(path, encoding, None, copy).read_text(encoding="utf-8")
        except DataError:
            refused.add(encoding)
    assert refused >= {"base64_codec", "undefined", "utf_8", "utf-8-sig", "utf_32"}
    assert not refused & {"latin_1", "cp1252", "cp437"}


def test_wrong_encoding_names_the_line(path: Path, copy: Path) -> None:
    path.write_bytes(b"a\nb\xff\xff\n")
    with pytest.raises(DataError, match="line 2: is not cp949; give another --encoding"):
        as_utf8(path, "cp949", None, copy)


@pytest.mark.parametrize("name", ["utf-99", "base64", ""])
def test_unknown_encoding(name: str) -> None:
    with pytest.raises(DataError, match=f"--encoding {name} is not a known text encoding"):
        check_encoding(name)


def test_gzip(tmp_path: Path, copy: Path) -> None:
    path = tmp_path / "text.csv.gz"
    path.write_bytes(gzip.compress("id,이름\n".encode()))
    assert as_utf8(path, None, None, copy) == path
    assert list(read_records(path, ",", True)) == [(1, ["id", "이름"])]


def test_gzip_is_known_by_its_content(path: Path, tmp_path: Path, copy: Path) -> None:
    path.write_bytes(gzip.compress(b"a,b\n"))
    assert as_utf8(path, None, None, copy) == path
    assert list(read_records(path, ",", True)) == [(1, ["a", "b"])]
    plain = tmp_path / "text.csv.gz"
    plain.write_text("a,b\n")
    assert list(read_records(as_utf8(plain, None, None, copy), ",", True)) == [(1, ["a", "b"])]


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:50] + b"\0" + b[51:]])
def test_damaged_gzip(tmp_path: Path, copy: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "text.csv.gz"
    path.write_bytes(damage(gzip.compress(bytes(range(32, 127)) * 100)))
    with pytest.raises(DataError, match=r"text\.csv\.gz cannot be read: .*is it whole\?"):
        as_utf8(path, None, None, copy)


def test_records_know_their_lines(path: Path) -> None:
    path.write_bytes('\ufeffa,b\n\n1,"x\ny ""z"""\n2,w\n'.encode())
    found = [(1, ["a", "b"]), (3, ["1", 'x\ny "z"']), (5, ["2", "w"])]
    assert list(read_records(path, ",", True)) == found


def test_records_with_long_fields(path: Path) -> None:
    path.write_text(f'1,"{"x" * 200_000}"\n2,y\n')
    assert [line for line, _ in read_records(path, ",", True)] == [1, 2]


def test_unquoted_records(path: Path) -> None:
    path.write_text('1::"a::b\n\n2::c:d::e\n')
    assert list(read_records(path, "::", False)) == [(1, ["1", '"a', "b"]), (3, ["2", "c:d", "e"])]


@pytest.mark.parametrize("text", ['1,2\n3,"4\n5,6\n', '1,2\n3,"4"x\n5,6\n'])
def test_broken_quotes(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(BrokenRecordError, match="2: a quote is not closed"):
        list(read_records(path, ",", True))


def test_first_lines(path: Path) -> None:
    path.write_bytes("\ufeff\n \na,b\r\n1,2\n3,4\n".encode())
    assert first_lines(path, 2) == ["a,b", "1,2"]
