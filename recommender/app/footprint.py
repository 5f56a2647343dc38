"""Measure a bundle in the app's process: `python -m recommender.app.footprint [BUNDLE|--others]`.

Prints one line of JSON, in bytes: own memory with the app's programs loaded ("start"), with the
bundle opened ("opened") and at the most while every kind of question was asked once ("peak"), and
file pages at the end ("file"). Without BUNDLE it is the one that the settings name. With
--others it prints the clone's own bundle instead, if there is one that the settings do not name.
`debug_memory.py check` runs this module, see `memory_toolkit.cli.registered`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

from memory_toolkit.measure.reading import read
from memory_toolkit.record.actions import action
from recommender.app.pages import PAGES
from recommender.core.address import Address, parse_location
from recommender.core.errors import MatineeError, NotFoundError
from recommender.core.project_files import APP
from recommender.core.serving_variables import VARIABLES
from recommender.models.registry import RANK_BY
from recommender.recommender import Recommender
from recommender.scoring.filters import Filters
from recommender.settings.env_file import load_env_file
from recommender.settings.environment import Settings

# The server, what it picks when it starts, and the app's pages.
_APP = (
    *("streamlit.web.cli", "streamlit.web.bootstrap", "itsdangerous"),
    *("uvicorn.loops.auto", "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto"),
    *(
        "recommender.app.server.startup",
        "recommender.app.server.health",
        "recommender.app.server.metrics",
    ),
    *(f"recommender.app.pages.{page}" for page in PAGES),
    "recommender.app.components.frame",
)
_USERS, _RATED = 3, 20


def footprint(bundle: Path | Address, settings: Settings) -> dict[str, int]:
    """Return the bytes of own memory that `bundle` takes in this process; "file" is file pages.

    Raises:
        BundleError: it is missing, of another format version, truncated or altered.
    """
    _load_app()
    start = read().own
    with action("open") as opening:
        matinee = Recommender.open(bundle, settings)
    with action("ask") as asking:
        _ask(matinee, settings.recommendations)
    peak = max(opening.record.peak, asking.record.peak)
    now = read()
    return {"start": start, "opened": opening.record.after, "peak": peak, "file": now.file or 0}


def _load_app() -> None:
    """Import what the app's process consists of, without serving anything."""
    for module in _APP:
        importlib.import_module(module)


def _ask(matinee: Recommender, n: int) -> None:
    """Ask every kind of question once, for as many movies as a visitor may ask for."""
    popular = matinee.popular(_RATED)
    lowest, highest = matinee.scale
    own = {movie.movie_id: (lowest, highest)[i % 2] for i, movie in enumerate(popular)}
    filters = Filters(genres=matinee.genres[:1])
    for user in matinee.users(_USERS):
        matinee.rated_by(user, n)
        for rank_by in RANK_BY:
            matinee.recommend_for_user(user, n, filters, rank_by, variety=0.5, obscurity=0.5)
        matinee.hybrid_recommend(user, n)
    matinee.recommend(own, n, cf_weight=0.5)
    matinee.quick_start(n)
    for movie in popular[:1]:
        matinee.search(movie.title, n)
        for method in matinee.methods:
            try:
                matinee.find_similar_movies(movie.movie_id, n, method)
            except NotFoundError:  # too few ratings for "predicted"
                continue


def start_as_served() -> None:
    """Start this process again with the variables of one that serves, unless it has them all.

    They are read before Python starts, and decide how much memory a process takes.
    """
    if not VARIABLES.keys() <= os.environ.keys():
        os.execve(sys.executable, sys.orig_argv, {**VARIABLES, **os.environ})


def other_bundles() -> list[Path]:
    """Return the bundle of the clone, if there is one that the settings do not name."""
    own = APP.parent / "bundle"
    try:
        load_env_file()
        named = Settings.from_environment().bundle
    except MatineeError:
        named = None
    is_named = isinstance(named, Path) and named.resolve() == own.resolve()
    return [own] if own.is_dir() and not is_named else []


def main() -> int:
    """Measure the bundle that the command line names; the exit status."""
    if sys.argv[1:] == ["--others"]:
        print(*other_bundles(), sep="\n")
        return 0
    try:
        load_env_file()
        settings = Settings.from_environment()
        settings.apply_memory_limit()
        bundle = parse_location(sys.argv[1]) if len(sys.argv) > 1 else settings.bundle
        found = footprint(bundle, settings)
    except MatineeError as error:
        print(f"matinee: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"name": str(bundle), **found}))
    return 0


if __name__ == "__main__":
    start_as_served()
    sys.exit(main())
