"""The command ``matinee embed``."""

from __future__ import annotations

import argparse
from typing import Any

from recommender.cli import shared
from recommender.core.address import Address
from recommender.core.errors import SettingsError
from recommender.search.semantic.teacher import DEFAULT_MODEL


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(
        commands, "embed", _run, "encode the movies' texts, for search by meaning"
    )
    shared.add_bundle(command, "to add to")
    command.add_argument(
        "--batch-size",
        type=shared.whole_number(1, 1024),
        metavar="N",
        default=32,
        help="texts encoded, and stored, at once (default: %(default)s)",
    )
    command.add_argument(
        "--model",
        metavar="NAME",
        default=DEFAULT_MODEL,
        help="a folder of a BERT sentence encoder, or a package that carries one "
        "(default: %(default)s)",
    )


def _run(options: argparse.Namespace) -> None:
    from recommender.core.progress_bar import ProgressBar
    from recommender.search.semantic.embed import embed

    path = options.bundle or options.knobs.bundle
    if isinstance(path, Address):
        raise SettingsError(
            f"{path}: embed the bundle in its folder, then put it there with `matinee publish`"
        )
    with ProgressBar() as progress:
        done = embed(path, options.model, options.batch_size, progress)
    print(
        f"{path}: {done.movies:,} movies and {done.words:,} words have vectors; "
        f"{done.encoded:,} texts were encoded in {done.seconds} s, {done.reused:,} had been before"
    )
