"""One input file as a table of text columns in DuckDB, and where in the file a row stands."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from array import array
from dataclasses import dataclass
from pathlib import Path

import duckdb

from recommender.core.errors import DataError
from recommender.core.progress import Progress, no_progress
from recommender.core.records import EXACT_BELOW, EXPONENT_ID, FLOAT_ID, NO_IDS, TITLE_IN
from recommender.dataset import netflix
from recommender.dataset.archives import is_gzip
from recommender.dataset.broken_rows import MAX_SHOWN, BrokenRows, copy_whole_rows, field_problem
from recommender.dataset.columns import (
    COLUMN_NAMES,
    TITLED,
    ColumnUse,
    Kind,
    column_use,
    find_columns,
    is_sequence,
)
from recommender.dataset.database import (
    count_rows,
    fetch_row,
    path_pattern,
    quoted_name,
    run_query,
)
from recommender.dataset.json_files import json_columns, json_keys, json_reader, refuse_json
from recommender.dataset.parquet_files import column_text, unpacked
from recommender.dataset.sources import GENRE_FLAG, TableFile
from recommender.dataset.text_files import (
    BrokenRecordError,
    as_utf8,
    first_lines,
    raw_lines,
    read_records,
)
from recommender.dataset.text_layout import TextLayout, find_text_layout

# A quarter of DuckDB's default, to fit a small memory limit; records may have up to 2 MB.
_CSV_BUFFER = 8 << 20
_SAMPLE = 100  # lines from the start of a file, to know it by
# How many characters are kept of a text, so that a batch of movies fits in memory.
_MAX_CHARACTERS = {
    "title": 500,
    "plot": 4_000,
    "genres": 1_000,
    "tags": 1_000,
    "cast": 1_000,
    "poster": 1_000,
    "tag": 200,
    "country": 100,
    "year": 100,
    "runtime": 100,
}
# JSON says much of each item, of which the name is kept.
_LISTS = ("genres", "tags", "cast", "country")
_MAX_JSON_CHARACTERS = 10_000
# Bytes; ids are not cut.
MAX_ID_BYTES = 500
# 4,5 is 4.5 in most of Europe.
_DECIMAL_COMMA = "regexp_replace({}, '^([+-]?[0-9]+),([0-9]{{1,2}})\\z', '\\1.\\2')"
# What is said of a column's value.
EMPTY_ID = "is empty; fill it or remove the row"
LONG_ID = f"has more than {MAX_ID_BYTES} bytes; shorten it or remove the row"
# The ids without which a row is of no use.
_IDS: dict[Kind, tuple[str, ...]] = {
    "ratings": ("user_id", "movie_id"),
    "movies": ("movie_id",),
    "tags": (),
    "links": (),
    "titles": (),
}


@dataclass(frozen=True)
class StagingTable:
    """An input file in DuckDB.

    Attributes:
        table: the DuckDB table: every column of `COLUMN_NAMES` as VARCHAR, trimmed, null where
            empty or absent; its ``rowid`` counts the file's rows from 0. Of movies and titles also
            ``titles``, an object in JSON with the titles by language, null without any column.
        rows: how many there are.
        file: what was read.
        use: which of its columns were.
        text: the text that was read, None for Parquet: the file itself or a copy in UTF-8.
        layout: of that text; None where it is JSON.
        broken_rows: its rows that were mended or left out.
        lines: where in the file the rows stand, from the header on, if some were left out.
    """

    table: str
    rows: int
    file: TableFile
    use: ColumnUse
    text: Path | None
    layout: TextLayout | None
    broken_rows: BrokenRows
    lines: array[int] | None = None

    def place(self, row: int) -> str:
        """Return the place of the row with this ``rowid``: file and line, or row for Parquet."""
        if self.text is None or self.file.json == "array":
            return f"{self.file}, row {row + 1}"
        if self.layout is None:
            lines = (number for number, line in enumerate(raw_lines(self.text), 1) if line.strip())
            return f"{self.file}, line {next(itertools.islice(lines, row, None), row + 1)}"
        if self.lines is not None:
            return f"{self.file}, line {self.lines[row + self.layout.header]}"
        found = read_records(self.text, self.layout.delimiter, self.layout.quoted)
        try:
            line, _ = next(itertools.islice(found, row + self.layout.header, None))
        except (BrokenRecordError, StopIteration):  # DuckDB is not as strict
            return f"{self.file}, row {row + 1}"
        return self._line(line)

    def _line(self, line: int) -> str:
        """The place of a line of all files of the table, one behind the other."""
        for path in self.file.paths if self.file.more else ():
            lines = sum(1 for _ in raw_lines(path))
            if line <= lines:
                return f"{path}, line {line}"
            line -= lines
        return f"{self.file}, line {line}"


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
        staged = _stage_parquet(connection, file, scratch, progress)
    else:
        staged = _stage_text(connection, file, encoding, scratch, progress, strict)
    if not staged.rows:
        raise DataError(f"{file} has no rows; check {file.option}")
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
    copy = scratch / f"{file.kind}.txt"
    text = as_utf8(
        file.path, encoding, file.fallback_encoding, copy, file.member, file.json != "array"
    )
    if file.json:
        return _stage_json(connection, file, text, progress)
    lines = first_lines(text, _SAMPLE)
    if not lines:
        raise DataError(f"{file} is empty; check {file.option}")
    if file.kind == "ratings" and netflix.is_ratings(lines):
        rewritten = scratch / "rewritten.txt"
        others = (
            as_utf8(path, encoding, None, scratch / f"part-{number}.txt")
            for number, path in enumerate(file.more)
        )
        netflix.rewrite_ratings([text, *others], rewritten)
        layout = TextLayout(",", False, netflix.RATINGS_COLUMNS, False, 1)
        text = rewritten
    elif file.kind == "movies" and netflix.is_movies(lines):
        rewritten = scratch / "rewritten.txt"
        netflix.rewrite_movies(text, rewritten)
        layout = TextLayout("\t", False, netflix.MOVIES_COLUMNS, False, 1)
        text = rewritten
    else:
        records = functools.partial(read_records, text)
        layout = find_text_layout(str(file), file, lines[0], records)
    width = len(layout.columns)
    matched = find_columns(str(file), file.kind, layout.columns)
    expressions = {
        part: _words(part, layout.columns[position], f"c{position}")
        for part, position in matched.items()
    }
    if not layout.header and (flags := _genre_flags(layout.columns)):
        expressions["genres"] = flags
    if any('="' in line for line in lines):
        expressions = {part: _unformulated(one) for part, one in expressions.items()}
    if "\t" not in layout.delimiter and any("\t" in line for line in lines):
        expressions = {part: f"trim({one}, E' \\t')" for part, one in expressions.items()}
    reader = _csv_reader(text, layout)
    broken_rows, lines_kept = BrokenRows(file.name), None
    try:
        rows = _create(connection, file, expressions, reader, text, progress)
    except duckdb.InvalidInputException as error:
        if not strict:
            whole = scratch / f"{file.kind}.csv"
            found, lines_kept = copy_whole_rows(text, layout.delimiter, layout.quoted, width, whole)
            broken_rows = broken_rows.plus(found.left_out, found.first, found.joined)
        if not (broken_rows.left_out or broken_rows.joined):
            place = _broken_line(text, layout)
            problem = f"line {place}" if place else str(error).splitlines()[0]
            raise DataError(f"{file}, {problem}; mend the line") from None
        reader = _csv_reader(whole, TextLayout(",", True, layout.columns, layout.header, 1))
        rows = _create(connection, file, expressions, reader, whole, progress)
    use = column_use(file.name, layout.columns, matched, layout.header)
    return StagingTable(file.kind, rows, file, use, text, layout, broken_rows, lines_kept)


def _csv_reader(text: Path, layout: TextLayout) -> str:
    """The table function that reads `text`; its columns are c0, c1 and so on."""
    names = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(layout.columns)))
    quote = '"' if layout.quoted else ""
    return (
        f"read_csv(?, auto_detect=false, columns={{{names}}}, delim='{layout.delimiter}', "
        f"quote='{quote}', escape='{quote}', strict_mode=true, skip={layout.line - 1}, "
        f"header={layout.header}, buffer_size={_CSV_BUFFER}, "
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


def _stage_json(
    connection: duckdb.DuckDBPyConnection, file: TableFile, text: Path, progress: Progress
) -> StagingTable:
    array = file.json == "array"
    try:
        keys = json_keys(connection, text, array, path_pattern(text))
        matched = find_columns(str(file), file.kind, keys)
        quoted = {part: quoted_name(keys[position]) for part, position in matched.items()}
        more = json_columns(keys[position] for position in matched.values())
        rows = _create(
            connection, file, quoted, json_reader(text, array, "read_json", more), text, progress
        )
    except (duckdb.OutOfMemoryException, duckdb.TransactionException):
        raise  # no fault of the file's: memory or disk space ended
    except duckdb.Error as error:
        raise refuse_json(file, text, array, error) from None
    use = column_use(file.name, keys, matched)
    return StagingTable(file.kind, rows, file, use, text, None, BrokenRows(file.name))


def _stage_parquet(
    connection: duckdb.DuckDBPyConnection, file: TableFile, scratch: Path, progress: Progress
) -> StagingTable:
    path = unpacked(file, scratch / f"{file.kind}.parquet")
    # Names of folders, such as "rating=5", are not to add columns.
    reader = "read_parquet(?, binary_as_string=true, hive_partitioning=false)"
    try:
        described = connection.execute(
            f"DESCRIBE SELECT * FROM {reader}", [path_pattern(path)]
        ).fetchall()
        columns = {name: kind for name, kind, *_ in described}
        matched = find_columns(str(file), file.kind, tuple(columns))
        expressions = {
            part: column_text(part, *list(columns.items())[position], part in _LISTS)
            for part, position in matched.items()
        }
        rows = _create(connection, file, expressions, reader, path, progress)
    except (duckdb.OutOfMemoryException, duckdb.TransactionException):
        raise  # no fault of the file's: memory or disk space ended
    except duckdb.Error as error:
        raise DataError(
            f"{file} is not readable as Parquet ({str(error).splitlines()[0]}); check {file.option}"
        ) from None
    use = column_use(file.name, tuple(columns), matched)
    return StagingTable(file.kind, rows, file, use, None, None, BrokenRows(file.name))


def _create(
    connection: duckdb.DuckDBPyConnection,
    file: TableFile,
    expressions: dict[str, str],
    reader: str,
    path: Path,
    progress: Progress,
) -> int:
    selected = [
        f'{_trimmed(part, expressions.get(part))} AS "{part}"' for part in COLUMN_NAMES[file.kind]
    ]
    if file.kind in TITLED:
        selected.append(f"{_titles(expressions)} AS titles")
    query = f"CREATE TABLE {file.kind} AS SELECT {', '.join(selected)} FROM {reader}"
    ((rows,),) = run_query(connection, query, [path_pattern(path)], progress)
    return int(rows)


def _titles(expressions: dict[str, str]) -> str:
    """The titles in other languages, by language, as one object in JSON."""
    titles = [
        f"'{part.removeprefix(TITLE_IN)}', {_trimmed('title', expression)}"
        for part, expression in expressions.items()
        if part.startswith(TITLE_IN)
    ]
    return f"json_object({', '.join(titles)})::VARCHAR" if titles else "NULL::VARCHAR"


def _trimmed(part: str, expression: str | None) -> str:
    if expression is None:
        return "NULL::VARCHAR"
    text = f"trim({expression})"
    if part.endswith("_id"):
        whole = f"regexp_replace({text}, '^{FLOAT_ID}\\z', '\\1')"
        number = f"try_cast({text} AS DOUBLE)"
        nothing = ", ".join(f"'{word}'" for word in NO_IDS)
        text = f"""CASE WHEN {text} IN ({nothing}) THEN NULL
            WHEN contains({text}, '+') AND regexp_full_match({text}, '{EXPONENT_ID}')
            AND {number} = round({number}) AND abs({number}) < {EXACT_BELOW}
            THEN try_cast({number} AS BIGINT)::VARCHAR
            WHEN contains({text}, '.') THEN {whole} ELSE {text} END"""
    if part == "rating":
        text = f"CASE WHEN contains({text}, ',') THEN {_DECIMAL_COMMA.format(text)} ELSE {text} END"
    if part in _MAX_CHARACTERS:
        most = str(_MAX_CHARACTERS[part])
        if part in _LISTS:
            most = f"CASE WHEN {text}[1] IN ('[', '{{') THEN {_MAX_JSON_CHARACTERS} ELSE {most} END"
        text = f"left({text}, {most})"
    return f"nullif({text}, '')"


def _genre_flags(columns: tuple[str, ...] | list[str]) -> str | None:
    """An expression that joins the genres whose flag is 1, None where there are no flags."""
    chosen = []
    for position, column in enumerate(columns):
        if column.startswith(GENRE_FLAG):
            genre = column.removeprefix(GENRE_FLAG).replace("'", "''")
            chosen.append(f"CASE c{position} WHEN '1' THEN '{genre}' END")
    return f"concat_ws('|', {', '.join(chosen)})" if chosen else None


def _words(part: str, column: str, expression: str) -> str:
    """The column of a text file; items that have spaces between them get bars."""
    if part in _LISTS and is_sequence(column):
        return f"replace(trim({expression}), ' ', '|')"
    return expression


def _unformulated(expression: str) -> str:
    """An expression for the text that a spreadsheet wrote as a formula: ``="007"``."""
    return f"""regexp_replace({expression}, '^ *="(.*)" *\\z', '\\1')"""


def _broken_line(text: Path, layout: TextLayout) -> str | None:
    """The line number of the first broken record and what is wrong with it."""
    try:
        for line, fields in read_records(text, layout.delimiter, layout.quoted):
            if problem := field_problem(fields, len(layout.columns)):
                return f"{line}: {problem}"
    except BrokenRecordError as broken:
        return str(broken)
    return None
