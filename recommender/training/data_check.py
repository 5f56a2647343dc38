"""The check of a data set before a training: what was recognised, and what would be kept."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from recommender.bundle.history import History
from recommender.core.progress import StageProgress, no_progress
from recommender.dataset import Source, import_dataset
from recommender.dataset.import_report import ImportReport
from recommender.training.pipeline import TrainingSettings

# Of more different ratings than this, the histogram has so many ranges.
_MAX_BARS = 25
_RANGES = 20

# A label and how many there are of it.
Bars = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class DataCheck:
    """The outcome of a check.

    Attributes:
        report: what was read, kept and left out.
        scale: lowest and highest rating.
        ratings: how many there are of each rating, or of each range where there are many.
        ratings_of_users, ratings_of_movies: how many users (movies) have 0, 1, 2-3, 4-7, … ratings.
        decades: how many movies are of each decade; "unknown" is the last.
        trained_users, trained_movies: how many have ratings enough for the stars model.
        settings: the settings that say so.
        seconds: how long the check took.
    """

    report: ImportReport
    scale: tuple[float, float]
    ratings: Bars
    ratings_of_users: Bars
    ratings_of_movies: Bars
    decades: Bars
    trained_users: int
    trained_movies: int
    settings: TrainingSettings
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        found = dataclasses.asdict(self)
        found["min_user_ratings"] = self.settings.min_user_ratings
        found["min_movie_ratings"] = self.settings.min_movie_ratings
        del found["settings"]
        return found | {"lines": self.lines()}

    def lines(self) -> list[str]:
        """Return the findings for people, one line each, without the histograms."""
        low, high = self.scale
        settings = self.settings
        return [
            *self.report.lines(),
            f"ratings are on the scale {low:g}-{high:g}",
            f"the stars model would train on {self.trained_users:,} users with at least "
            f"{settings.min_user_ratings} ratings and {self.trained_movies:,} movies with at least "
            f"{settings.min_movie_ratings}",
        ]


def check_data(
    source: Source, settings: TrainingSettings, progress: StageProgress = no_progress
) -> DataCheck:
    """Read and check the files of `source` as a training does, and say what it would keep.

    Nothing is left behind. Disk and memory: what the import of the training needs.

    Raises:
        DataError: the input cannot be used; names the file, row or column.
        SettingsError: the memory limit is too low for these data.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="matinee-check-") as name:
        folder = Path(name)
        dataset = import_dataset(source, folder, settings.imports, progress)
        history = History.open(folder)
        of_users = np.diff(history.offsets)
        of_movies = history.movie_counts(dataset.n_movies)
        return DataCheck(
            report=dataset.report,
            scale=dataset.scale,
            ratings=_ratings(history, dataset.scale),
            ratings_of_users=_doubling(of_users),
            ratings_of_movies=_doubling(of_movies),
            decades=_decades(folder / "movies.parquet"),
            trained_users=int((of_users >= settings.min_user_ratings).sum()),
            trained_movies=int((of_movies >= settings.min_movie_ratings).sum()),
            settings=settings,
            seconds=round(time.monotonic() - started, 1),
        )


def _ratings(history: History, scale: tuple[float, float]) -> Bars:
    """The histogram of all ratings; reads them once, or twice where it has ranges."""
    counts: dict[float, int] = {}
    for block in history.everything():
        values, times = np.unique(block.ratings, return_counts=True)
        for value, count in zip(values.tolist(), times.tolist(), strict=True):
            counts[value] = counts.get(value, 0) + count
        if len(counts) > _MAX_BARS:
            break
    else:
        return tuple((f"{value:g}", counts[value]) for value in sorted(counts))
    edges = np.linspace(*scale, _RANGES + 1)
    totals = np.zeros(_RANGES, dtype=np.int64)
    for block in history.everything():
        totals += np.histogram(block.ratings, edges)[0]
    labels = (f"{low:g}-{high:g}" for low, high in itertools.pairwise(edges))
    return tuple(zip(labels, totals.tolist(), strict=True))


def _doubling(counts: np.ndarray) -> Bars:
    """Count how many of `counts` are 0, 1, 2-3, 4-7 and so on."""
    most = int(counts.max(initial=0))

    def ranges() -> Iterator[tuple[str, int]]:
        low, high = 0, 0
        while low <= most:
            label = str(low) if low == high else f"{low:,}-{high:,}"
            yield label, int(((counts >= low) & (counts <= high)).sum())
            low, high = high + 1, 2 * high + 1

    return tuple(bar for bar in ranges() if bar[1] or bar[0] != "0")


def _decades(movies: Path) -> Bars:
    with pq.ParquetFile(movies) as file:
        years = np.concatenate(
            [
                batch.column(0).fill_null(0).to_numpy(zero_copy_only=False)
                for batch in file.iter_batches(columns=["year"])
            ]
        )
    decades, counts = np.unique(years // 10 * 10, return_counts=True)
    found = dict(zip(decades.tolist(), counts.tolist(), strict=True))
    unknown = found.pop(0, 0)
    known = tuple((f"{decade}s", count) for decade, count in found.items())
    return (*known, ("unknown", unknown)) if unknown else known
