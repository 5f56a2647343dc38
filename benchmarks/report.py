"""Rows as Markdown tables, and the places in the docs where these stand.

A place is everything between `<!-- figures: NAME -->` and `<!-- end of figures -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

Row = dict[str, str | int | float | None]
BEGIN, END = "<!-- figures: {} -->", "<!-- end of figures -->"


class Column(NamedTuple):
    """One column of a table.

    Attributes:
        key: of the rows.
        head: what stands above it.
        style: a format specification such as `.1f`; empty for text.
    """

    key: str
    head: str
    style: str = ""


class Table(NamedTuple):
    """A table by its name in the docs; `kind` picks its rows among those with a key `table`."""

    name: str
    columns: tuple[Column, ...]
    kind: str | None = None


def markdown(table: Table, rows: Iterable[Row]) -> str:
    """The rows that are the table's, as Markdown; what a row lacks is an empty cell."""
    lines = [
        f"| {' | '.join(column.head for column in table.columns)} |",
        f"|{'---|' * len(table.columns)}",
    ]
    for row in rows:
        if row.get("table") == table.kind:
            cells = (_cell(row.get(column.key), column.style) for column in table.columns)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def lacking(table: Table, rows: Iterable[Row]) -> list[str]:
    """The columns that none of the table's rows has."""
    known = {key for row in rows if row.get("table") == table.kind for key in row}
    return [column.key for column in table.columns if column.key not in known]


def _cell(value: str | int | float | None, style: str) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, str) else format(value, style)


def replaced(text: str, blocks: Mapping[str, str]) -> str:
    """`text` with each block in its place; places without a block, and the rest, stay."""

    def fill(place: re.Match[str]) -> str:
        block = blocks.get(place[2])
        return place[0] if block is None else f"{place[1]}\n{block}\n{END}"

    return re.sub(f"({BEGIN.format('(.+?)')}).*?{END}", fill, text, flags=re.DOTALL)


def write_places(files: Iterable[Path], blocks: Mapping[str, str]) -> list[Path]:
    """Bring the places in the files up to date; those that changed."""
    changed = []
    for file in files:
        old = file.read_text(encoding="utf-8")
        new = replaced(old, blocks)
        if new != old:
            file.write_text(new, encoding="utf-8")
            changed.append(file)
    return changed
