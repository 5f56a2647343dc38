"""The commands ``matinee evaluate`` and ``matinee tune``."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recommender.cli.input_options import add_input_options, import_options, source_of
from recommender.core.errors import DataError
from recommender.core.memory_budget import Allowance
from recommender.core.optional_packages import require_training

if TYPE_CHECKING:
    from recommender.training.pipeline import TrainingSettings


def add_commands(commands: Any) -> None:
    """Add both commands to the subparsers `commands`."""
    text = "judge all models on held-out ratings, against baselines"
    command = commands.add_parser("evaluate", help=text, description=text)
    command.set_defaults(run=_evaluate)
    _add_input(command)
    command.add_argument(
        "--protocol",
        choices=("random", "time"),
        default="random",
        help="hold out a random fifth of each user's ratings, or the latest fifth of all "
        "(default: %(default)s)",
    )
    command.add_argument(
        "--seeds",
        type=_seeds,
        metavar="N,N,…",
        default=(1,),
        help="one random split each (default: 1)",
    )
    _add_users(command)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="also write results.json and results.svg there"
    )

    text = "choose settings on a validation split, for train --settings"
    command = commands.add_parser("tune", help=text, description=text)
    command.set_defaults(run=_tune)
    _add_input(command)
    for flag, kind, default, what in (
        ("--trials", int, 40, "settings to try at most"),
        ("--minutes", float, 30.0, "when to stop at the latest"),
        ("--seed", int, 1, "of the split; evaluate --seeds with it judges on other ratings"),
    ):
        command.add_argument(
            flag, type=kind, metavar="N", default=default, help=f"{what} (default: {default:g})"
        )
    _add_users(command)
    command.add_argument(
        "--out",
        type=Path,
        metavar="FILE.json",
        default=Path("settings.json"),
        help="where to write the settings (default: %(default)s)",
    )


def _add_input(command: argparse.ArgumentParser) -> None:
    add_input_options(command)
    command.add_argument(
        "--settings", type=Path, metavar="FILE.json", help="settings of the models, from tune"
    )


def _add_users(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--users",
        type=int,
        metavar="N",
        default=20_000,
        help="of more users, judge so many, drawn at random (default: %(default)s)",
    )


def _seeds(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like 1,2,3") from None


def _settings(options: argparse.Namespace) -> TrainingSettings:
    from recommender.training.settings_file import default_settings, load_settings

    settings = load_settings(options.settings) if options.settings else default_settings()
    return dataclasses.replace(settings, imports=import_options(options))


def _evaluate(options: argparse.Namespace) -> None:
    require_training()
    Allowance.find(options.memory_limit)  # before the imports take their share of it
    from recommender.core.progress_bar import ProgressBar
    from recommender.evaluation.judging import EvaluationOptions, evaluate
    from recommender.evaluation.report import report_lines, write_results

    chosen = EvaluationOptions(options.protocol, options.seeds, options.users)
    source, settings = source_of(options), _settings(options)
    with ProgressBar() as progress:
        results = evaluate(source, chosen, settings, progress)
    if options.out:
        write_results(results, options.out)
    print(json.dumps(results) if options.json else "\n".join(report_lines(results)))


def _tune(options: argparse.Namespace) -> None:
    require_training()
    Allowance.find(options.memory_limit)
    from recommender.core.progress_bar import ProgressBar
    from recommender.evaluation.tuning import TuningOptions, tune

    chosen = TuningOptions(options.trials, options.minutes, options.seed, options.users)
    source, settings = source_of(options), _settings(options)
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
