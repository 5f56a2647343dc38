"""DuckDB within its allowance, and long queries whose progress is told while they run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import duckdb

from recommender.allowance import Allowance

Told = Callable[[float], None]
_SECONDS_BETWEEN_LOOKS = 0.2


def connect(scratch: Path, allowance: Allowance) -> duckdb.DuckDBPyConnection:
    """A new database in `scratch`, which is where what does not fit in memory goes, too."""
    connection = duckdb.connect(
        scratch / "import.duckdb",
        config={
            "memory_limit": f"{allowance.database}B",
            "threads": allowance.threads,
            "temp_directory": str(scratch / "spill"),
            "preserve_insertion_order": True,  # a row's rowid is its place in the file
            "autoinstall_known_extensions": False,
        },
    )
    # For `follow`; nothing is printed.
    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    connection.execute("SET progress_bar_time = 0")
    connection.execute("PRAGMA disable_checkpoint_on_shutdown")  # the database is thrown away
    return connection


def follow(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: list[Any] | None = None,
    progress: Told = lambda fraction: None,
) -> list[tuple[Any, ...]]:
    """The rows that `query` returns; `progress` is told the fraction done meanwhile, ascending.

    The query runs in a thread of its own, so that what `progress` raises, or Ctrl+C, ends it.
    Source: DuckDB, ``query_progress`` and ``interrupt``.

    Args:
        connection: from `connect`.
    """
    furthest = 0.0
    with ThreadPoolExecutor(1) as thread:
        rows = thread.submit(lambda: connection.execute(query, parameters).fetchall())
        try:
            while wait([rows], _SECONDS_BETWEEN_LOOKS).not_done:
                # A percentage; below zero before and after.
                furthest = max(furthest, connection.query_progress() / 100)
                progress(min(1.0, furthest))
        except BaseException:
            connection.interrupt()
            raise
        return rows.result()
