"""DuckDB within its memory budget: short queries, streamed results, and long queries that report
their progress while they run."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from recommender.core.errors import DataError, SettingsError
from recommender.core.progress import Progress, no_progress
from recommender.settings.memory_budget import MemoryBudget

_SECONDS_BETWEEN_REPORTS = 0.2
_OUTPUT = (".npy", ".parquet")


@contextlib.contextmanager
def import_database(
    folder: Path, budget: MemoryBudget
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """Yield a new database for an import into `folder`, and the scratch folder it is in.

    The arrays (``.npy``) and tables (``.parquet``) that the block writes into the scratch folder
    move into `folder` when it has succeeded; the rest is removed. `folder` is created if needed,
    and removed again if the block fails and nothing was there before.

    Raises:
        DataError: `folder` cannot be written.
        SettingsError: the memory limit is too low for what the block did.
    """
    scratch = folder / "import.tmp"
    existed = folder.exists()
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        with contextlib.closing(connect(scratch, budget)) as connection:
            yield connection, scratch
        for file in scratch.iterdir():
            if file.suffix in _OUTPUT:
                file.replace(folder / file.name)
    except duckdb.OutOfMemoryException as error:
        raise _shortage(budget, error) from None
    except ConnectionError:  # to a cluster, which writes nothing here
        raise
    except (duckdb.IOException, duckdb.TransactionException, OSError) as error:
        if "failed to pin block" in str(error):  # memory again, when a table is committed
            raise _shortage(budget, error) from None
        raise DataError(
            f"{folder} cannot be written: {str(error).splitlines()[0]}; make room there"
        ) from None
    except RuntimeError as error:
        if str(error) == "Query interrupted":  # what DuckDB makes of Ctrl+C
            raise KeyboardInterrupt from None
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if not existed:
            with contextlib.suppress(OSError):  # not empty: all went well
                folder.rmdir()


def connect(scratch: Path, budget: MemoryBudget) -> duckdb.DuckDBPyConnection:
    """Open a new database in `scratch`; what does not fit in its memory spills there, too."""
    connection = duckdb.connect(
        scratch / "import.duckdb",
        config={
            "memory_limit": f"{budget.database}B",
            "threads": budget.threads,
            "temp_directory": str(scratch / "spill"),
            "preserve_insertion_order": True,  # a row's rowid is its place in the file
            "autoinstall_known_extensions": False,
        },
    )
    # For `run_query`; nothing is printed.
    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    connection.execute("SET progress_bar_time = 0")
    connection.execute("PRAGMA disable_checkpoint_on_shutdown")  # the database is thrown away
    return connection


def run_query(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: list[Any] | None = None,
    progress: Progress = no_progress,
) -> list[tuple[Any, ...]]:
    """Run `query` and return its rows; meanwhile `progress` gets the fraction done, ascending.

    The query runs in a thread of its own, so that what `progress` raises, or Ctrl+C, ends it.
    Source: DuckDB, ``query_progress`` and ``interrupt``.

    Args:
        connection: from `connect`.
    """
    furthest = 0.0
    with ThreadPoolExecutor(1) as thread:
        rows = thread.submit(lambda: connection.execute(query, parameters).fetchall())
        try:
            while wait([rows], _SECONDS_BETWEEN_REPORTS).not_done:
                # A percentage; below zero before and after.
                furthest = max(furthest, connection.query_progress() / 100)
                progress(min(1.0, furthest))
        except BaseException:
            connection.interrupt()
            raise
        return rows.result()


def fetch_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """Run `query` and return its only row."""
    (found,) = connection.execute(query).fetchall()
    return tuple(found)


def count_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Return the number of rows of `table`: a name, or anything else that may follow FROM."""
    return int(fetch_row(connection, f"SELECT count(*) FROM {table}")[0])


def quoted_name(column: str) -> str:
    """Return the name of a column as it stands in a query, whatever is in it."""
    return '"' + column.replace('"', '""') + '"'


def path_pattern(path: Path) -> str:
    """Return the path as a pattern that matches nothing but itself."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def batches(connection: duckdb.DuckDBPyConnection, query: str, rows: int) -> pa.RecordBatchReader:
    """Stream the result of `query`, `rows` at a time; no other query may run meanwhile."""
    # A relation streams; what execute() returns would hold the whole result in memory.
    return connection.sql(query).to_arrow_reader(rows)


def index_ids(connection: duckdb.DuckDBPyConnection, what: str, query: str) -> None:
    """Number the ids that `query` selects: in the order of integers if all are, else of text.

    The table ``{what}_index`` has what `query` selects, the ``position`` and the ``typed_id``. Ids
    stay text in DuckDB, so that "007" never meets "7".
    """
    column = f"{what}_id"
    whole = f"bool_and(try_cast({column} AS BIGINT)::VARCHAR IS NOT DISTINCT FROM {column})"
    integers = fetch_row(connection, f"SELECT {whole} FROM ({query})")[0]
    key = f"{column}::BIGINT" if integers else column
    connection.execute(
        f"CREATE TABLE {what}_index AS "
        f"SELECT *, (row_number() OVER (ORDER BY {key}) - 1)::INTEGER AS position, "
        f"{key} AS typed_id FROM ({query})"
    )


def _shortage(budget: MemoryBudget, error: Exception) -> SettingsError:
    return budget.shortage(f"reading these data failed ({str(error).splitlines()[0]})")
