"""The command ``matinee search``."""

from __future__ import annotations

import argparse
from typing import Any

from recommender.cli import shared
from recommender.core.errors import NotFoundError

_NOTHING_FOUND = {
    "title": "no title is like {!r}; try fewer or shorter words",
    "facts": "no movie is {!r} by genre, decade, tag and person; `matinee search` finds titles",
    "words": "no movie's plot or tags have words of {!r}, or there are none in this bundle",
    "semantic": "no word of {!r} is known; describe it in other English words",
}


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(commands, "search", _run, "find movies by title, even misspelt")
    shared.add_bundle(command)
    command.add_argument("text", metavar="TEXT", nargs="+", help="words or parts of words")
    how = command.add_mutually_exclusive_group()
    how.add_argument(
        "--semantic",
        action="store_const",
        dest="by",
        const="semantic",
        default="title",
        help="by what the movies are about, which `matinee embed` prepares",
    )
    how.add_argument(
        "--facts",
        action="store_const",
        dest="by",
        const="facts",
        help="by genres, decades (1990s), tags and people: all that is named",
    )
    how.add_argument(
        "--words",
        action="store_const",
        dest="by",
        const="words",
        help="by words of plots and tags: most of them",
    )
    shared.add_count(command)
    shared.add_json(command)


def _run(options: argparse.Namespace) -> None:
    text = " ".join(options.text)
    found = shared.open_recommender(options).search(text, options.n, options.by)
    shared.print_results(found, options.json, ("movie_id", "title", "year", "n_ratings"))
    if not found:
        raise NotFoundError(_NOTHING_FOUND[options.by].format(text))
