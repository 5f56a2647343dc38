"""Help of the benchmarks' commands, and their rows as a file: what all of them have in common."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path


def command_line(about: str | None, *, rows: bool = True) -> argparse.ArgumentParser:
    """Return a parser whose help is the docstring `about`.

    Args:
        rows: whether it has --json, see `write_rows`.
    """
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if rows:
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there, too")
    return parser


def write_rows(file: Path | None, rows: Sequence[Mapping[str, object]]) -> None:
    """Write the rows into the file that --json names, if it does."""
    if file:
        file.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
