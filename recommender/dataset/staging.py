"""One input file as a table of text columns in DuckDB, and where in the file a row stands."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from recommender.dataset.sources import (
    COLUMN_NAMES,
    GENRE_FLAG,
    REQUIRED_COLUMNS,
    TableFile,
    match_columns,
)
from recommender.dataset.textfiles import BrokenRecordError, guess_delimiter, readable, records
from recommender.errors import DataError

# A quarter of DuckDB's default, to fit a small memory limit; lines may have up to 2 MB.
_CSV_BUFFER = 8 << 20


@dataclass(frozen=True)
class Staged:
    """An input file in DuckDB.

    Attributes:
        table: the DuckDB table: every column of `COLUMN_NAMES` as VARCHAR, trimmed, null where
            empty or absent; its ``rowid`` counts the file's rows from 0.
        rows: how many there are.
        file: what was read.
        text: the text that was read, None for Parquet: the file itself or a copy in UTF-8.
        delimiter: of that text.
    """

    table: str
    rows: int
    file: TableFile
    text: Path | None
    delimiter: str

    def place(self, row: int) -> str:
        """Where the row with this ``rowid`` stands: the file and the line, or row for Parquet."""
        if self.text is None:
            return f"{self.file.path}, row {row + 1}"
        header = self.file.columns is None
        found = records(self.text, self.delimiter, self.file.quoted)
        line, _ = next(itertools.islice(found, row + header, None))
        return f"{self.file.path}, line {line}"


def stage(
    connection: duckdb.DuckDBPyConnection, file: TableFile, encoding: str | None, scratch: Path
) -> Staged:
    """Copy `file` into the DuckDB table named after its kind.

    Memory: what DuckDB may use, whatever the size of the file.

    Raises:
        DataError: the file is empty, unreadable, broken, in another encoding, or lacks a column.
    """
    if file.parquet:
        staged = _stage_parquet(connection, file)
    else:
        staged = _stage_text(connection, file, encoding, scratch)
    if not staged.rows:
        raise DataError(f"{file.path} has no rows; check {file.option}")
    return staged


def _stage_text(
    connection: duckdb.DuckDBPyConnection, file: TableFile, encoding: str | None, scratch: Path
) -> Staged:
    text = readable(file.path, encoding, file.fallback_encoding, scratch / f"{file.kind}.txt")
    delimiter = file.delimiter or guess_delimiter(text)
    try:
        line, found = next(records(text, delimiter, file.quoted))
    except StopIteration:
        raise DataError(f"{file.path} is empty; check {file.option}") from None
    except BrokenRecordError as broken:
        raise DataError(f"{file.path}, line {broken}; mend the line") from None
    columns = file.columns or found
    expressions = {part: f"c{position}" for part, position in _match(file, columns).items()}
    if flags := _genre_flags(columns):
        expressions["genres"] = flags
    names = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(columns)))
    quote = '"' if file.quoted else ""
    reader = (
        f"read_csv(?, auto_detect=false, columns={{{names}}}, delim='{delimiter}', "
        f"quote='{quote}', escape='{quote}', strict_mode=true, skip={line - 1}, "
        f"header={file.columns is None}, buffer_size={_CSV_BUFFER})"
    )
    try:
        rows = _create(connection, file, expressions, reader, text)
    except duckdb.InvalidInputException as error:
        place = _broken_line(text, delimiter, file.quoted, len(columns))
        problem = f"line {place}" if place else str(error).splitlines()[0]
        raise DataError(f"{file.path}, {problem}; mend the line") from None
    return Staged(file.kind, rows, file, text, delimiter)


def _stage_parquet(connection: duckdb.DuckDBPyConnection, file: TableFile) -> Staged:
    reader = "read_parquet(?, binary_as_string=true)"
    try:
        described = connection.execute(
            f"DESCRIBE SELECT * FROM {reader}", [_literal(file.path)]
        ).fetchall()
        columns = {name: kind for name, kind, *_ in described}
        expressions = {
            part: _parquet_text(part, *list(columns.items())[position])
            for part, position in _match(file, tuple(columns)).items()
        }
        rows = _create(connection, file, expressions, reader, file.path)
    except (duckdb.InvalidInputException, duckdb.IOException) as error:
        raise DataError(
            f"{file.path} is not readable as Parquet ({str(error).splitlines()[0]}); "
            f"check {file.option}"
        ) from None
    return Staged(file.kind, rows, file, None, "")


def _create(
    connection: duckdb.DuckDBPyConnection,
    file: TableFile,
    expressions: dict[str, str],
    reader: str,
    path: Path,
) -> int:
    selected = ", ".join(
        f"nullif(trim({expressions.get(part, 'NULL')}), '') AS \"{part}\""
        for part in COLUMN_NAMES[file.kind]
    )
    ((rows,),) = connection.execute(
        f"CREATE TABLE {file.kind} AS SELECT {selected} FROM {reader}", [_literal(path)]
    ).fetchall()
    return int(rows)


def _match(file: TableFile, columns: tuple[str, ...] | list[str]) -> dict[str, int]:
    matched = match_columns(file.kind, columns)
    missing = [part for part in REQUIRED_COLUMNS[file.kind] if part not in matched]
    if missing:
        found = ", ".join(column.strip() for column in columns)
        raise DataError(
            f"{file.path} has no column {' and no column '.join(missing)}; its header has: "
            f"{found}; rename the columns or check {file.option}"
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
    if part.endswith("_id") and kind in ("DOUBLE", "FLOAT"):
        # pandas turns a column of integers into floats when one of them is missing.
        return (
            f"coalesce(nullif({name}, round({name}))::VARCHAR, try_cast({name} AS BIGINT)::VARCHAR)"
        )
    return f"{name}::VARCHAR"


def _literal(path: Path) -> str:
    """The path as a pattern that matches nothing but itself."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _broken_line(text: Path, delimiter: str, quoted: bool, width: int) -> str | None:
    """The line number of the first broken record and what is wrong with it."""
    try:
        for line, fields in records(text, delimiter, quoted):
            if len(fields) == width or (len(fields) == width + 1 and not fields[-1]):
                continue
            return f"{line}: {len(fields)} fields where {width} are expected"
    except BrokenRecordError as broken:
        return str(broken)
    return None
