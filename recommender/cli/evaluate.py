"""The command ``matinee evaluate``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from recommender.cli import shared
from recommender.cli.input_options import (
    add_input_options,
    add_judging_options,
    judged_settings,
    source_of,
)
from recommender.core.optional_packages import require_training
from recommender.settings.memory_budget import MemoryBudget


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(
        commands, "evaluate", _run, "judge all models on held-out ratings, against baselines"
    )
    add_input_options(command)
    add_judging_options(command)
    command.add_argument(
        "--protocol",
        choices=("random", "time"),
        default="random",
        help="hold out a random share of each user's ratings, or the latest of all "
        "(default: %(default)s)",
    )
    command.add_argument(
        "--held-out",
        type=float,
        metavar="SHARE",
        default=0.2,
        help="which share is held out (default: %(default)s)",
    )
    command.add_argument(
        "--seeds",
        type=_seeds,
        metavar="N,N,…",
        default=(1,),
        help="one random split each (default: 1)",
    )
    shared.add_json(command)
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="also write results.json and results.svg there"
    )


def _seeds(text: str) -> tuple[int, ...]:
    try:
        return tuple(map(shared.whole_number(0, shared.MAX_NUMBER), text.split(",")))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of whole numbers like 1,2,3"
        ) from None


def _run(options: argparse.Namespace) -> None:
    require_training()
    MemoryBudget.find(options.memory_limit)  # before the imports take their share of it
    from recommender.core.progress_bar import ProgressBar
    from recommender.evaluation.judging import EvaluationOptions, evaluate
    from recommender.evaluation.report import report_lines, write_results

    chosen = EvaluationOptions(
        options.protocol, options.seeds, options.users, held_out=options.held_out
    )
    source, settings = source_of(options), judged_settings(options)
    with ProgressBar() as progress:
        results = evaluate(source, chosen, settings, progress)
    if options.out:
        write_results(results, options.out)
    print(json.dumps(results) if options.json else "\n".join(report_lines(results)))
