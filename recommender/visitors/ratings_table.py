"""A file of one person's ratings as rows, with cells by the part that their column plays."""

from __future__ import annotations

import codecs
import csv
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from recommender.core.column_names import (
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
    "original": ("originaltitle",),
    "year": YEAR,
    "imdb": ("const", *IMDB_ID),
    "kind": ("titletype", "type", "supplementalvideotype"),
    "mark": ("mark",),
}
# What exports of books have and those of movies do not.
_OF_BOOKS = {"bookid", "isbn", "isbn13", "isbnuid"}
# How archives begin, and the file of ratings in those of Letterboxd, movielens.org and Trakt.
ZIP, _ZIP_MEMBER = b"PK\x03\x04", b"PK\x01\x02"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
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
    if len(data) > limits.bytes:
        raise too_large(limits)
    try:
        text = data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig")
        if text.lstrip()[:1] in ("[", "{"):
            return _from_json(text, limits)
        return _from_text(text, limits)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ProfileError(
            f"the file is no CSV in UTF-8 ({error}); save it as CSV in UTF-8", "file_kind"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"the file is no JSON: {error}", "file_kind") from error


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


def split_rows(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Split lines into cells, which may be quoted unless the delimiter is "::".

    Raises:
        csv.Error: a quote is not closed.
    """
    if delimiter == "::":
        return (line.rstrip("\r\n").split("::") if line.strip() else [] for line in lines)
    return csv.reader(lines, delimiter=delimiter, strict=True)


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


def _from_text(text: str, limits: Limits) -> Table:
    lines = io.StringIO(text, newline="")
    delimiter = guess_delimiter(text.partition("\n")[0])
    rows = split_rows(lines, delimiter)
    names = next(rows, [])
    positions = _positions(names)
    return Table(
        frozenset(map(plain_name, names)),
        frozenset(positions),
        _cells(rows, len(names), positions, limits),
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
    rows: Iterator[list[str]], width: int, positions: dict[str, int], limits: Limits
) -> Iterator[tuple[int, dict[str, str]]]:
    """Blank rows are passed over."""
    line = 1
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
    records = json.loads(text)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError("it is no list of objects")
    if len(records) >= limits.rows:
        raise too_large(limits)
    nested = any(isinstance(record.get("movie"), dict) for record in records) or any(
        isinstance(record.get("show"), dict) for record in records
    )
    flat = [_flat(record) for record in records]
    names = list(dict.fromkeys(name for record in flat for name in record))
    positions = _positions(names)
    rows = (
        (number, {part: record.get(names[at], "") for part, at in positions.items()})
        for number, record in enumerate(flat, 1)
    )
    return Table(frozenset(map(plain_name, names)), frozenset(positions), rows, nested)


def _flat(record: dict[str, Any]) -> dict[str, str]:
    """A record with what Trakt has within ``movie`` (or ``show``) and ``ids`` beside the rest."""
    kind = next((name for name in ("movie", "show") if isinstance(record.get(name), dict)), None)
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
