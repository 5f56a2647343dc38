"""Parquet files: their columns as text, and what cannot be read of them in little memory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from recommender.core.errors import DataError
from recommender.dataset.archives import is_compressed, open_bytes, reading
from recommender.dataset.database import quoted_name
from recommender.dataset.file_names import PARQUET
from recommender.dataset.sources import TableFile

# Bytes of what stands at the end of a Parquet file about its columns and row groups; DuckDB takes
# up to 100 times as much to read a file of many small row groups.
_MAX_FOOTER_BYTES = 2 << 20


def unpacked(file: TableFile, copy: Path) -> Path:
    """Return the file itself if it is plain Parquet, else a copy without what is around it.

    Raises:
        DataError: it is damaged, or its footer too large to be read.
    """
    path = file.path
    if file.member or (is_compressed(path) and not _begins_parquet(path)):
        path = copy
        with reading(file), open_bytes(file.path, file.member) as packed, copy.open("wb") as out:
            shutil.copyfileobj(packed, out, 1 << 20)
    if (length := _footer_length(path)) > _MAX_FOOTER_BYTES:
        raise DataError(
            f"{file} is not readable as Parquet: its footer has {length:,} bytes where "
            f"{_MAX_FOOTER_BYTES:,} are the most; write it with fewer columns or larger row groups"
        )
    return path


def column_text(part: str, column: str, kind: str, is_list: bool) -> str:
    """Return an expression for the text of a column of DuckDB's type `kind`.

    Args:
        part: what it is read as, such as "user_id".
        is_list: whether its cells may be lists, which become JSON.
    """
    name = quoted_name(column)
    if is_list and (kind.endswith("]") or kind.startswith(("STRUCT", "MAP"))):
        return f"to_json({name})::VARCHAR"
    if part.endswith("_id") and kind.startswith(("DOUBLE", "FLOAT", "DECIMAL")):
        # pandas turns a column of integers into floats when one of them is missing.
        return (
            f"CASE WHEN {name} = round({name}) THEN coalesce(try_cast({name} AS HUGEINT)::VARCHAR, "
            f"nullif({name}::VARCHAR, 'nan')) ELSE {name}::VARCHAR END"
        )
    return f"{name}::VARCHAR"


def _begins_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


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
