"""Rows as lines of aligned columns, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def table(rows: Sequence[dict[str, Any]], columns: tuple[str, ...]) -> Iterator[str]:
    """A line of the names, then one for each row; titles to the left, all else to the right."""
    cells = [list(columns), *([_cell(row[column]) for column in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(
            cell.ljust(width) if column == "title" else cell.rjust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ).rstrip()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
