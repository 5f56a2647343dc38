"""The command ``matinee train``."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recommender.cli import shared
from recommender.cli.input_options import (
    add_choice_options,
    add_engine_options,
    add_input_options,
    check_engine_options,
    import_options,
    names_folder,
    source_of,
    with_choice_options,
)
from recommender.core.errors import SettingsError
from recommender.core.optional_packages import require_training
from recommender.core.text_table import table
from recommender.settings.memory_budget import MemoryBudget
from recommender.spark import LOCAL_MASTER

if TYPE_CHECKING:
    from recommender.bundle.bundle import Bundle
    from recommender.bundle.manifest import StageRecord
    from recommender.training.pipeline import TrainingSettings


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(commands, "train", _run, "train a bundle from ratings and movies")
    add_input_options(command)
    does = "does the heavy part; with spark, paths may be addresses that Spark reads, and "
    add_engine_options(command, does + "--ratings a folder of part files")
    command.add_argument(
        "--out", type=Path, metavar="BUNDLE", required=True, help="the bundle to write"
    )
    command.add_argument(
        "--posters",
        type=Path,
        metavar="DIR",
        help="images (jpg, png, webp) named after movie ids or IMDb ids, for the app to show; a "
        "column poster of the movies names files in their folder",
    )
    more = command.add_argument_group("more data for a bundle: --add and --bundle")
    more.add_argument(
        "--add",
        type=Path,
        metavar="PATH",
        help="new ratings, which are added to those of --bundle; --movies, --links and --titles "
        "may add movies and titles; the settings are the bundle's where no option says otherwise",
    )
    more.add_argument(
        "--bundle", type=Path, metavar="BUNDLE", help="what to add to; --out may name the same"
    )
    command.add_argument(
        "--credit", metavar="TEXT", help="source and terms, shown on the About page"
    )
    command.add_argument(
        "--evaluate",
        action="store_true",
        help="first measure, on held-out ratings, what the About page says of the quality",
    )
    model = command.add_argument_group("model")
    model.add_argument(
        "--settings",
        type=Path,
        metavar="FILE.json",
        help="settings of the models, from tune; the options below come before it",
    )
    whole = shared.whole_number(0, shared.MAX_NUMBER)
    for flag, default, what in (
        ("--min-user-ratings", 30, "users with fewer ratings are left out of the stars model"),
        ("--min-movie-ratings", 10, "movies with fewer ratings are left out of the stars model"),
        ("--factors", "MATINEE_FACTORS, else 20", "factors of the stars model"),
        ("--epochs", 20, "passes over the ratings"),
        ("--seed", 0, "where the random numbers start"),
        ("--max-features", "MATINEE_FEATURES, else 2000", "terms of the content model"),
    ):
        model.add_argument(flag, type=whole, metavar="N", help=f"{what} (default: {default})")
    add_choice_options(model)


def _run(options: argparse.Namespace) -> None:
    require_training()
    MemoryBudget.find(options.memory_limit)  # before the imports take their share of it
    check_engine_options(options)
    from recommender.models.ranking import RankingModel
    from recommender.models.ranking_choice import described

    if options.add or options.bundle:
        bundle = _train_on_more(options)
    else:
        run = _train_on_spark if options.engine == "spark" else _train_here
        bundle = run(options, _training_settings(options, _base_settings(options)))
    for line in bundle.training.data.report:
        print(line)
    columns = ("stage", "seconds", "peak_mb", "disk_mb")
    print("\n".join(table([_stage_row(stage) for stage in bundle.training.stages], columns)))
    if line := described(RankingModel.load(bundle)):
        print(line)
    data = bundle.training.data
    print(
        f"Trained on {data.trained_users:,} users and {data.trained_movies:,} movies in "
        f"{bundle.training.seconds} s; {options.out} takes {bundle.size / 2**20:.1f} MB."
    )


def _train_here(options: argparse.Namespace, settings: TrainingSettings) -> Bundle:
    from recommender.core.progress_bar import ProgressBar
    from recommender.training.pipeline import train

    source = source_of(options)
    with ProgressBar() as progress:
        measured = None
        if options.evaluate:
            from recommender.evaluation.judging import quality

            measured = quality(source, settings, progress)
        return train(source, options.out, settings, progress, measured, posters=options.posters)


def _train_on_more(options: argparse.Namespace) -> Bundle:
    """Train on what a bundle holds and the files that add to it.

    Raises:
        SettingsError: there is no bundle, or an option that adding has no use for.
    """
    if not options.add or not options.bundle:
        raise SettingsError("give --add PATH and --bundle BUNDLE together")
    others = ("dataset", "ratings", "tags", "evaluate", "settings")
    used = [name for name in others if getattr(options, name)]
    if used or options.engine != "local":
        name = used[0] if used else "engine spark"
        raise SettingsError(f"--{name} does not go with --add; train on all files instead")
    from recommender.bundle.bundle import Bundle
    from recommender.core.progress_bar import ProgressBar
    from recommender.models.ranking import RankingModel
    from recommender.training.additions import added_source, with_chosen
    from recommender.training.pipeline import train
    from recommender.training.settings_file import recorded_settings

    before = Bundle.open(options.bundle)
    recorded = recorded_settings(before.training.settings)
    if options.feedback not in (None, recorded.imports.feedback):
        raise SettingsError(
            f"--feedback {options.feedback}: the ratings of {options.bundle} are "
            f"{recorded.imports.feedback}; leave it out, or train on all files"
        )
    settings = _training_settings(options, recorded)
    if options.no_choose:
        settings = with_chosen(settings, RankingModel.load(before))
    movies, links, titles = (
        Path(path) if path else None for path in (options.movies, options.links, options.titles)
    )
    folder = options.out.resolve().parent
    with (
        added_source(
            before, options.add, movies, links, titles, settings.imports, folder
        ) as source,
        ProgressBar() as progress,
    ):
        posters = options.posters
        return train(source, options.out, settings, progress, posters=posters, before=before)


def _train_on_spark(options: argparse.Namespace, settings: TrainingSettings) -> Bundle:
    if options.evaluate:
        raise SettingsError("--evaluate needs --engine local: it trains in this process")
    in_one_folder = names_folder(options)
    from recommender.spark.session import open_session

    conf, master = dict(options.spark_conf), options.master or LOCAL_MASTER
    with open_session(master, conf, options.memory_limit) as spark:
        from recommender.core.progress_bar import ProgressBar
        from recommender.spark.engine import SparkEngine
        from recommender.spark.errors import one_line_errors
        from recommender.spark.files import FileSystem
        from recommender.spark.sources import SparkSource, in_folder, with_files_beside
        from recommender.training.pipeline import train

        with one_line_errors():
            files, titles = FileSystem(spark), options.titles
            if in_one_folder:
                source = dataclasses.replace(in_folder(files, options.dataset), titles=titles)
            else:
                named = options.ratings, options.movies, options.tags, options.links
                source = SparkSource(*named, titles)
            source = with_files_beside(files, source)
        with ProgressBar() as progress:
            engine, posters = SparkEngine(spark), options.posters
            return train(source, options.out, settings, progress, engine=engine, posters=posters)


def _stage_row(stage: StageRecord) -> dict[str, Any]:
    return {
        "stage": stage.name + (" (done before)" if stage.reused else ""),
        "seconds": str(stage.seconds),
        "peak_mb": f"{stage.peak / 2**20:.0f}",
        "disk_mb": f"{stage.disk / 2**20:.0f}",
    }


def _base_settings(options: argparse.Namespace) -> TrainingSettings:
    """The settings file's, or the defaults."""
    from recommender.training.settings_file import default_settings, load_settings

    return load_settings(options.settings) if options.settings else default_settings()


def _training_settings(options: argparse.Namespace, base: TrainingSettings) -> TrainingSettings:
    """The settings `base`, with what the options say in their place."""
    imports = import_options(options)
    settings = dataclasses.replace(
        base,
        **_given(
            min_user_ratings=options.min_user_ratings,
            min_movie_ratings=options.min_movie_ratings,
            max_features=options.max_features,
        ),
        stars=dataclasses.replace(
            base.stars,
            **_given(n_factors=options.factors, n_epochs=options.epochs, random_state=options.seed),
        ),
        ranking=dataclasses.replace(base.ranking, **_given(random_state=options.seed)),
        imports=dataclasses.replace(
            imports,
            scale=imports.scale or base.imports.scale,
            feedback=options.feedback or base.imports.feedback,
        ),
        credit=options.credit or base.credit,
    )
    return with_choice_options(settings, options)


def _given(**values: Any) -> dict[str, Any]:
    """Those options that were given."""
    return {name: value for name, value in values.items() if value is not None}
