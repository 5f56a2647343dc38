"""The command ``matinee recommend``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from recommender.cli import shared
from recommender.cli.input_options import add_engine_options, check_engine_options
from recommender.core.errors import SettingsError
from recommender.core.optional_packages import require, require_spark
from recommender.core.progress_bar import ProgressBar
from recommender.models.registry import RANK_BY
from recommender.recommender import RANKING_WEIGHT, Recommender
from recommender.spark import LOCAL_MASTER

COLUMNS = ("rank", "score", "stars", "movie_id", "title", "year")
TOGETHER_COLUMNS = ("rank", "score", "places", "movie_id", "title", "year")


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(
        commands, "recommend", _run, "recommend movies to one user or to all"
    )
    shared.add_bundle(command)
    who = command.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", metavar="ID", help="the user")
    who.add_argument("--all-users", action="store_true", help="every user, into --out")
    who.add_argument(
        "--ratings",
        type=Path,
        metavar="FILE",
        help="somebody new: a CSV file with movie_id and rating, or the export of the app, "
        "MovieLens, Letterboxd, IMDb, TMDB, Trakt (JSON) or Netflix",
    )
    who.add_argument(
        "--together",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="several people at once, a file each, so that the least happy one is as happy as can "
        "be; places has the place of a movie in each one's own list",
    )
    shared.add_count(command)
    command.add_argument(
        "--cf-weight",
        type=shared.number(0, 1),
        metavar="W",
        default=RANKING_WEIGHT,
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
        metavar="FILE",
        help="with --all-users: where to write user_id, movie_id, rank, score; CSV if it ends in "
        ".csv, else Parquet; a new folder with --engine spark",
    )
    shared.add_json(command)
    add_engine_options(command, "ranks, with --all-users")


def _run(options: argparse.Namespace) -> None:
    check_engine_options(options)
    if options.engine == "spark" and not options.all_users:
        raise SettingsError("--engine spark is for --all-users; leave it out")
    if options.all_users:
        _recommend_everybody(options)
        return
    if options.out is not None:
        raise SettingsError("--out is for --all-users; leave it out, or redirect --json")
    matinee = shared.open_recommender(options)
    if options.together:
        _recommend_together(options, matinee)
        return
    chosen = {"n": options.n, "cf_weight": options.cf_weight, "rank_by": options.rank_by}
    if options.ratings:
        from recommender.cli.export import own_ratings

        own = own_ratings(options.ratings, matinee)
        hidden, seen = own.marked("hidden"), own.marked("seen")
        found = matinee.recommend(own.stars, **chosen, hidden=hidden, seen=seen)
        who = f"{options.ratings}: the person"
    else:
        found = matinee.hybrid_recommend(options.user, **chosen)
        who = f"user {options.user}"
    columns = tuple(name for name in COLUMNS if name != "stars" or matinee.has_stars)
    shared.print_results(found, options.json, columns)
    if not found:
        print(f"matinee: {who} has rated every movie", file=sys.stderr)


def _recommend_together(options: argparse.Namespace, matinee: Recommender) -> None:
    if options.cf_weight != RANKING_WEIGHT:
        raise SettingsError("--cf-weight is for one person; leave it out with --together")
    from recommender.cli.export import own_ratings

    people = [own_ratings(path, matinee) for path in options.together]
    found = matinee.recommend_together(
        [own.stars for own in people],
        options.n,
        rank_by=options.rank_by,
        hidden=[own.marked("hidden") for own in people],
        seen={movie for own in people for movie in own.marked("seen")},
    )
    shared.print_results(found, options.json, TOGETHER_COLUMNS)
    if not found:
        print("matinee: every movie has been rated by one of them", file=sys.stderr)


def _recommend_everybody(options: argparse.Namespace) -> None:
    require("--all-users", "pyarrow", "scipy")
    from recommender.cli.export import write_parts, write_recommendations

    if options.out is None:
        raise SettingsError("--all-users needs --out FILE.parquet or FILE.csv")
    chosen = (options.n, options.cf_weight, options.rank_by)
    if options.engine == "spark":
        require_spark()
        from recommender.spark.bulk import on_cluster

        matinee, write = shared.open_recommender(options), write_parts
        cluster = on_cluster(options.master or LOCAL_MASTER, dict(options.spark_conf))
        everybody = matinee.recommend_all(*chosen, cluster)
    else:
        matinee, write = shared.open_recommender(options), write_recommendations
        everybody = matinee.recommend_all(*chosen)
    n_users = matinee.statistics.users
    with ProgressBar() as progress:
        written = write(
            everybody, options.out, lambda done: progress("Recommending", done / n_users)
        )
    form = "" if options.out.suffix.lower() == ".csv" else " in Parquet"
    print(f"{options.out}: {written.rows:,} recommendations{form}")
    print(
        f"{written.users:,} users in {written.seconds:.1f} s, "
        f"{written.users / written.seconds:,.0f} a second; "
        f"{written.peak / 2**20:.0f} MB of own memory at most"
    )
