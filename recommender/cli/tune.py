"""The command ``matinee tune``."""

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
from recommender.core.errors import DataError
from recommender.core.optional_packages import require_training
from recommender.settings.memory_budget import MemoryBudget

MAX_MINUTES = 100_000


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(
        commands, "tune", _run, "choose settings on a validation split, for train --settings"
    )
    add_input_options(command)
    add_judging_options(command)
    whole = shared.whole_number(0, shared.MAX_NUMBER)
    for flag, kind, default, what in (
        ("--trials", whole, 40, "settings to try at most"),
        ("--minutes", shared.number(0, MAX_MINUTES), 30.0, "when to stop at the latest"),
        ("--seed", whole, 1, "of the split; evaluate --seeds with it judges on other ratings"),
    ):
        command.add_argument(
            flag, type=kind, metavar="N", default=default, help=f"{what} (default: {default:g})"
        )
    command.add_argument(
        "--out",
        type=Path,
        metavar="FILE.json",
        default=Path("settings.json"),
        help="where to write the settings (default: %(default)s)",
    )


def _run(options: argparse.Namespace) -> None:
    require_training()
    MemoryBudget.find(options.memory_limit)
    from recommender.core.progress_bar import ProgressBar
    from recommender.evaluation.tuning import TuningOptions, tune

    chosen = TuningOptions(options.trials, options.minutes, options.seed, options.users)
    source, settings = source_of(options), judged_settings(options)
    with ProgressBar() as progress:
        found = tune(source, chosen, settings, progress, lambda line: print(line, flush=True))
    try:
        options.out.write_text(json.dumps(found.to_dict(), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{options.out} cannot be written: {error.strerror}; check --out") from None
    print(
        f"{options.out}: RMSE {found.first_rmse:.4f} → {found.rmse:.4f}, "
        f"NDCG@10 {found.first_ndcg:.4f} → {found.ndcg:.4f} on the validation part; "
        f"train with --settings {options.out}"
    )
