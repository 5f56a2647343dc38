"""Tables that are in memory already, as files that an import reads like any other.

A table is whatever offers its rows by the Arrow PyCapsule interface (``__arrow_c_stream__``):
pandas, Polars, Arrow, DuckDB and others. Source: The Arrow PyCapsule Interface, Apache Arrow.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, cast

import duckdb
import pyarrow as pa

from recommender.core.errors import DataError, one_line
from recommender.dataset.columns import Kind
from recommender.dataset.scratch import scratch_folder
from recommender.dataset.sources import Source, from_directory, from_files, table_file
from recommender.settings.memory_budget import MemoryBudget


class Table(Protocol):
    """A table of any library that speaks Arrow's PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


# What names one kind of data: a table, or a file.
TableLike = Table | str | os.PathLike[str]


@contextlib.contextmanager
def table_source(
    ratings: TableLike,
    movies: TableLike,
    tags: TableLike | None,
    links: TableLike | None,
    titles: TableLike | None,
    folder: Path,
    budget: MemoryBudget,
) -> Iterator[Source]:
    """Yield a data set whose tables are Parquet files in a new folder within `folder`.

    Errors of the block call a table by its name, such as "ratings table", and its rows by their
    number from 1. Memory: what DuckDB may take of `budget`, and for pandas an Arrow copy of a
    table.

    Raises:
        BundleError: `folder` cannot be written.
        DataError: a table has no rows by Arrow, or a file is not there.
    """
    given: dict[Kind, TableLike | None] = {
        "ratings": ratings,
        "movies": movies,
        "tags": tags,
        "links": links,
        "titles": titles,
    }
    with scratch_folder(folder, ".matinee-tables-") as scratch:
        paths = {
            kind: None if value is None else _path(kind, value, scratch, budget)
            for kind, value in given.items()
        }
        yield from_files(**{kind: path for kind, path in paths.items() if path})


def named_source(ratings: Source | str | os.PathLike[str], titles: TableLike | None) -> Source:
    """Return the data set that one value names: a folder, or what `from_files` returned.

    Args:
        titles: a file of titles in other languages that belongs to it.

    Raises:
        DataError: the folder holds no data set, or `titles` is no path.
    """
    found = ratings if isinstance(ratings, Source) else from_directory(Path(ratings))
    if titles is None:
        return found
    if not isinstance(titles, str | os.PathLike):
        raise DataError("titles is a table: give it as a file, as the other data are files")
    return replace(found, titles=table_file(Path(titles), "titles"))


def _path(kind: Kind, value: TableLike, folder: Path, budget: MemoryBudget) -> Path:
    if isinstance(value, str | os.PathLike):
        return Path(value)
    # The name is that of the table in messages; `from_files` knows Parquet by its content.
    path = folder / f"{kind} table"
    index = getattr(getattr(value, "index", None), "name", None)
    if index is not None and index not in getattr(value, "columns", [index]):
        value = cast("Any", value).reset_index()  # Arrow takes no numbered rows of pandas over
    try:
        with duckdb.connect(config={"memory_limit": f"{budget.database}B"}) as connection:
            rows: Any = pa.RecordBatchReader.from_stream(value)
            connection.from_arrow(rows).write_parquet(str(path))
    except (TypeError, ValueError, pa.ArrowException, duckdb.Error) as error:
        raise DataError(
            f"{kind} table: {type(value).__name__} cannot be read as a table "
            f"({one_line(str(error), 200)}); give a path, or a table of pandas, Polars or Arrow "
            "with one type a column"
        ) from None
    return path
