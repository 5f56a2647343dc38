"""What does the heavy part of a training: this process, or a cluster.

An engine reads the ratings and fits the two models that need them all. The rest, the movies' texts,
the content model and the writing of the bundle, is the same for every engine and stays in
`training`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from memory_toolkit.measure.sizes import MB
from recommender.bundle.history import History
from recommender.core.errors import DataError
from recommender.core.file_hash import sha256
from recommender.core.progress import Progress, StageProgress
from recommender.dataset import Dataset, ImportOptions, Source, import_dataset
from recommender.models.content import ContentModel
from recommender.models.ranking import RankingModel, RankingSettings, fit_ranking
from recommender.models.stars import StarsModel, StarsSettings, fit_stars

# What names the files: `dataset.Source` for this process, `spark.SparkSource` for Spark.
S = TypeVar("S", contravariant=True)

# What the process takes beside the arrays of the two models, which are the largest.
BESIDE_STARS, BESIDE_RANKING = 95 * MB, 145 * MB


class Engine(Protocol[S]):
    """Who reads the ratings and fits the models that need them all.

    The methods are called in the order in which they stand here; of `import_dataset` and `resume`
    one.
    """

    name: str

    def contents(self, source: S) -> str:
        """What changes when the data of `source` do, as a hexadecimal digest.

        Raises:
            DataError: a file cannot be read.
        """

    def import_dataset(
        self, source: S, folder: Path, options: ImportOptions, progress: StageProgress
    ) -> Dataset:
        """Check, index and write the data into `folder`; see `dataset.import_dataset`."""

    def resume(self, source: S, folder: Path, options: ImportOptions) -> None:
        """Go on with what an earlier run of the same training imported into `folder`."""

    def memory(
        self, n_users: int, n_movies: int, stars: StarsSettings, ranking: RankingSettings
    ) -> int:
        """How many bytes of its own this process takes at most while the models are fitted."""

    def fit_stars(
        self,
        history: History,
        users: np.ndarray,
        movies: np.ndarray,
        scale: tuple[float, float],
        settings: StarsSettings,
        progress: Progress,
    ) -> StarsModel:
        """Train the stars model; see `collaborative.fit_stars`."""

    def fit_ranking(
        self,
        history: History,
        content: ContentModel,
        counts: np.ndarray,
        scale: tuple[float, float],
        settings: RankingSettings,
        progress: Progress,
    ) -> RankingModel:
        """Fit the ranking model; see `ranking.fit_ranking`."""


class LocalEngine:
    """This process: DuckDB reads, and compiled passes over the arrays on disk fit the models."""

    name = "local"

    def contents(self, source: Source) -> str:
        digest = hashlib.sha256()
        for table in source.files:
            try:
                content = sha256(table.path)
            except OSError as error:
                raise DataError(
                    f"{table.path} cannot be read: {error.strerror}; check {table.option}"
                ) from None
            digest.update(f"{table.kind} {table.path.name} {content}\n".encode())
        return digest.hexdigest()

    def import_dataset(
        self, source: Source, folder: Path, options: ImportOptions, progress: StageProgress
    ) -> Dataset:
        return import_dataset(source, folder, options, progress)

    def resume(self, source: Source, folder: Path, options: ImportOptions) -> None:
        """Nothing to do: the models are fitted from the history on disk."""

    def memory(
        self, n_users: int, n_movies: int, stars: StarsSettings, ranking: RankingSettings
    ) -> int:
        return max(
            BESIDE_STARS + 8 * (stars.n_factors + 1) * (n_users + n_movies),
            BESIDE_RANKING + 8 * (ranking.n_factors + 54) * n_movies + 8 * n_users,
        )

    def fit_stars(
        self,
        history: History,
        users: np.ndarray,
        movies: np.ndarray,
        scale: tuple[float, float],
        settings: StarsSettings,
        progress: Progress,
    ) -> StarsModel:
        return fit_stars(history, users, movies, scale, settings, progress)

    def fit_ranking(
        self,
        history: History,
        content: ContentModel,
        counts: np.ndarray,
        scale: tuple[float, float],
        settings: RankingSettings,
        progress: Progress,
    ) -> RankingModel:
        return fit_ranking(history, content, counts, scale, settings, progress)
