"""Rows as lines of aligned columns, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def table(
    rows: Sequence[dict[str, Any]], columns: Sequence[str], left: str = "title"
) -> Iterator[str]:
    """Yield a line of the column names, then a line for each row.

    Args:
        rows: their values by column name; None is shown as nothing, a float with three decimals,
            all else as `str` has it.
        columns: which ones to show, in this order.
        left: the column that is aligned to the left; all others are to the right.
    """
    cells = [list(columns), *([cell(row[column]) for column in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(
            text.ljust(width) if column == left else text.rjust(width)
            for text, width, column in zip(row, widths, columns, strict=True)
        ).rstrip()


def cell(value: Any) -> str:
    """Return a value as the text of a cell: three decimals for fractions, nothing for None."""
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
