"""The command ``matinee embed``."""

from __future__ import annotations

import argparse
from typing import Any

from recommender.core.address import Address, place
from recommender.core.errors import SettingsError
from recommender.search.semantic.teacher import DEFAULT_MODEL


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    text = "encode the movies' texts, for search by meaning"
    command = commands.add_parser("embed", help=text, description=text)
    command.set_defaults(run=_embed)
    command.add_argument(
        "--bundle",
        type=place,
        metavar="BUNDLE",
        help="the bundle to add to (default: MATINEE_BUNDLE, else ./bundle)",
    )
    command.add_argument(
        "--batch-size",
        type=_size,
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


def _size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1024")
    return int(text)


def _embed(options: argparse.Namespace) -> None:
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
