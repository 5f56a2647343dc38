"""Options of `train`, `evaluate` and `tune`: which files to read, and by which engine."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from recommender.cli import shared
from recommender.core.errors import SettingsError
from recommender.spark import LOCAL_MASTER, NO_COUNTS

if TYPE_CHECKING:
    from recommender.core.relevance import Relevant
    from recommender.dataset import ImportOptions, Source
    from recommender.training.pipeline import TrainingSettings


def add_input_options(command: argparse.ArgumentParser) -> None:
    """Add --dataset, --ratings, --movies, --tags, --links, --titles and how to read them."""
    files = command.add_argument_group("input: either --dataset, or --ratings with --movies")
    files.add_argument("--dataset", metavar="DIR", help="a folder with a data set")
    files.add_argument("--ratings", metavar="PATH", help="CSV, .dat or Parquet")
    files.add_argument("--movies", metavar="PATH", help="CSV, .dat or Parquet")
    files.add_argument("--tags", metavar="PATH", help="tags that users gave to movies")
    files.add_argument(
        "--links",
        metavar="PATH",
        help="IMDb and TMDB ids of movies (default: links.csv beside the movies)",
    )
    files.add_argument(
        "--titles",
        metavar="PATH",
        help="titles in other languages: a movie id, IMDb id or TMDB id, and columns such as "
        "title_ko (default: titles.csv or titles_ko.csv beside the movies)",
    )
    files.add_argument("--encoding", help="of text files that are not UTF-8: cp949, latin-1, …")
    files.add_argument(
        "--scale",
        type=_scale,
        metavar="LOW-HIGH",
        help="the rating scale, such as 0.5-5 (default: detected)",
    )
    files.add_argument(
        "--strict",
        action="store_true",
        help="refuse a broken row of the movies, tags or links; otherwise it is left out and shown",
    )
    files.add_argument(
        "--allow-unmatched",
        action="store_true",
        help="train even where more than half of the ratings are of movies that --movies lacks",
    )
    files.add_argument(
        "--unrated",
        action="append",
        default=[],
        metavar="VALUES",
        help="what stands where there is no rating, such as -1 or NA or --unrated=-1,99,empty; "
        "these rows are left out",
    )
    files.add_argument(
        "--feedback",
        choices=("stars", "counts"),
        help="what the ratings are: opinions, or counts of how often each user watched each movie "
        "(default: stars)",
    )
    files.add_argument(
        "--memory-limit",
        type=shared.size,
        metavar="SIZE",
        help="what the whole process may take, such as 256M (default: MATINEE_MEMORY_LIMIT, else "
        "what the container or the machine has)",
    )


def add_engine_options(command: argparse.ArgumentParser, does: str) -> None:
    """Add --engine, --master and --spark-conf; `does` follows "who"."""
    engine = command.add_argument_group("engine: this process, or Apache Spark")
    engine.add_argument(
        "--engine",
        choices=("local", "spark"),
        default="local",
        help=f"who {does} (default: %(default)s)",
    )
    engine.add_argument(
        "--master", metavar="URL", help=f"Spark's cluster (default: {LOCAL_MASTER}, this machine)"
    )
    engine.add_argument(
        "--spark-conf",
        type=_spark_setting,
        action="append",
        default=[],
        metavar="spark.KEY=VALUE",
        help="a setting of Spark; can be given several times",
    )


def add_judging_options(command: argparse.ArgumentParser) -> None:
    """Add --settings and --users, of `evaluate` and `tune`."""
    command.add_argument(
        "--settings", type=Path, metavar="FILE.json", help="settings of the models, from tune"
    )
    command.add_argument(
        "--users",
        type=shared.whole_number(0, shared.MAX_NUMBER),
        metavar="N",
        default=20_000,
        help="of more users, judge so many, drawn at random (default: %(default)s)",
    )
    add_choice_options(command)


def judged_settings(options: argparse.Namespace) -> TrainingSettings:
    """Return the settings of the models that are judged: of --settings, else the defaults.

    Raises:
        SettingsError: the file cannot be used.
    """
    from recommender.training.settings_file import default_settings, load_settings

    settings = load_settings(options.settings) if options.settings else default_settings()
    settings = dataclasses.replace(settings, imports=import_options(options))
    return with_choice_options(settings, options)


def check_engine_options(options: argparse.Namespace) -> None:
    """See that what is for Spark comes with Spark.

    Raises:
        SettingsError: it does not.
    """
    if options.engine == "local" and (options.master or options.spark_conf):
        raise SettingsError("--master and --spark-conf need --engine spark")
    if options.engine == "spark" and getattr(options, "feedback", None) == "counts":
        raise SettingsError(NO_COUNTS)


def source_of(options: argparse.Namespace) -> Source:
    """Return the files that the options name.

    Raises:
        SettingsError: they name none, or two kinds of input at once.
        DataError: a file is not there, or a folder holds no data set.
    """
    from recommender.dataset import from_directory, from_files

    titles = Path(options.titles) if options.titles else None
    if names_folder(options):
        return from_directory(Path(options.dataset), titles)
    tags, links = (Path(path) if path else None for path in (options.tags, options.links))
    return from_files(Path(options.ratings), Path(options.movies), tags, links, titles)


def names_folder(options: argparse.Namespace) -> bool:
    """Return True if the options name a folder with a data set, and not its files.

    Raises:
        SettingsError: they name neither, or both.
    """
    named = (options.ratings, options.movies, options.tags, options.links)
    if options.dataset and not any(named):
        return True
    if options.ratings and options.movies and not options.dataset:
        return False
    raise SettingsError("give either --dataset DIR, or --ratings PATH and --movies PATH")


def import_options(options: argparse.Namespace) -> ImportOptions:
    """Return how to read the files.

    Raises:
        SettingsError: a value cannot be used.
    """
    from recommender.dataset import ImportOptions

    return ImportOptions(
        options.encoding,
        options.scale,
        options.memory_limit,
        strict=options.strict,
        allow_unmatched=options.allow_unmatched,
        unrated=tuple(value.strip() for values in options.unrated for value in values.split(",")),
        feedback=options.feedback or "stars",
    )


def _spark_setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.startswith("spark."):
        raise argparse.ArgumentTypeError(f"{text!r} is not spark.KEY=VALUE")
    return key, value


def _scale(text: str) -> tuple[float, float]:
    low, dash, high = text[1:].partition("-")  # the first sign may be a minus
    try:
        scale = float(text[:1] + low), float(high)
    except ValueError:
        scale = (0.0, 0.0)
    if not dash or not scale[0] < scale[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is not a scale like 0.5-5")
    return scale


def add_choice_options(command: argparse._ActionsContainer) -> None:
    """Add what says how the ranking model's settings are chosen."""
    command.add_argument(
        "--relevant",
        type=_relevant,
        metavar="liked|any|N",
        help="which ratings count: those three quarters of the way up the scale, all, or those of "
        "N stars (or plays) and more (default: liked; any for counts and equal ratings)",
    )
    command.add_argument(
        "--no-choose",
        action="store_true",
        help="use the ranking model's settings as they are (with --add as they were chosen for the "
        "bundle), instead of choosing on these data",
    )


def with_choice_options(
    settings: TrainingSettings, options: argparse.Namespace
) -> TrainingSettings:
    """Return `settings` with what these options say in their place."""
    if options.relevant is not None:
        settings = dataclasses.replace(settings, relevant=options.relevant)
    return dataclasses.replace(settings, choose=settings.choose and not options.no_choose)


def _relevant(text: str) -> Relevant:
    from recommender.core.relevance import parse_relevant

    try:
        return parse_relevant(text)
    except SettingsError:
        message = f"{text[:100]!r} is not liked, any or a number of stars"
        raise argparse.ArgumentTypeError(message) from None
