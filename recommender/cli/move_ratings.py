"""The command ``matinee move-ratings``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from recommender.cli import shared
from recommender.core.errors import ProfileError
from recommender.visitors.sqlite_store import SqliteStore
from recommender.visitors.stores import open_database


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(
        commands,
        "move-ratings",
        _run,
        "take the visitors' ratings over into the database of MATINEE_RATINGS_URL",
        ". The file stays as it is, and the command can be given again: of two opinions on a movie "
        "the newer one stays.",
    )
    command.add_argument(
        "--from",
        dest="file",
        type=Path,
        metavar="FILE.sqlite",
        help="the file that has them (default: MATINEE_PROFILES)",
    )


def _run(options: argparse.Namespace) -> None:
    path = options.file or options.knobs.profiles
    database = open_database(options.knobs)
    if not path.is_file():  # opening it would make one
        raise ProfileError(f"{path}: there is no such file; --from names the one with the ratings")
    file = SqliteStore(path)
    visitors = ratings = new = 0
    for key, used_at, given in file.everybody():
        new += database.take_over(key, used_at, given)
        visitors += 1
        ratings += len(given)
    file.close()
    database.close()
    print(
        f"{path}: {ratings:,} ratings and marks of {visitors:,} visitors; "
        f"{new:,} were new in {database.place}, schema {options.knobs.ratings_schema}"
    )
