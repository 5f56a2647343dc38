"""The command ``matinee predict``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from recommender.cli import shared


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(
        commands, "predict", _run, "predict the stars for pairs of user and movie"
    )
    shared.add_bundle(command)
    command.add_argument(
        "--pairs",
        type=Path,
        metavar="FILE.csv",
        required=True,
        help="with the columns user_id and movie_id",
    )
    command.add_argument(
        "--out",
        type=Path,
        metavar="FILE.csv",
        required=True,
        help="the pairs with their stars, and which of the two is unknown",
    )


def _run(options: argparse.Namespace) -> None:
    from recommender.cli.export import predict_pairs

    count, unknown = predict_pairs(shared.open_recommender(options), options.pairs, options.out)
    print(f"{options.out}: {count:,} predictions")
    if unknown:
        print(
            f"matinee: {unknown:,} of {count:,} pairs have a user or a movie that is unknown and "
            "counts as an average one; the column unknown says which",
            file=sys.stderr,
        )
