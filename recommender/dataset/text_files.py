"""Text files that DuckDB can read, and the line of a file that is to blame."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from recommender.core.column_names import EXCEL_SEPARATOR
from recommender.core.errors import DataError
from recommender.dataset.archives import is_compressed, is_gzip, open_bytes, reading

# Characters in a line; DuckDB's own limit is 2 MB.
MAX_LINE_LENGTH = 400_000
_CHUNK = 1 << 18
NOT_UTF_8 = "is not UTF-8; give --encoding (cp949, latin-1, …)"


class BrokenRecordError(Exception):
    """BrokenRecordError: a record cannot be split into fields; the message starts with its line."""


def check_encoding(name: str) -> None:
    """Check that Python knows the text encoding `name`.

    Raises:
        DataError: it does not.
    """
    try:
        with contextlib.suppress(UnicodeError):  # known, but one byte is not text in it
            b"a".decode(name)
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError):
        raise DataError(
            f"--encoding {name} is not a known text encoding; try cp949, latin-1 or utf-8"
        ) from None


def as_utf8(
    path: Path,
    encoding: str | None,
    fallback: str | None,
    copy: Path,
    member: str | None = None,
    in_lines: bool = True,
) -> Path:
    """Return `path` itself if it is UTF-8 with one kind of line ending, else a copy that is.

    Goes through the file once, or twice if it needs the copy; memory: a few chunks of 256 KB.
    Of what is compressed only gzip needs no copy.

    Args:
        encoding: what the file is in; None: UTF-8.
        fallback: what it is in if it turns out not to be UTF-8; None: that is an error.
        copy: where to write the copy.
        member: of the archive that `path` is.
        in_lines: whether each row has a line, which may not be too long then.

    Raises:
        DataError: the file does not decode, or has a line too long; names the line.
    """
    place = path if member is None else path / member
    decoder = _decoder(encoding or "utf-8")
    line, length = 1, 0
    try:
        for text in _decoded(path, member, decoder):
            text.encode()  # a codec of Python's own may give halves of characters
            if encoding is None and (line, length) == (1, 0) and "\0" in text[:2]:
                raise DataError(
                    f"{place} is UTF-16 without a mark of its byte order; give --encoding "
                    f"utf-16-{'be' if text.startswith(chr(0)) else 'le'}"
                )
            length += len(text) if (end := text.find("\n")) < 0 else end
            if in_lines and length > MAX_LINE_LENGTH:
                raise DataError(
                    f"{place}, line {line} has more than {MAX_LINE_LENGTH:,} characters; "
                    "is this text with a row in each line?"
                )
            if end >= 0:
                line += text.count("\n")
                length = len(text) - text.rindex("\n") - 1
    except UnicodeError as error:
        if encoding is None and fallback is not None:
            return as_utf8(path, fallback, None, copy, member, in_lines)
        if isinstance(error, UnicodeDecodeError):
            line += len(re.findall(rb"\r\n?|\n", error.object[: error.start]))
        advice = NOT_UTF_8 if encoding is None else f"is not {encoding}; give another --encoding"
        raise DataError(f"{place}, line {line}: {advice}") from None
    # DuckDB's strict reader takes any line ending, but only one in a file.
    one_ending = not isinstance(decoder.newlines, tuple)
    utf8 = codecs.lookup(encoding or "utf-8").name in ("utf-8", "utf-8-sig")
    if one_ending and utf8 and member is None and (is_gzip(path) or not is_compressed(path)):
        return path
    with copy.open("w", encoding="utf-8", newline="") as out:
        out.writelines(_decoded(path, member, _decoder(encoding or "utf-8")))
    return copy


def read_records(path: Path, delimiter: str, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the fields of each record; skip blank lines.

    Args:
        path: a file from `as_utf8`.

    Raises:
        BrokenRecordError: a quote is never closed, or text follows a closing one.
    """
    csv.field_size_limit(MAX_LINE_LENGTH)  # where a quote is never closed, the rest is one field
    with open_bytes(path) as binary:
        file = io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")
        if not quoted:
            for line, text in enumerate(file, 1):
                text = text.rstrip("\r\n")
                if text and not (line == 1 and EXCEL_SEPARATOR.fullmatch(text)):
                    yield line, text.split(delimiter)
            return
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        line = 1
        try:
            for fields in reader:
                if fields and not (line == 1 and EXCEL_SEPARATOR.fullmatch(delimiter.join(fields))):
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error:
            raise BrokenRecordError(f"{line}: a quote is not closed or not doubled") from None


def raw_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file from `as_utf8`, with their endings as they are."""
    with open_bytes(path) as file:
        yield from io.TextIOWrapper(file, encoding="utf-8-sig", newline="")


def first_lines(path: Path, count: int) -> list[str]:
    """Return the first lines of a file from `as_utf8`, without blank ones and Excel's own."""
    lines = (line.rstrip("\r\n") for line in raw_lines(path))
    found = list(itertools.islice(filter(str.strip, lines), count + 1))
    return found[1:] if found and EXCEL_SEPARATOR.fullmatch(found[0]) else found[:count]


def header_delimiter(header: str) -> str:
    """Return which of comma, semicolon, tab and bar the line `header` has most of; else a comma."""
    return max(",;\t|", key=header.count)


def _decoder(encoding: str) -> io.IncrementalNewlineDecoder:
    decoder = codecs.getincrementaldecoder(encoding)()
    return io.IncrementalNewlineDecoder(decoder, translate=True)


def _decoded(
    path: Path, member: str | None, decoder: io.IncrementalNewlineDecoder
) -> Iterator[str]:
    place = path if member is None else path / member
    with reading(place), open_bytes(path, member) as file:
        while True:
            chunk = file.read(_CHUNK)
            yield decoder.decode(chunk, final=not chunk)
            if not chunk:
                return
