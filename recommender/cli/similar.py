"""The command ``matinee similar``."""

from __future__ import annotations

import argparse
from typing import Any

from recommender.cli import shared
from recommender.scoring.similar import DEFAULT_METHOD, METHODS


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(commands, "similar", _run, "movies similar to one movie")
    shared.add_bundle(command)
    command.add_argument("--movie", metavar="ID", required=True, help="the movie")
    command.add_argument(
        "--method", choices=METHODS, help=f"what to compare (default: {DEFAULT_METHOD})"
    )
    shared.add_count(command)
    shared.add_json(command)


def _run(options: argparse.Namespace) -> None:
    matinee = shared.open_recommender(options)
    found = matinee.find_similar_movies(options.movie, options.n, options.method)
    columns = ("rank", "similarity", "movie_id", "title", "year")
    shared.print_results(found, options.json, columns)
