"""A file of one person's ratings as rows, with cells by the part that their column plays."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from recommender.core.column_names import (
    EXCEL_SEPARATOR,
    IMDB_ID,
    MOVIE_ID,
    RATING,
    TIME,
    TITLE,
    USER_ID,
    YEAR,
    plain_name,
)
from recommender.core.errors import ProfileError

_SHOWN_CHARACTERS = 60
DELIMITERS = ("::", ",", ";", "\t", "|")
# What a column may be called, best name first; compared by `plain_name`. The names that exports of
# one person's ratings prefer stand first.
COLUMNS: dict[str, tuple[str, ...]] = {
    "user": USER_ID,
    "movie": MOVIE_ID,
    "rating": ("yourrating", "yourated", "userrating", "myrating", "rating10", *RATING),
    "time": (
        *("watcheddate", "daterated", "ratedat", "timestamp", "time", "created", "starttime"),
        *("lastwatchedat", "watchedat", *TIME),
    ),
    "title": ("title", "name", *TITLE),
    "original": ("originaltitle", "оригинальноеназвание"),
    "year": YEAR,
    "imdb": ("const", *IMDB_ID),
    "kind": ("titletype", "type", "supplementalvideotype"),
    "mark": ("mark",),
}
# What exports of books have and those of movies do not.
_OF_BOOKS = {"bookid", "isbn", "isbn13", "isbnuid"}
# How archives begin, and the file of ratings in those of Letterboxd, movielens.org and Trakt.
ZIP, _ZIP_MEMBER = b"PK\x03\x04", b"PK\x01\x02"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
GZIP = b"\x1f\x8b"
# Objects within those of a list, and what Trakt has beside them.
_NESTED = ("movie", "show", "film")
_TRAKT_TIMES = ("rated_at", "watched_at", "last_watched_at")
_MAX_MEMBERS = 5_000
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP_FAILURES = (EOFError, OSError, ValueError, KeyError, RuntimeError)  # also a password
_ARCHIVED = ("ratings.csv", "movielens-ratings.csv", "ratings-movies.json", "ratings.json")


@dataclass(frozen=True)
class Limits:
    """The largest file that is read: its bytes and rows."""

    bytes: int
    rows: int


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    Attributes:
        names: the plain names of its columns.
        parts: the parts of `COLUMNS` that it has.
        rows: number, as a spreadsheet counts, and cells by part; read as they are asked for.
        nested: whether it is JSON with the movie in an object of its own, as Trakt writes it.
    """

    names: frozenset[str]
    parts: frozenset[str]
    rows: Iterator[tuple[int, dict[str, str]]]
    nested: bool = False


def read_table(data: bytes, limits: Limits) -> Table:
    """Read a CSV file, with any of `DELIMITERS`, or JSON: a list of objects.

    Of a ZIP archive, such as Letterboxd's export, the file of ratings is read (`_ARCHIVED`).

    Raises:
        ProfileError: it is too large, neither of the two, or an export of books; while the rows are
            read also that a row has too few or too many cells.
    """
    if data.startswith(ZIP):
        data = _unpacked(data, limits)
    elif data.startswith(GZIP):
        data = _ungzipped(data, limits)
    if len(data) > limits.bytes:
        raise too_large(limits)
    try:
        text = data.decode(_encoding(data)).lstrip("\ufeff")
        if text.lstrip()[:1] in ("[", "{"):
            return _from_json(text, limits)
        return _from_text(text, limits)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ProfileError(
            f"the file is no CSV in UTF-8 ({error}); save it as CSV in UTF-8", "file_kind"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"the file is no JSON: {error}", "file_kind") from error


def _encoding(data: bytes) -> str:
    if data.startswith(UTF_16):
        return "utf-16"
    # Text does not begin with NUL, but as half of a letter in UTF-16.
    return {b"\0": "utf-16-be"}.get(data[:1]) or ("utf-16-le" if data[1:2] == b"\0" else "utf-8")


def match_columns(names: list[str]) -> dict[str, int]:
    """Map each part of `COLUMNS` that `names` has to the position of its column."""
    plain = [plain_name(name) for name in names]
    best = {
        part: next((plain.index(name) for name in known if name in plain), None)
        for part, known in COLUMNS.items()
    }
    return {part: position for part, position in best.items() if position is not None}


def guess_delimiter(head: str) -> str:
    """Return the delimiter of the first line `head`: the most frequent one, "::" before others."""
    return "::" if "::" in head else max(DELIMITERS[1:], key=head.count)


def split_rows(lines: Iterable[str]) -> tuple[list[str], Iterator[list[str]], int]:
    """Split lines into cells, which may be quoted unless the delimiter is "::".

    Blank lines before the names are passed over, and one by which Excel knows the delimiter
    (``sep=;``). A cell such as ``="007"``, a number as text, has its text.

    Returns:
        The names of the columns, the rows below, and the line of the names, from 1.

    Raises:
        csv.Error: a quote is not closed.
    """
    delimiter, head, above = None, "", 0
    lines = iter(lines)
    for head in lines:
        if found := EXCEL_SEPARATOR.fullmatch(head):
            delimiter = found[1]
        elif head.strip():
            break
        above += 1
    delimiter = delimiter if delimiter and delimiter in head else guess_delimiter(head)
    lines = itertools.chain([head], lines)
    if delimiter == "::":
        rows = (line.rstrip("\r\n").split("::") if line.strip() else [] for line in lines)
    else:
        rows = (
            list(map(_cell, row)) for row in csv.reader(lines, delimiter=delimiter, strict=True)
        )
    return next(rows, []), rows, above + 1


def _cell(text: str) -> str:
    formula = text.startswith('="') and text.endswith('"')
    return text[len('="') : -1] if formula else text


def too_large(limits: Limits) -> ProfileError:
    """Return the error for a file beyond the limits."""
    megabytes = f"{limits.bytes / 2**20:g}"
    return ProfileError(
        f"the file has more than {megabytes} MB or {limits.rows} rows; give one person's ratings",
        "file_size",
        size=megabytes,
        rows=limits.rows,
    )


def wrong_row(line: int, text: str, column: str) -> ProfileError:
    """Return the error for a cell that cannot be used."""
    message = f"row {line}: {column} is {short(text)}; mend the row"
    return ProfileError(message, "file_row", row=line, value=short(text))


def short(text: str) -> str:
    """Return the beginning of a cell, in one line."""
    return " ".join(text.split())[:_SHOWN_CHARACTERS]


def _unpacked(data: bytes, limits: Limits) -> bytes:
    """Return the file of ratings in an archive, no more of it than shows that it is too large.

    Raises:
        ProfileError: there is none, or it cannot be read.
    """
    try:
        if data.count(_ZIP_MEMBER) > _MAX_MEMBERS:
            raise ValueError("too many members")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # Other methods take the memory that the file asks for.
            by_depth = sorted(
                (info for info in archive.infolist() if info.compress_type in _ZIP_METHODS),
                key=lambda info: info.filename.count("/"),
            )
            found = next(
                info
                for name in _ARCHIVED
                for info in by_depth
                if PurePosixPath(info.filename).name == name
            )
            with archive.open(found) as file:
                return file.read(limits.bytes + 1)
    except (StopIteration, zipfile.BadZipFile, zlib.error, *_ZIP_FAILURES) as error:
        raise ProfileError(
            f"the file is a ZIP archive without {_ARCHIVED[0]} that can be read, or a spreadsheet; "
            "unpack it, or save it as CSV",
            "file_zip",
        ) from error


def _ungzipped(data: bytes, limits: Limits) -> bytes:
    """Return what is compressed in gzip, no more of it than shows that it is too large.

    Raises:
        ProfileError: it cannot be read.
    """
    try:
        with gzip.open(io.BytesIO(data)) as file:
            return file.read(limits.bytes + 1)
    except (zlib.error, *_ZIP_FAILURES) as error:
        raise ProfileError(f"the file is damaged ({error}); get it again", "file_kind") from error


def _from_text(text: str, limits: Limits) -> Table:
    names, rows, line = split_rows(io.StringIO(text, newline=""))
    positions = _positions(names)
    if not positions and any(cell.strip()[:1].isdigit() for cell in names):
        raise ProfileError(
            f"line {line} has no names of columns, but {short(', '.join(names))}; put a first line "
            "above it with the names, such as movieId,rating or title,year,rating",
            "file_columns",
        )
    return Table(
        frozenset(map(plain_name, names)),
        frozenset(positions),
        _cells(rows, len(names), positions, limits, line),
    )


def _positions(names: list[str]) -> dict[str, int]:
    plain = set(map(plain_name, names))
    if plain & _OF_BOOKS:
        raise ProfileError(
            "the file is an export of books, as of Goodreads; this catalogue has movies",
            "file_books",
        )
    return match_columns(names)


def _cells(
    rows: Iterator[list[str]], width: int, positions: dict[str, int], limits: Limits, line: int
) -> Iterator[tuple[int, dict[str, str]]]:
    """Blank rows are passed over; `line` is that of the names."""
    while True:
        line += 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise ProfileError(f"row {line}: no CSV ({error})", "file_kind") from error
        if row is None:
            return
        if line > limits.rows:
            raise too_large(limits)
        if row and len(row) != width:
            raise ProfileError(
                f"row {line}: {len(row)} cells under {width} columns; mend the row",
                "file_row",
                row=line,
                value=short(",".join(row)),
            )
        if row:
            yield line, {part: row[position] for part, position in positions.items()}


def _from_json(text: str, limits: Limits) -> Table:
    records = _records(text)
    if len(records) >= limits.rows:
        raise too_large(limits)
    nested = any(
        isinstance(movie, dict) and ("ids" in movie or not record.keys().isdisjoint(_TRAKT_TIMES))
        for record in records
        for movie in map(record.get, _NESTED)
    )
    flat = [_flat(record) for record in records]
    names = list(dict.fromkeys(name for record in flat for name in record))
    positions = _positions(names)
    rows = (
        (number, {part: record.get(names[at], "") for part, at in positions.items()})
        for number, record in enumerate(flat, 1)
    )
    return Table(frozenset(map(plain_name, names)), frozenset(positions), rows, nested)


def _records(text: str) -> list[dict[str, Any]]:
    """The objects of a list, of an object's lists, or one a line; or numbers by id.

    Raises:
        ValueError: it is no JSON, or holds something else.
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        lines = text.splitlines()
        if len(lines) < 2 or not error.msg.startswith("Extra data"):
            raise
        found = [_object(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    single = isinstance(found, dict) and match_columns(
        [name for name, value in found.items() if not isinstance(value, list)]
    )
    if isinstance(found, dict) and not single:
        lists = [value for value in found.values() if isinstance(value, list)]
        if lists:
            found = list(itertools.chain(*lists))
        elif all(isinstance(value, int | float) for value in found.values()):
            found = [{"movieId": movie, "rating": stars} for movie, stars in found.items()]
    records = [found] if isinstance(found, dict) else found
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError("it is no list of objects")
    return records


def _object(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


def _flat(record: dict[str, Any]) -> dict[str, str]:
    """A record with what Trakt has within one of `_NESTED` and within ``ids`` beside the rest."""
    kind = next((name for name in _NESTED if isinstance(record.get(name), dict)), None)
    movie = record[kind] if kind else {}
    ids = movie.get("ids")
    every = {
        **{name: value for name, value in movie.items() if name in ("title", "year")},
        **({"imdb": ids.get("imdb")} if isinstance(ids, dict) else {}),
        **({"type": kind} if kind else {}),
        **record,
    }
    return {
        str(name): "" if value is None else str(value).encode("utf-8", "replace").decode()
        for name, value in every.items()
        if not isinstance(value, dict | list)
    }
