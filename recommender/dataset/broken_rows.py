"""Broken rows of a catalogue: mended or left out, counted, and the first of them shown.

A rating is never left out for what stands in its line; a line of the movies, tags or links is, so
that one broken line does not cost a catalogue of 45,000.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from recommender.core.errors import DataError
from recommender.dataset.text_files import MAX_LINE_LENGTH, raw_lines

MAX_SHOWN = 3
# More than so many rows and than this share of them say that the file is read in a wrong way.
_MIN_MANY = 100
_MANY = 0.1
_OPEN_QUOTE = "a quote is not closed or not doubled"


@dataclass(frozen=True)
class BrokenRows:
    """BrokenRows counts the broken rows of a file.

    Attributes:
        file: its name.
        left_out: how many were left out.
        first: why, of the first few, each beginning with its place, such as ``line 5: 10 fields
            where 24 are expected``.
        joined: the lines of those that were mended by joining the next line to them.
    """

    file: str
    left_out: int = 0
    first: tuple[str, ...] = ()
    joined: tuple[int, ...] = ()

    def plus(self, left_out: int, first: Iterable[str], joined: tuple[int, ...] = ()) -> BrokenRows:
        """Return this with so many more rows, and what is said of the first of them."""
        shown = (*self.first, *first)[:MAX_SHOWN]
        return BrokenRows(self.file, self.left_out + left_out, shown, self.joined + joined)

    def check(self, rows: int) -> None:
        """Check that what was left out is little of `rows`.

        Raises:
            DataError: it is more than 100 rows and more than a tenth.
        """
        if self.left_out > _MIN_MANY and self.left_out > _MANY * rows:
            raise DataError(
                f"{self.file}, {self.first[0]}; {self.left_out:,} of {rows:,} rows cannot be used; "
                "mend the file"
            )

    def lines(self) -> list[str]:
        """Return what the report says of them."""
        why = "; ".join(self.first) + "; …" * (self.left_out > len(self.first))
        cut = len(self.joined) > MAX_SHOWN
        found = (
            (self.left_out, f"left out: {why}"),
            (
                len(self.joined),
                "joined out of two lines, as a line break stood in a text without quotes: line "
                f"{', '.join(map(str, self.joined[:MAX_SHOWN]))}{'; …' * cut}",
            ),
        )
        return [
            f"{count:,} {'row' if count == 1 else 'rows'} of {self.file} {what}"
            for count, what in found
            if count
        ]


def copy_whole_rows(
    text: Path, delimiter: str, quoted: bool, width: int, copy: Path
) -> tuple[BrokenRows, array[int]]:
    """Copy the records of `text` that have `width` fields, as CSV with every field in quotes.

    A record that ends too early and one that goes on behind it, in the next line and with a space
    and words, are one.

    Returns:
        What was left out or joined, and the line of each record of the copy (8 bytes each).

    Raises:
        DataError: too much was left out, see `BrokenRows.check`.
    """
    broken, lines = BrokenRows(str(text)), array("L")
    start: _Record | None = None
    with copy.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")

        def leave_out(record: _Record | None) -> None:
            nonlocal broken
            if record is not None:
                broken = broken.plus(1, [f"line {record.line}: {record.problem}"])
                broken.check(len(lines) + broken.left_out)

        for record in _records(text, delimiter, quoted, width):
            whole = record
            if start is not None and record.goes_on(start, width):
                whole, start = start.joined(record), None
                broken = broken.plus(0, (), joined=(whole.line,))
            leave_out(start)
            start = None
            if whole.problem is None:
                writer.writerow(whole.fields[:width])
                lines.append(whole.line)
            else:
                start = whole
        leave_out(start)
    return broken, lines


@dataclass(frozen=True)
class _Record:
    line: int
    fields: list[str]
    problem: str | None

    def goes_on(self, start: _Record, width: int) -> bool:
        """Return whether this is the rest of `start`, not a row of its own that is as broken."""
        is_rest = len(start.fields) > 0 < len(self.fields) and self.line == start.line + 1
        if not is_rest or len(start.fields) + len(self.fields) - 1 != width:
            return False
        return self.fields[0][:1].isspace() and " " in self.fields[0].strip()

    def joined(self, rest: _Record) -> _Record:
        cut = f"{self.fields[-1]} {rest.fields[0].strip()}"
        return _Record(self.line, [*self.fields[:-1], cut, *rest.fields[1:]], None)


def field_problem(fields: list[str], width: int) -> str | None:
    """Return what is wrong with the number of fields; one empty field more does not count."""
    if len(fields) == width or (len(fields) == width + 1 and not fields[-1]):
        return None
    return f"{len(fields)} fields where {width} are expected"


def _records(text: Path, delimiter: str, quoted: bool, width: int) -> Iterator[_Record]:
    """Yield each record. After one with a problem, the next begins in
    the next line, so that a quote that is never closed costs its own line only."""
    lines = _Lines(raw_lines(text))
    if not quoted:
        for line in lines:
            fields = line.rstrip("\r\n").split(delimiter)
            if fields != [""]:
                yield _Record(lines.number, fields, field_problem(fields, width))
        return
    csv.field_size_limit(MAX_LINE_LENGTH)
    while True:
        lines.taken.clear()
        first = lines.number + 1
        try:
            fields = next(csv.reader(lines, delimiter=delimiter, strict=True))
            problem = field_problem(fields, width) if fields else None
        except StopIteration:
            return
        except csv.Error:
            fields, problem = [], _OPEN_QUOTE
        if problem:
            lines.give_back_all_but_one()
        if fields or problem:
            yield _Record(first, fields, problem)


class _Lines:
    """Lines that can be given back.

    Attributes:
        number: of the line that came last.
        taken: the lines since it was cleared.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self.number = 0
        self.taken: list[str] = []
        self._lines = lines
        self._again: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self.number += 1
        self.taken.append(line)
        return line

    def give_back_all_but_one(self) -> None:
        self._again += reversed(self.taken[1:])
        self.number -= len(self.taken) - 1
