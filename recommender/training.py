"""From files to a bundle: read and check, train the models, write, with progress.

This runs in a process of its own, which may import anything; the serving process never imports it.
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from recommender.bundle import Bundle, BundleWriter
from recommender.catalogue import FILE as CATALOGUE_FILE
from recommender.catalogue import MovieText, write_catalogue
from recommender.collaborative import StarsSettings, fit_stars
from recommender.content import fit_content
from recommender.dataset import Dataset, ImportOptions, Source, import_dataset
from recommender.errors import DataError, SettingsError
from recommender.filters import MovieFacts, pack_genres
from recommender.history import ARRAYS as HISTORY_ARRAYS
from recommender.history import History
from recommender.ranking import RankingSettings, fit_ranking
from recommender.records import Id

# Told the stage ("stars", …) and the fraction of it that is done, 0..1.
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class TrainingSettings:
    """How a bundle is made.

    Attributes:
        min_user_ratings: users with fewer ratings are left out of the stars model.
        min_movie_ratings: movies with fewer ratings are left out of the stars model; every movie
            stays in the catalogue, in the content model and in the hybrid.
        max_features: how many terms the content model keeps.
        stars: the settings of the stars model.
        ranking: the settings of the ranking model.
        imports: encoding, rating scale, and the memory that reading may use.
        credit: where the data come from and on what terms; shown on the About page.
    """

    min_user_ratings: int = 30
    min_movie_ratings: int = 10
    max_features: int = 2000
    stars: StarsSettings = dataclasses.field(default_factory=StarsSettings)
    ranking: RankingSettings = dataclasses.field(default_factory=RankingSettings)
    imports: ImportOptions = dataclasses.field(default_factory=ImportOptions)
    credit: str = ""

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("--min-user-ratings", self.min_user_ratings, 0, None),
            ("--min-movie-ratings", self.min_movie_ratings, 0, None),
            ("--max-features", self.max_features, 1, 65536),
            ("--factors", self.stars.n_factors, 1, 1000),
            ("--epochs", self.stars.n_epochs, 1, 10000),
            ("--seed", self.stars.random_state, 0, 2**32 - 1),
        ):
            if value < low or (high is not None and value > high):
                range_text = f"at least {low}" if high is None else f"{low} to {high}"
                raise SettingsError(f"{name} {value}: give a whole number of {range_text}")


def train(
    source: Source,
    out: str | Path,
    settings: TrainingSettings | None = None,
    progress: Progress = lambda stage, fraction: None,
    quality: dict[str, float | int] | None = None,
) -> Bundle:
    """Train on `source` and write the bundle `out`; returns it opened.

    An earlier bundle at `out` keeps serving until the new one is whole, and stays if this fails.

    Args:
        source: which files, see `dataset.from_files` and `dataset.from_directory`.
        quality: how well these settings do on these data, from `evaluation.judging.quality`; for
            the About page.

    Raises:
        DataError: the input cannot be used; names the file, row or column.
        BundleError: `out` cannot be written.
    """
    settings = settings or TrainingSettings()
    with BundleWriter(out) as writer:
        work = writer.folder / "work"
        started = time.monotonic()
        dataset = import_dataset(source, work, settings.imports, progress)
        for name in HISTORY_ARRAYS:
            (work / f"{name}.npy").rename(writer.folder / f"{name}.npy")
        history = History.open(writer.folder)

        counts, means, deviations = _movie_ratings(history, dataset.n_movies)
        users = np.diff(history.offsets) >= settings.min_user_ratings
        movies = counts >= settings.min_movie_ratings
        try:
            stars = fit_stars(
                history,
                users,
                movies,
                dataset.scale,
                settings.stars,
                lambda fraction: progress("stars", fraction),
            )
        except ValueError:
            raise DataError(
                f"no rating is left: no user with at least {settings.min_user_ratings} ratings "
                f"rated a movie with at least {settings.min_movie_ratings}; lower "
                "--min-user-ratings or --min-movie-ratings"
            ) from None
        stars_info = stars.save(writer)

        progress("content", 0.0)
        texts = MovieTexts(work / "movies.parquet", dataset.n_movies)
        content, terms = fit_content(texts, settings.max_features)
        content_info = content.save(writer)
        progress("content", 1.0)

        fit_ranking(
            history,
            content,
            counts,
            dataset.scale,
            settings.ranking,
            lambda fraction: progress("ranking", fraction),
        ).save(writer)

        progress("catalogue", 0.0)
        years = np.array([movie.year or 0 for movie in texts], dtype=np.int16)
        names, packed = pack_genres([movie.genres for movie in texts], len(texts))
        genres = MovieFacts(names, years, packed, counts, means, deviations).save(writer)
        write_catalogue(
            writer.folder / CATALOGUE_FILE,
            zip(texts, counts.tolist(), strict=True),
            _users(work / "users.parquet"),
            terms,
        )
        shutil.rmtree(work)
        writer.commit(
            {
                "settings": dataclasses.asdict(settings),
                "data": _data_info(dataset, history, genres, users, movies),
                "stars": stars_info,
                "content": content_info,
                "quality": quality,
                "seconds": round(time.monotonic() - started, 1),
            }
        )
        progress("catalogue", 1.0)
    return Bundle.open(out)


def _data_info(
    dataset: Dataset, history: History, genres: list[str], users: np.ndarray, movies: np.ndarray
) -> dict[str, object]:
    return {
        "users": dataset.n_users,
        "movies": dataset.n_movies,
        "ratings": dataset.n_ratings,
        "trained_users": int(users.sum()),
        "trained_movies": int(movies.sum()),
        "mean_rating": float(history.ratings.mean(dtype=np.float64)),
        "scale": list(dataset.scale),
        "genres": genres,
        "fingerprint": dataset.fingerprint,
        "report": dataset.report.lines(),
    }


def _movie_ratings(history: History, n_movies: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many ratings each movie has (int32), their mean (float32, NaN without any) and their
    standard deviation (float32, 0 without any)."""
    counts, sums, squares = np.zeros(n_movies, dtype=np.int64), *np.zeros((2, n_movies))
    everyone, everything = np.ones(history.n_users, bool), np.ones(n_movies, bool)
    for block in history.blocks(everyone, everything):
        counts += np.bincount(block.movies, minlength=n_movies)
        sums += np.bincount(block.movies, weights=block.ratings, minlength=n_movies)
        squares += np.bincount(block.movies, weights=block.ratings**2, minlength=n_movies)
    means = np.divide(sums, counts, out=np.full(n_movies, np.nan), where=counts > 0)
    variances = np.divide(squares, counts, out=np.zeros(n_movies), where=counts > 0)
    deviations = np.sqrt(np.maximum(0, variances - np.nan_to_num(means) ** 2))
    return counts.astype(np.int32), means.astype(np.float32), deviations.astype(np.float32)


class MovieTexts:
    """The movies of ``movies.parquet`` in index order; can be gone through again and again."""

    def __init__(self, path: Path, n_movies: int) -> None:
        self._path = path
        self._n_movies = n_movies

    def __len__(self) -> int:
        return self._n_movies

    def __contains__(self, movie: object) -> bool:
        return any(movie == other for other in self)

    def __iter__(self) -> Iterator[MovieText]:
        with pq.ParquetFile(self._path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    genres, tags = tuple(row.pop("genres") or ()), tuple(row.pop("tags") or ())
                    yield MovieText(genres=genres, tags=tags, **row)


def _users(path: Path) -> Iterator[tuple[Id, int]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=8192):
            columns = batch.to_pydict()
            yield from zip(columns["user_id"], columns["n_ratings"], strict=True)
