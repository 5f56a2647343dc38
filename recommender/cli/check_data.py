"""The command ``matinee check-data``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recommender.cli import shared
from recommender.cli.input_options import add_input_options, import_options, source_of
from recommender.core.errors import DataError
from recommender.core.optional_packages import require_training
from recommender.settings.memory_budget import MemoryBudget

if TYPE_CHECKING:
    from recommender.training.data_check import Bars

_BAR = 40


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(
        commands,
        "check-data",
        _run,
        "check a data set before training: what is recognised, what would be kept",
    )
    add_input_options(command)
    whole = shared.whole_number(0, shared.MAX_NUMBER)
    for flag, default in (("--min-user-ratings", 30), ("--min-movie-ratings", 10)):
        command.add_argument(
            flag,
            type=whole,
            metavar="N",
            default=default,
            help="as of train (default: %(default)s)",
        )
    command.add_argument(
        "--html", type=Path, metavar="FILE.html", help="also write the report as a page, with plots"
    )
    shared.add_json(command)


def _run(options: argparse.Namespace) -> None:
    require_training()
    MemoryBudget.find(options.memory_limit)  # before the imports take their share of it
    from recommender.core.progress_bar import ProgressBar
    from recommender.training.data_check import check_data
    from recommender.training.data_page import data_page
    from recommender.training.pipeline import TrainingSettings

    settings = TrainingSettings(
        options.min_user_ratings, options.min_movie_ratings, imports=import_options(options)
    )
    source = source_of(options)
    with ProgressBar() as progress:
        check = check_data(source, settings, progress)
    if options.html:
        try:
            options.html.write_text(data_page(check, str(source.ratings.path)), encoding="utf-8")
        except OSError as error:
            raise DataError(f"{options.html} cannot be written: {error.strerror}") from None
    if options.json:
        print(json.dumps(check.to_dict(), ensure_ascii=False))
        return
    print("\n".join(check.lines()))
    for heading, bars in (
        ("rating", check.ratings),
        ("ratings of a user", check.ratings_of_users),
        ("ratings of a movie", check.ratings_of_movies),
    ):
        print("\n".join(_histogram(heading, bars)))
    print(f"Checked in {check.seconds} s; nothing was trained.")


def _histogram(heading: str, bars: Bars) -> list[str]:
    """Return a line for each bar, under a heading."""
    width = max(len(heading), *(len(label) for label, _ in bars))
    digits = max(len(f"{count:,}") for _, count in bars)
    most = max(count for _, count in bars)
    return ["", heading] + [
        f"{label:>{width}}  {count:>{digits},}  {'#' * round(_BAR * count / most)}".rstrip()
        for label, count in bars
    ]
