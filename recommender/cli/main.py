"""The command line: ``matinee train|recommend|similar|search|predict|info|serve|settings|…``.

Exit status: 0 done; 1 what was asked for is not there or cannot be used; 2 wrong usage; 130 and 143
stopped by Ctrl+C and SIGTERM. Errors are one line on stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from memory_toolkit.guard.guard import Guard
from recommender import __version__
from recommender.cli.evaluate import add_commands as add_evaluation
from recommender.cli.input_options import add_engine_options, check_engine_options
from recommender.cli.move_ratings import add_command as add_move_ratings
from recommender.cli.publish import add_command as add_publish
from recommender.cli.semantic import add_commands as add_semantic
from recommender.cli.train import add_command as add_train
from recommender.core.address import place
from recommender.core.errors import MatineeError, SettingsError
from recommender.core.optional_packages import require, require_spark
from recommender.core.progress_bar import ProgressBar
from recommender.core.records import Results
from recommender.core.text_table import table
from recommender.recommender import DEFAULT_WEIGHT, Recommender
from recommender.remote.opening import open_bundle
from recommender.scoring.requests import RANK_BY
from recommender.scoring.similar import METHODS
from recommender.settings.env_file import load_env_file
from recommender.settings.environment import Settings, unknown_variables
from recommender.spark import LOCAL_MASTER


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    options = _parser().parse_args(arguments)
    asked = [signal.SIGINT]

    def stop(number: int, frame: object) -> NoReturn:
        """End as Ctrl+C does, which removes what is half done."""
        asked.append(signal.Signals(number))
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        options.from_file = load_env_file()
        options.knobs = Settings.from_environment()
        for line in [] if vars(options).get("export") else unknown_variables():
            print(f"matinee: {line}", file=sys.stderr)
        options.run(options)
        sys.stdout.flush()
    except SettingsError as error:
        return _fail(error, 2)
    except MatineeError as error:
        return _fail(error, 1)
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return _fail("stopped; nothing was changed", 128 + asked[-1])
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _fail(error: object, status: int) -> int:
    print(f"matinee: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="matinee", description="Movie recommendations in the memory you have."
    )
    parser.add_argument("--version", action="version", version=f"matinee {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_train(commands)
    add_evaluation(commands)
    add_semantic(commands)
    add_publish(commands)

    command = _add(commands, "recommend", _recommend, "recommend movies to one user or to all")
    who = command.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", metavar="ID", help="the user")
    who.add_argument("--all-users", action="store_true", help="every user, into --out")
    who.add_argument(
        "--ratings", type=Path, metavar="FILE.csv", help="somebody new, by movie_id and rating"
    )
    _add_count(command)
    command.add_argument(
        "--cf-weight",
        type=_weight,
        metavar="W",
        default=DEFAULT_WEIGHT,
        help="weight of the collaborative part, 0 to 1 (default: %(default)s)",
    )
    command.add_argument(
        "--rank-by",
        choices=RANK_BY,
        default=RANK_BY[0],
        help="what the collaborative part orders by (default: %(default)s)",
    )
    command.add_argument(
        "--out",
        type=Path,
        metavar="FILE.parquet",
        help="with --all-users: where to write user_id, movie_id, rank, score; "
        "a new folder with --engine spark",
    )
    _add_json(command)
    add_engine_options(command, "ranks, with --all-users")

    command = _add(commands, "similar", _similar, "movies similar to one movie")
    command.add_argument("--movie", metavar="ID", required=True, help="the movie")
    command.add_argument("--method", choices=METHODS, default=METHODS[0], help="what to compare")
    _add_count(command)
    _add_json(command)

    command = _add(commands, "search", _search, "find movies by title, even misspelt")
    command.add_argument("text", metavar="TEXT", nargs="+", help="words or parts of words")
    how = command.add_mutually_exclusive_group()
    how.add_argument(
        "--semantic",
        action="store_const",
        dest="by",
        const="meaning",
        default="title",
        help="by what the movies are about, which `matinee embed` prepares",
    )
    how.add_argument(
        "--facts",
        action="store_const",
        dest="by",
        const="facts",
        help="by genres, decades (1990s), tags and people",
    )
    _add_count(command)
    _add_json(command)

    command = _add(commands, "predict", _predict, "predict the stars for pairs of user and movie")
    command.add_argument(
        "--pairs", type=Path, metavar="FILE.csv", required=True, help="with user_id and movie_id"
    )
    command.add_argument(
        "--out", type=Path, metavar="FILE.csv", required=True, help="the pairs with their stars"
    )

    command = _add(commands, "info", _info, "what a bundle holds")
    _add_json(command)

    text = "start the app in the browser, on the port of STREAMLIT_SERVER_PORT or PORT, else 8501"
    command = commands.add_parser("serve", help=text, description=text)
    command.set_defaults(run=_serve)
    command.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        metavar="-- ARGUMENTS",
        help="for Streamlit, as in: serve -- --server.port 8600",
    )

    add_move_ratings(commands)

    text = "every variable that can be set, and what is in force"
    command = commands.add_parser("settings", help=text, description=text)
    command.set_defaults(run=_settings)
    command.add_argument(
        "--export", action="store_true", help="print what .env adds, for a shell to evaluate"
    )
    return parser


def _add(
    commands: Any, name: str, run: Callable[[argparse.Namespace], None], text: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    command.add_argument(
        "--bundle",
        type=place,
        metavar="BUNDLE",
        help="the bundle to read, a folder or an address (default: MATINEE_BUNDLE, else ./bundle)",
    )
    return command


def _add_count(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-n", type=_count, metavar="N", default=10, help="how many movies (default: %(default)s)"
    )


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return weight


def _open(options: argparse.Namespace) -> Recommender:
    # Batches follow the memory that is left.
    fit = Guard().batch if options.knobs.guard else None
    where = options.bundle or options.knobs.bundle
    with ProgressBar() as progress:

        def fetching(done: int, of: int) -> None:
            if of:
                progress(f"Fetching {where}", done / of)

        bundle = open_bundle(where, options.knobs, fetching)
    return Recommender(bundle, options.knobs, fit)


def _recommend(options: argparse.Namespace) -> None:
    check_engine_options(options)
    if options.engine == "spark" and not options.all_users:
        raise SettingsError("--engine spark is for --all-users; leave it out")
    if options.all_users:
        _recommend_everybody(options)
        return
    matinee = _open(options)
    chosen = {"n": options.n, "cf_weight": options.cf_weight, "rank_by": options.rank_by}
    if options.ratings:
        from recommender.cli.export import read_ratings

        found = matinee.recommend(read_ratings(options.ratings, matinee.scale), **chosen)
    else:
        found = matinee.hybrid_recommend(options.user, **chosen)
    _print(found, options.json, ("rank", "score", "stars", "movie_id", "title", "year"))


def _recommend_everybody(options: argparse.Namespace) -> None:
    require("--all-users", "pyarrow", "scipy")
    from recommender.cli.export import write_parts, write_recommendations

    if options.out is None:
        raise SettingsError("--all-users needs --out FILE.parquet")
    chosen = (options.n, options.cf_weight, options.rank_by)
    if options.engine == "spark":
        require_spark()
        from recommender.spark.everybody import on_cluster

        matinee, write = _open(options), write_parts
        cluster = on_cluster(options.master or LOCAL_MASTER, dict(options.spark_conf))
        everybody = matinee.recommend_all(*chosen, cluster)
    else:
        matinee, write = _open(options), write_recommendations
        everybody = matinee.recommend_all(*chosen)
    n_users = matinee.statistics.users
    with ProgressBar() as progress:
        written = write(
            everybody, options.out, lambda done: progress("Recommending", done / n_users)
        )
    print(f"{options.out}: {written.rows:,} recommendations")
    print(
        f"{written.users:,} users in {written.seconds:.1f} s, "
        f"{written.users / written.seconds:,.0f} a second; "
        f"{written.peak / 2**20:.0f} MB of own memory at most"
    )


def _similar(options: argparse.Namespace) -> None:
    found = _open(options).find_similar_movies(options.movie, options.n, options.method)
    _print(found, options.json, ("rank", "similarity", "movie_id", "title", "year"))


_NOTHING_FOUND = {
    "title": "no title is like {!r}; try fewer or shorter words",
    "facts": "no genre, decade, tag or person is named in {!r}; `matinee search` finds titles",
    "meaning": "no word of {!r} is known; describe it in other English words",
}


def _search(options: argparse.Namespace) -> None:
    from recommender.core.errors import NotFoundError

    text = " ".join(options.text)
    found = _open(options).search(text, options.n, options.by)
    _print(found, options.json, ("movie_id", "title", "year", "n_ratings"))
    if not found:
        raise NotFoundError(_NOTHING_FOUND[options.by].format(text))


def _predict(options: argparse.Namespace) -> None:
    from recommender.cli.export import predict_pairs

    count = predict_pairs(_open(options), options.pairs, options.out)
    print(f"{options.out}: {count:,} predictions")


def _info(options: argparse.Namespace) -> None:
    bundle = _open(options).bundle
    if options.json:
        print(
            json.dumps({"created": bundle.created, "files": bundle.files, **bundle.manifest.info})
        )
        return
    data = bundle.training.data
    print(f"{bundle.path}: {bundle.size / 2**20:.1f} MB, written {bundle.created}")
    print(
        f"{data.ratings:,} ratings by {data.users:,} users of {data.movies:,} movies, "
        f"mean {data.mean_rating:.2f} on a scale of {data.scale[0]:g} to {data.scale[1]:g}"
    )
    print(
        f"The stars model was trained on {data.trained_users:,} users "
        f"and {data.trained_movies:,} movies"
    )
    for name, size in bundle.files.items():
        print(f"  {size:>12,} bytes  {name}")


def _serve(options: argparse.Namespace) -> None:
    from recommender.cli.serve import free_port, sample_training, serve

    given = options.arguments
    given = given[1:] if given[:1] == ["--"] else given
    free_port(given)  # said before a training, not after it
    if words := sample_training(options.knobs):
        print("Training on the sample data (once; under a minute) …", flush=True)
        training = _parser().parse_args(words)
        training.run(training)
    serve(given)


def _settings(options: argparse.Namespace) -> None:
    if options.export:
        import shlex

        for name, value in options.from_file.items():
            print(f"export {name}={shlex.quote(value)}")
        return
    for variable, value, text in options.knobs.described():
        print(f"{variable:<34}{value:<28}{text}")


def _print(found: Results[Any], as_json: bool, columns: tuple[str, ...]) -> None:
    rows = found.to_dicts()
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    if rows:
        print("\n".join(table(rows, columns)))
