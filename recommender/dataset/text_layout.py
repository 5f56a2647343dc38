"""The layout of a text file, by what its first lines show: delimiter, header, and columns."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from recommender.core.column_names import is_typed, plain_name
from recommender.core.errors import DataError, one_line
from recommender.core.rating_words import read_ratings
from recommender.dataset.columns import (
    COLUMN_NAMES,
    REQUIRED_COLUMNS,
    Kind,
    find_columns,
    match_columns,
    matrix_advice,
)
from recommender.dataset.lists import NULL_WORDS
from recommender.dataset.sources import GENRE_FLAG, GENRES_100K, TableFile
from recommender.dataset.text_files import BrokenRecordError, header_delimiter
from recommender.dataset.times import looks_like_time

# Records from the start of a file that are looked at where it has no header.
_SAMPLE = 100
_DELIMITERS = ("\t\t", "\t", ",", ";", "|", " ")
_MIN_ID_COLUMNS = 2
_HIGHEST_RATING = 100.0
_YEAR = re.compile(r"((18|19|20)\d\d(\.0)?)?|NULL")
# A name in a header whose names have spaces between them, which text has, too.
_WORD = re.compile(r"[\w:.#/-]+")
_BRACKET = re.compile(r"[(\[{<]")  # an id has none, but statements in SQL and lists have
_CODE = re.compile(r"\S*\d\S*")  # an id that is no name of a column: it has a digit
# Records of a file for a delimiter and quoting: their lines and fields.
Records = Callable[[str, bool], Iterator[tuple[int, list[str]]]]


@dataclass(frozen=True)
class TextLayout:
    """TextLayout says how to read a text file.

    Attributes:
        delimiter: between the fields of a line.
        quoted: whether fields may stand in double quotes.
        columns: names of the columns; "" for one of no name.
        header: whether these stand in the first record.
        line: the line of the first record.
    """

    delimiter: str
    quoted: bool
    columns: tuple[str, ...]
    header: bool
    line: int


def find_text_layout(place: str, file: TableFile, first_line: str, records: Records) -> TextLayout:
    """Find the layout of `file`: by its header, or by the content where it has none.

    Args:
        place: where the file is, for messages.
        first_line: the first that is not blank.
        records: reads the file from its start; see `text_files.read_records`.

    Raises:
        DataError: there is no record, or no layout that has the columns it needs.
    """
    usual = header_delimiter(first_line)
    by_header = sorted(
        (one for one in _DELIMITERS if one in first_line),
        key=lambda one: (len(one) == 1, one != usual),
    )
    candidates = [file.delimiter] if file.delimiter else [*by_header, *([] if by_header else ",")]
    broken: BrokenRecordError | None = None
    found: list[TextLayout] = []
    for delimiter in candidates:
        quoted = file.quoted and len(delimiter) == 1
        if delimiter == "\t" and _is_unquoted_header(first_line):
            quoted = False
        try:
            line, fields = next(records(delimiter, quoted))
        except StopIteration:
            raise DataError(f"{place} is empty; check {file.option}") from None
        except BrokenRecordError as error:
            broken = broken or error
            continue
        layout = TextLayout(delimiter, quoted, tuple(fields), True, line)
        named = delimiter != " " or all(map(_WORD.fullmatch, fields))
        if named and match_columns(file.kind, fields).keys() >= set(REQUIRED_COLUMNS[file.kind]):
            return layout
        found.append(layout)
    for layout in found:
        sample = _sample(records, layout)
        names = _fixed_names(file, layout) or _names_by_content(file.kind, sample) or file.columns
        if names:
            return TextLayout(layout.delimiter, layout.quoted, names, False, layout.line)
    if not found:
        raise DataError(f"{place}, line {broken}; mend the line")
    first = found[0].columns
    if file.columns or any(_CODE.fullmatch(field.strip()) for field in first):
        _refuse_without_header(place, file, first)
    find_columns(place, file.kind, first)
    return found[0]


def _refuse_without_header(place: str, file: TableFile, first: Sequence[str]) -> None:
    needed = ", ".join(REQUIRED_COLUMNS[file.kind])
    shown = one_line(", ".join(first), 100)
    raise DataError(
        f"{place} has no header that names {needed}, and its columns cannot be told from its first "
        f"line ({shown}); add a first line with the names, or check {file.option}"
        f"{matrix_advice(file.kind, first)}"
    )


def _is_unquoted_header(line: str) -> bool:
    """Return whether the header is of a kind of file that never quotes: RecBole's and IMDb's."""
    names = line.split("\t")
    return "tconst" in map(plain_name, names) or all(map(is_typed, names))


def _sample(records: Records, layout: TextLayout) -> list[list[str]]:
    sample: list[list[str]] = []
    try:
        for _, fields in itertools.islice(records(layout.delimiter, layout.quoted), _SAMPLE):
            sample.append([field.strip() for field in fields])
    except BrokenRecordError:  # said with its line when the whole file is read
        pass
    return sample


def _fixed_names(file: TableFile, layout: TextLayout) -> tuple[str, ...] | None:
    """The columns that a format such as ``.dat`` always has, as many as there are; None if more."""
    if file.columns is None:
        return None
    width, needed = len(layout.columns), len(REQUIRED_COLUMNS[file.kind])
    return file.columns[:width] if needed <= width <= len(file.columns) else None


def _names_by_content(kind: Kind, sample: list[list[str]]) -> tuple[str, ...] | None:
    width = len(sample[0])
    rows = [row for row in sample if len(row) == width]
    if 2 * len(rows) < len(sample):
        return None
    columns = [[row[position] for row in rows] for position in range(width)]
    if kind == "ratings":
        return _ratings_names(columns)
    if kind == "movies":
        return _movies_names(columns)
    if kind == "tags" and width in (3, 4) and _CODE.fullmatch(columns[1][0]):
        return ("user_id", "movie_id", "tag", "timestamp")[:width]
    return None


def _ratings_names(columns: list[list[str]]) -> tuple[str, ...] | None:
    """User, movie, rating, and perhaps the time: in this order unless the content says another.

    None where the first row names a column, or several columns may be the ratings.
    """
    names = {name for known in COLUMN_NAMES["ratings"].values() for name in known if len(name) > 1}
    if any(plain_name(values[0]) in names for values in columns):
        return None
    times = [position for position, values in enumerate(columns) if looks_like_time(values)]
    # Large ids look like times, too; those stand behind them.
    times = times[max(0, len(times) + _MIN_ID_COLUMNS + 1 - len(columns)) :]
    others = [position for position in range(len(columns)) if position not in times]
    if len(others) > _MIN_ID_COLUMNS + 1 and _counts_up(columns[others[0]]):
        del others[0]
    rated = [position for position in others[_MIN_ID_COLUMNS:] if _are_ratings(columns[position])]
    ids = (value for position in others[:_MIN_ID_COLUMNS] for value in columns[position])
    if len(rated) != 1 or any(map(_BRACKET.search, ids)):
        return None
    named = {others[0]: "user_id", others[1]: "movie_id", rated[0]: "rating"}
    if times:
        named[times[-1]] = "timestamp"
    return tuple(named.get(position, "") for position in range(len(columns)))


def _movies_names(columns: list[list[str]]) -> tuple[str, ...] | None:
    """Id, then title and genres; ``u.item``'s flags; the year where there is a column of years."""
    if not all(map(_CODE.fullmatch, columns[0])) or len(set(columns[0])) < len(columns[0]):
        return None
    flags = len(GENRES_100K)
    if len(columns) > flags and all(set(values) <= {"0", "1"} for values in columns[-flags:]):
        texts, names = columns[:-flags], tuple(GENRE_FLAG + genre for genre in GENRES_100K)
        return ("movie_id", "title", *[""] * (len(texts) - 2), *names)
    positions = range(1, len(columns))
    dated = [p for p in positions if looks_like_time(columns[p])]
    years = [p for p in positions if all(map(_YEAR.fullmatch, columns[p])) and any(columns[p])]
    years += dated
    worded = [p for p in positions if 2 * sum(map(_has_letter, columns[p])) > len(columns[p])]
    worded = [p for p in worded if p not in dated]
    if not worded:
        return None
    named = {0: "movie_id", worded[0]: "title"}
    if years:
        named[years[0]] = "year"
    lists = [p for p in worded[1:] if any("|" in text for text in columns[p])]
    if lists or len(worded) == 2:
        named[(lists or worded[1:])[0]] = "genres"
    return tuple(named.get(position, "") for position in range(len(columns)))


def _has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))


def _counts_up(values: list[str]) -> bool:
    """Return whether these are the numbers of rows."""
    if not all(value.isascii() and value.isdigit() for value in values):
        return False
    first = int(values[0])
    return len(values) > 1 and [*map(int, values)] == [*range(first, first + len(values))]


def _are_ratings(values: list[str]) -> bool:
    """Return whether most values are there, and all of these are ratings: numbers that are not too
    large, or signs or words (`rating_words`)."""
    rated = [value for value in values if value.lower() not in NULL_WORDS]
    if not rated or 2 * len(rated) < len(values):
        return False
    try:
        return all(abs(float(value)) <= _HIGHEST_RATING for value in rated)
    except ValueError:
        return read_ratings(rated) is not None
