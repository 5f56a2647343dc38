import gzip
from pathlib import Path

import pytest

from recommender.dataset.textfiles import (
    BrokenRecordError,
    check_encoding,
    guess_delimiter,
    readable,
    records,
)
from recommender.errors import DataError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "text.csv"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy.txt"


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_utf8_is_read_where_it_is(path: Path, copy: Path, ending: bytes) -> None:
    path.write_bytes(ending.join(["\ufeffid,이름".encode(), b"1,a", b""]))
    assert readable(path, None, None, copy) == path
    assert readable(path, "UTF8", None, copy) == path
    assert not copy.exists()


def test_mixed_line_endings_become_one(path: Path, copy: Path) -> None:
    path.write_bytes(b"a,b\r\n1,2\n3,4\r5,6\r\n")
    assert readable(path, None, None, copy) == copy
    assert copy.read_bytes() == b"a,b\n1,2\n3,4\n5,6\n"


@pytest.mark.parametrize("encoding", ["cp949", "euc-kr", "utf-16"])
def test_given_encoding(path: Path, copy: Path, encoding: str) -> None:
    path.write_text("1,기생충\n" * 300_000, encoding=encoding, newline="")
    assert readable(path, encoding, None, copy) == copy
    assert copy.read_text(encoding="utf-8") == "1,기생충\n" * 300_000


def test_fallback_encoding(path: Path, copy: Path) -> None:
    path.write_text("1,Léon\n", encoding="latin-1")
    assert readable(path, None, "latin-1", copy).read_text(encoding="utf-8") == "1,Léon\n"


def test_fallback_is_not_used_for_utf8(path: Path, copy: Path) -> None:
    path.write_text("1,Léon\n", encoding="utf-8")
    assert readable(path, None, "latin-1", copy) == path


def test_not_utf8_names_the_line(path: Path, copy: Path) -> None:
    path.write_bytes(b"1,abc\n" * 400_000 + "2,기생충\n".encode("cp949"))
    with pytest.raises(DataError, match=r"text\.csv, line 400001: is not UTF-8; give --encoding"):
        readable(path, None, None, copy)


def test_cut_off_character_names_the_line(path: Path, copy: Path) -> None:
    path.write_bytes(b"a\nb\n" + "é".encode()[:1])
    with pytest.raises(DataError, match="line 3: is not UTF-8"):
        readable(path, None, None, copy)


def test_wrong_encoding_names_the_line(path: Path, copy: Path) -> None:
    path.write_bytes(b"a\nb\xff\xff\n")
    with pytest.raises(DataError, match="line 2: is not cp949; give another --encoding"):
        readable(path, "cp949", None, copy)


@pytest.mark.parametrize("name", ["utf-99", "base64", ""])
def test_unknown_encoding(name: str) -> None:
    with pytest.raises(DataError, match=f"--encoding {name} is not a known text encoding"):
        check_encoding(name)


def test_gzip(tmp_path: Path, copy: Path) -> None:
    path = tmp_path / "text.csv.gz"
    path.write_bytes(gzip.compress("id,이름\n".encode()))
    assert readable(path, None, None, copy) == path
    assert list(records(path, ",", True)) == [(1, ["id", "이름"])]


@pytest.mark.parametrize("keep", [0.5, 0])
def test_damaged_gzip(tmp_path: Path, copy: Path, keep: float) -> None:
    path = tmp_path / "text.csv.gz"
    data = gzip.compress(bytes(range(32, 127)) * 100)
    path.write_bytes(data[: int(len(data) * keep)] or b"no gzip")
    with pytest.raises(DataError, match=r"text\.csv\.gz cannot be read: .*is it whole\?"):
        readable(path, None, None, copy)


def test_records_know_their_lines(path: Path) -> None:
    path.write_bytes('\ufeffa,b\n\n1,"x\ny ""z"""\n2,w\n'.encode())
    found = [(1, ["a", "b"]), (3, ["1", 'x\ny "z"']), (5, ["2", "w"])]
    assert list(records(path, ",", True)) == found


def test_unquoted_records(path: Path) -> None:
    path.write_text('1::"a::b\n\n2::c:d::e\n')
    assert list(records(path, "::", False)) == [(1, ["1", '"a', "b"]), (3, ["2", "c:d", "e"])]


@pytest.mark.parametrize("text", ['1,2\n3,"4\n5,6\n', '1,2\n3,"4"x\n5,6\n'])
def test_broken_quotes(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(BrokenRecordError, match="2: a quote is not closed"):
        list(records(path, ",", True))


@pytest.mark.parametrize(
    ("header", "delimiter"), [("a,b;c,d", ","), ("\n\na;b", ";"), ("a\tb", "\t"), ("abc", ",")]
)
def test_guess_delimiter(path: Path, header: str, delimiter: str) -> None:
    path.write_text(header + "\n1|2|3|4|5\n")
    assert guess_delimiter(path) == delimiter
