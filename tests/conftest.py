"""Data sets and bundles that several test files share; each is made once a run."""

from __future__ import annotations

import csv
import gc
import itertools
import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from memory_toolkit.measure import limit
from recommender import Recommender
from recommender.bundle import shards
from recommender.bundle.catalogue import FILE as CATALOGUE_FILE
from recommender.bundle.manifest import MANIFEST, manifest_checksum
from recommender.core.file_hash import sha256
from recommender.dataset import from_files
from recommender.models.stars import StarsSettings
from recommender.training.pipeline import TrainingSettings, train
from tests.support.once import made_once
from tests.support.pgbouncer import bouncer, bouncer_process  # noqa: F401
from tests.support.postgres import place, postgres_server  # noqa: F401
from tests.support.reaper import pytest_configure  # noqa: F401
from tests.support.sharing import pytest_xdist_make_scheduler  # noqa: F401
from tests.support.tiny_encoder import tiny_model  # noqa: F401

ROOT = Path(__file__).resolve().parent.parent

# A shell ignores Ctrl+C for what it starts in the background, and for all that this starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run. What a free search finds becomes an @example of its test.
hypothesis_settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
hypothesis_settings.register_profile("explore", max_examples=1_000, deadline=None)
hypothesis_settings.load_profile("fixed")

# What a title may hold that must come through unharmed: HTML, Markdown, Korean, accents, quotes.
ODD_TITLES = {
    1: ("<img src=x onerror=alert(1)>", 1999, "Horror"),
    2: ("기생충", 2019, "Drama|Thriller"),
    3: ("*Batteries* not [included](http://example.invalid) $x$ :red[y]", 1987, "Comedy|Sci-Fi"),
    4: ('Amelie (Le Fabuleux destin d\'Amélie Poulain), "quoted"', 2001, "Comedy|Romance"),
}
N_MOVIES, N_USERS = 60, 50


@pytest.fixture(autouse=True)
def _no_memory_limit_configured() -> Iterator[None]:
    """The commands configure the limit of their process, which here is that of all tests."""
    limit._configured = None
    yield
    limit._configured = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow kinds."""
    for item in items:
        if "java" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.spark)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(1_800))
        elif item.get_closest_marker("image"):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(1_800))


def pytest_collection_finish() -> None:
    """Let no collection of garbage look through the tests and what they import: a full one, which
    every test that measures memory begins with, took a quarter of a second. And let no algebra of
    theirs wait for other cores, which the other workers use."""
    threadpool_limits(1)
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let the end of the process take it all apart."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small data set as CSV (ratings, movies): 50 users, 60 movies, two tastes in it.

    User 50 has only two ratings and movies 55 to 60 have none.
    """
    folder = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(7)
    movies, ratings = folder / "movies.csv", folder / "ratings.csv"
    with open(movies, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["movie_id", "title", "year", "genres"])
        for movie in range(1, N_MOVIES + 1):
            plain = (f"Movie number {movie}", 1950 + movie, "Drama" if movie % 2 else "Action|War")
            writer.writerow([movie, *ODD_TITLES.get(movie, plain)])
    with open(ratings, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "movie_id", "rating"])
        for user in range(1, N_USERS + 1):
            count = 2 if user == N_USERS else int(rng.integers(12, 40))
            for movie in rng.choice(np.arange(1, 55), size=count, replace=False):
                liked = (user + movie) % 2
                stars = np.clip(np.round(2 * (2.5 + 1.5 * liked + rng.normal(0, 0.6))) / 2, 0.5, 5)
                writer.writerow([user, movie, stars])
    return ratings, movies


@pytest.fixture(scope="session")
def tiny_bundle(tiny_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `tiny_files`; do not change its files."""
    return made_once(tmp_path_factory, "tiny-bundle", partial(train_tiny, tiny_files))


@pytest.fixture(scope="session")
def sharded_bundle(tiny_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `tiny_bundle`, in five shards and not in one; do not change its files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "MAX_RATINGS", 300)
        return made_once(tmp_path_factory, "sharded-bundle", partial(train_tiny, tiny_files))


def train_tiny(files: tuple[Path, Path], path: Path) -> None:
    # So few ratings need many passes until the factors find the two tastes.
    stars = StarsSettings(n_factors=4, n_epochs=100, learning_rate=0.02)
    settings = TrainingSettings(min_user_ratings=5, min_movie_ratings=3, stars=stars)
    train(from_files(*files), path, settings)


def _give_plots(bundle: Path) -> None:
    """Give each movie a plot, which no model has seen, and the manifest the checksum to match."""
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    catalogue = bundle / manifest["data"] / CATALOGUE_FILE
    with closing(sqlite3.connect(catalogue)) as connection:
        connection.execute("UPDATE movies SET plot = 'The tale of number ' || movie_id")
        connection.commit()
    manifest["files"][CATALOGUE_FILE] = {
        "bytes": catalogue.stat().st_size,
        "sha256": sha256(catalogue),
    }
    del manifest["checksum"]
    manifest["checksum"] = manifest_checksum(manifest)
    (bundle / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


@pytest.fixture(scope="session")
def embedded_bundle(
    tiny_bundle: Path,
    tiny_model: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The bundle of `tiny_files`, with plots and ready for search by meaning, though by a model
    without sense and with 2,000 words of English.

    Do not change its files.
    """
    pytest.importorskip("wordfreq")
    from recommender.search.semantic import embed

    common = dict(itertools.islice(embed.english().items(), 2_000))

    def make(path: Path) -> None:
        shutil.copytree(tiny_bundle, path)
        _give_plots(path)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(embed, "english", lambda: common)
            embed.embed(path, str(tiny_model))

    return made_once(tmp_path_factory, "embedded-bundle", make)


@pytest.fixture(scope="session")
def tiny(tiny_bundle: Path) -> Recommender:
    """The recommender on `tiny_bundle`."""
    return Recommender.open(tiny_bundle)


@pytest.fixture(scope="session")
def sample_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the sample that the project ships, trained as `run.sh` does, but for the
    ranking model's settings: they are the defaults, with which a search there begins."""
    source = from_files(ROOT / "data" / "ratings.parquet", ROOT / "data" / "movies.parquet")
    credit = (ROOT / "data" / "CREDIT.txt").read_text(encoding="utf-8").strip()
    training = TrainingSettings(credit=credit, choose=False)
    return made_once(tmp_path_factory, "sample-bundle", partial(train, source, settings=training))


@pytest.fixture(scope="session")
def sample(sample_bundle: Path) -> Recommender:
    """The recommender on `sample_bundle`."""
    return Recommender.open(sample_bundle)
