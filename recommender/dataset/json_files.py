"""Objects in JSON, one a line or all in one array, as rows whose columns are their keys."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import duckdb

from recommender.core.errors import DataError
from recommender.dataset.archives import is_gzip
from recommender.dataset.text_files import MAX_LINE_LENGTH, raw_lines

_SAMPLE = 100  # objects from the start of a file whose keys are looked at


def json_reader(text: Path, array: bool, function: str, more: str = "") -> str:
    """Return the call of DuckDB's `function` that reads JSON; the file is its only parameter.

    Args:
        text: a file from `as_utf8`.
        array: whether its objects are in one array.
        more: further parameters, each after a comma.
    """
    form = "array" if array else "newline_delimited"
    packed = "gzip" if is_gzip(text) else "uncompressed"
    return (
        f"{function}(?, format='{form}', maximum_object_size={2 * MAX_LINE_LENGTH}, "
        f"compression='{packed}', hive_partitioning=false{more})"
    )


def json_keys(
    connection: duckdb.DuckDBPyConnection, text: Path, array: bool, pattern: str
) -> tuple[str, ...]:
    """Return the keys of the first objects in `text`; `pattern` matches the file and no other."""
    objects = json_reader(text, array, "read_json_objects")
    found = connection.execute(
        f"SELECT json_keys(json) FROM {objects} LIMIT {_SAMPLE}", [pattern]
    ).fetchall()
    return tuple(dict.fromkeys(key for (keys,) in found for key in keys or ()))


def json_columns(keys: Iterable[str]) -> str:
    """Return the parameter of DuckDB's reader that reads these keys as text."""
    quoted = (key.replace("'", "''") for key in keys)
    return ", columns={" + ", ".join(f"'{key}': 'VARCHAR'" for key in quoted) + "}"


def broken_object(text: Path) -> str | None:
    """Return the line of the first line that is no object, and what it is; None if all are."""
    for number, line in enumerate(raw_lines(text), 1):
        if not line.strip():
            continue
        try:
            if not isinstance(json.loads(line), dict):
                return f"line {number}: no object in braces"
        except (ValueError, RecursionError):
            python = line.lstrip().startswith("{'") and " (as Python writes, with single quotes)"
            return f"line {number}: no JSON{python or ''}"
    return None


def refuse_json(file: object, text: Path, array: bool, error: duckdb.Error) -> DataError:
    """Return the error about a file that DuckDB cannot read as JSON, in one line."""
    place = None if array else broken_object(text)
    first = str(error).splitlines()[0].replace(str(text), text.name)
    return DataError(f"{file}, {place}; mend the line" if place else f"{file} is no JSON: {first}")
