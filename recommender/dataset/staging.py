"""One input file as a table of text columns in DuckDB, and where in the file a row stands."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from recommender.core.errors import DataError, one_line
from recommender.core.progress import Progress, no_progress
from recommender.core.records import FLOAT_ID
from recommender.dataset.broken_rows import MAX_SHOWN, BrokenRows, copy_whole_rows, field_problem
from recommender.dataset.database import count_rows, fetch_row, run_query
from recommender.dataset.sources import (
    COLUMN_NAMES,
    GENRE_FLAG,
    PARQUET,
    REQUIRED_COLUMNS,
    Kind,
    TableFile,
    match_columns,
)
from recommender.dataset.text_files import (
    BrokenRecordError,
    as_utf8,
    guess_delimiter,
    is_gzip,
    read_records,
)

# A quarter of DuckDB's default, to fit a small memory limit; records may have up to 2 MB.
_CSV_BUFFER = 8 << 20
_MAX_COLUMNS = 1000
# Bytes of what stands at the end of a Parquet file about its columns and row groups; DuckDB takes
# up to 100 times as much to read a file of many small row groups.
_MAX_FOOTER_BYTES = 2 << 20
# How many characters are kept of a text, so that a batch of movies fits in memory.
_MAX_CHARACTERS = {
    "title": 500,
    "plot": 4_000,
    "genres": 1_000,
    "tags": 1_000,
    "cast": 1_000,
    "tag": 200,
    "country": 100,
    "year": 100,
    "runtime": 100,
}
# Bytes; ids are not cut.
MAX_ID_BYTES = 500
# What is said of a column's value.
EMPTY_ID = "is empty; fill it or remove the row"
LONG_ID = f"has more than {MAX_ID_BYTES} bytes; shorten it or remove the row"
# The ids without which a row is of no use.
_IDS: dict[Kind, tuple[str, ...]] = {
    "ratings": ("user_id", "movie_id"),
    "movies": ("movie_id",),
    "tags": (),
    "links": (),
}


@dataclass(frozen=True)
class StagingTable:
    """An input file in DuckDB.

    Attributes:
        table: the DuckDB table: every column of `COLUMN_NAMES` as VARCHAR, trimmed, null where
            empty or absent; its ``rowid`` counts the file's rows from 0.
        rows: how many there are.
        file: what was read.
        text: the text that was read, None for Parquet: the file itself or a copy in UTF-8.
        delimiter: of that text.
        broken_rows: its rows that were mended or left out.
        lines: where in the file the rows stand, from the header on, if some were left out.
    """

    table: str
    rows: int
    file: TableFile
    text: Path | None
    delimiter: str
    broken_rows: BrokenRows
    lines: array[int] | None = None

    def place(self, row: int) -> str:
        """Return the place of the row with this ``rowid``: file and line, or row for Parquet."""
        if self.text is None:
            return f"{self.file.path}, row {row + 1}"
        header = self.file.columns is None
        if self.lines is not None:
            return f"{self.file.path}, line {self.lines[row + header]}"
        found = read_records(self.text, self.delimiter, self.file.quoted)
        try:
            line, _ = next(itertools.islice(found, row + header, None))
        except (BrokenRecordError, StopIteration):  # DuckDB is not as strict
            return f"{self.file.path}, row {row + 1}"
        return f"{self.file.path}, line {line}"


def load_staging_table(
    connection: duckdb.DuckDBPyConnection,
    file: TableFile,
    encoding: str | None,
    scratch: Path,
    progress: Progress = no_progress,
    strict: bool = False,
) -> StagingTable:
    """Copy `file` into the DuckDB table named after its kind.

    Memory: what DuckDB may use, whatever the size of the file. For that, texts are cut: a plot to
    4,000 characters, a title to 500, a tag to 200, lists to 1,000.

    Args:
        strict: refuse a broken row of any file; otherwise those that are no ratings are left out.
            Movies without an id stay in the table, and count as left out.

    Raises:
        DataError: the file is empty, unreadable, broken, in another encoding, or lacks a column or
            the id of a user or a movie.
    """
    strict = strict or file.kind == "ratings"
    if file.parquet:
        staged = _stage_parquet(connection, file, progress)
    else:
        staged = _stage_text(connection, file, encoding, scratch, progress, strict)
    if not staged.rows:
        raise DataError(f"{file.path} has no rows; check {file.option}")
    if not strict:
        return _without_ids(connection, staged)
    for column in _IDS[file.kind]:
        empty, long = fetch_row(
            connection,
            f"SELECT min(rowid) FILTER ({column} IS NULL), "
            f"min(rowid) FILTER (strlen({column}) > {MAX_ID_BYTES}) FROM {staged.table}",
        )
        if empty is not None:
            raise DataError(f"{staged.place(empty)}: {column} {EMPTY_ID}")
        if long is not None:
            raise DataError(f"{staged.place(long)}: {column} {LONG_ID}")
    return staged


def _stage_text(
    connection: duckdb.DuckDBPyConnection,
    file: TableFile,
    encoding: str | None,
    scratch: Path,
    progress: Progress,
    strict: bool,
) -> StagingTable:
    text = as_utf8(file.path, encoding, file.fallback_encoding, scratch / f"{file.kind}.txt")
    delimiter = file.delimiter or guess_delimiter(text)
    try:
        line, names = next(read_records(text, delimiter, file.quoted))
    except StopIteration:
        raise DataError(f"{file.path} is empty; check {file.option}") from None
    except BrokenRecordError as broken:
        raise DataError(f"{file.path}, line {broken}; mend the line") from None
    columns = file.columns or names
    expressions = {
        part: f"c{position}"
        for part, position in find_columns(str(file.path), file.kind, columns).items()
    }
    if flags := _genre_flags(columns):
        expressions["genres"] = flags
    width, header = len(columns), file.columns is None
    reader = _csv_reader(text, delimiter, file.quoted, width, header, line - 1)
    broken_rows, lines = BrokenRows(file.path.name), None
    try:
        rows = _create(connection, file, expressions, reader, text, progress)
    except duckdb.InvalidInputException as error:
        if not strict:
            whole = scratch / f"{file.kind}.csv"
            found, lines = copy_whole_rows(text, delimiter, file.quoted, width, whole)
            broken_rows = broken_rows.plus(found.left_out, found.first, found.joined)
        if not (broken_rows.left_out or broken_rows.joined):
            place = _broken_line(text, delimiter, file.quoted, width)
            problem = f"line {place}" if place else str(error).splitlines()[0]
            raise DataError(f"{file.path}, {problem}; mend the line") from None
        reader = _csv_reader(whole, ",", True, width, header, 0)
        rows = _create(connection, file, expressions, reader, whole, progress)
    return StagingTable(file.kind, rows, file, text, delimiter, broken_rows, lines)


def _csv_reader(
    text: Path, delimiter: str, quoted: bool, width: int, header: bool, skip: int
) -> str:
    """The table function that reads `text`; its columns are c0, c1 and so on."""
    names = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(width))
    quote = '"' if quoted else ""
    return (
        f"read_csv(?, auto_detect=false, columns={{{names}}}, delim='{delimiter}', "
        f"quote='{quote}', escape='{quote}', strict_mode=true, skip={skip}, "
        f"header={header}, buffer_size={_CSV_BUFFER}, "
        f"compression={'gzip' if is_gzip(text) else 'none'}, hive_partitioning=false)"
    )


def _without_ids(connection: duckdb.DuckDBPyConnection, staged: StagingTable) -> StagingTable:
    """Count the rows without an id that they need as left out.

    Raises:
        DataError: they are many, see `BrokenRows.check`.
    """
    broken = staged.broken_rows
    for column in _IDS[staged.file.kind]:
        unusable = f"{staged.table} WHERE NOT coalesce(strlen({column}) <= {MAX_ID_BYTES}, false)"
        query = f"SELECT rowid, {column} IS NULL FROM {unusable} ORDER BY rowid LIMIT {MAX_SHOWN}"
        found = connection.execute(query).fetchall()
        problems = [(EMPTY_ID if empty else LONG_ID).partition(";")[0] for _, empty in found]
        places = [staged.place(row).rpartition(", ")[2] for row, _ in found]
        first = [f"{at}: {column} {what}" for at, what in zip(places, problems, strict=True)]
        broken = broken.plus(count_rows(connection, unusable), first)
    broken.check(staged.rows + staged.broken_rows.left_out)
    return dataclasses.replace(staged, broken_rows=broken)


def _stage_parquet(
    connection: duckdb.DuckDBPyConnection, file: TableFile, progress: Progress
) -> StagingTable:
    if (length := _footer_length(file.path)) > _MAX_FOOTER_BYTES:
        raise DataError(
            f"{file.path} is not readable as Parquet: its footer has {length:,} bytes where "
            f"{_MAX_FOOTER_BYTES:,} are the most; write it with fewer columns or larger row groups"
        )
    # Names of folders, such as "rating=5", are not to add columns.
    reader = "read_parquet(?, binary_as_string=true, hive_partitioning=false)"
    try:
        described = connection.execute(
            f"DESCRIBE SELECT * FROM {reader}", [_literal(file.path)]
        ).fetchall()
        columns = {name: kind for name, kind, *_ in described}
        expressions = {
            part: _parquet_text(part, *list(columns.items())[position])
            for part, position in find_columns(str(file.path), file.kind, tuple(columns)).items()
        }
        rows = _create(connection, file, expressions, reader, file.path, progress)
    except (duckdb.OutOfMemoryException, duckdb.TransactionException):
        raise  # no fault of the file's: memory or disk space ended
    except duckdb.Error as error:
        raise DataError(
            f"{file.path} is not readable as Parquet ({str(error).splitlines()[0]}); "
            f"check {file.option}"
        ) from None
    return StagingTable(file.kind, rows, file, None, "", BrokenRows(file.path.name))


def _footer_length(path: Path) -> int:
    """Return the length in the four bytes before the closing magic number; 0 if there is none.

    Source: the file format in the documentation of Apache Parquet.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        length, magic = file.read(4), file.read(4)
    found = int.from_bytes(length, "little")
    return found if magic == PARQUET and found < size else 0


def _create(
    connection: duckdb.DuckDBPyConnection,
    file: TableFile,
    expressions: dict[str, str],
    reader: str,
    path: Path,
    progress: Progress,
) -> int:
    selected = ", ".join(
        f'{_trimmed(part, expressions.get(part))} AS "{part}"' for part in COLUMN_NAMES[file.kind]
    )
    query = f"CREATE TABLE {file.kind} AS SELECT {selected} FROM {reader}"
    ((rows,),) = run_query(connection, query, [_literal(path)], progress)
    return int(rows)


def _trimmed(part: str, expression: str | None) -> str:
    if expression is None:
        return "NULL::VARCHAR"
    text = f"trim({expression})"
    if part.endswith("_id"):
        whole = f"regexp_replace({text}, '^{FLOAT_ID}\\z', '\\1')"
        text = f"CASE WHEN contains({text}, '.') THEN {whole} ELSE {text} END"
    if part in _MAX_CHARACTERS:
        text = f"left({text}, {_MAX_CHARACTERS[part]})"
    return f"nullif({text}, '')"


def find_columns(place: str, kind: Kind, columns: Sequence[str]) -> dict[str, int]:
    """Map each part to the position of its column in the file `place`; see `match_columns`.

    Raises:
        DataError: there are too many of them, or one that is needed is missing.
    """
    if len(columns) > _MAX_COLUMNS:
        raise DataError(
            f"{place} has {len(columns):,} columns where {_MAX_COLUMNS:,} are the most; "
            f"check --{kind}"
        )
    matched = match_columns(kind, columns)
    missing = [part for part in REQUIRED_COLUMNS[kind] if part not in matched]
    if missing:
        found = one_line(", ".join(column.strip() for column in columns), 500)
        raise DataError(
            f"{place} has no column {' and no column '.join(missing)}; its header has: "
            f"{found}; rename the columns or check --{kind}"
        )
    return matched


def _genre_flags(columns: tuple[str, ...] | list[str]) -> str | None:
    """An expression that joins the genres whose flag is 1, None where there are no flags."""
    chosen = []
    for position, column in enumerate(columns):
        if column.startswith(GENRE_FLAG):
            genre = column.removeprefix(GENRE_FLAG).replace("'", "''")
            chosen.append(f"CASE c{position} WHEN '1' THEN '{genre}' END")
    return f"concat_ws('|', {', '.join(chosen)})" if chosen else None


def _parquet_text(part: str, column: str, kind: str) -> str:
    name = '"' + column.replace('"', '""') + '"'
    if kind.endswith("[]"):
        # The last bar says that this is a list even if it has one item with a comma in it.
        return f"array_to_string({name}::VARCHAR[], '|') || '|'"
    if part.endswith("_id") and kind.startswith(("DOUBLE", "FLOAT", "DECIMAL")):
        # pandas turns a column of integers into floats when one of them is missing.
        return (
            f"CASE WHEN {name} = round({name}) THEN coalesce(try_cast({name} AS HUGEINT)::VARCHAR, "
            f"nullif({name}::VARCHAR, 'nan')) ELSE {name}::VARCHAR END"
        )
    return f"{name}::VARCHAR"


def _literal(path: Path) -> str:
    """The path as a pattern that matches nothing but itself."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _broken_line(text: Path, delimiter: str, quoted: bool, width: int) -> str | None:
    """The line number of the first broken record and what is wrong with it."""
    try:
        for line, fields in read_records(text, delimiter, quoted):
            if problem := field_problem(fields, width):
                return f"{line}: {problem}"
    except BrokenRecordError as broken:
        return str(broken)
    return None
