"""Spark as the engine of a training; see `recommender.training.engine`."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, cast

from pyspark.sql import DataFrame, SparkSession

from recommender.bundle.feedback import COUNTS
from recommender.core.errors import SettingsError
from recommender.core.progress import Progress, StageProgress
from recommender.dataset import Dataset, ImportOptions
from recommender.models.protocol import M, Model, TrainingData
from recommender.models.ranking import RankingModel
from recommender.models.stars import StarsModel
from recommender.spark import NO_COUNTS, importing
from recommender.spark.errors import one_line_errors
from recommender.spark.files import FileSystem
from recommender.spark.ranking import fit_ranking
from recommender.spark.sources import SparkSource
from recommender.spark.stars import fit_stars
from recommender.training.engine import PROCESS_BYTES

# What importing PySpark takes.
_PYSPARK = 60 << 20


class SparkEngine:
    """SparkEngine has a cluster read the ratings and fit the models that need them all.

    Args:
        spark: from `session.open_session`, or any whose executors have the package's modules.

    Raises, in all its methods:
        ClusterError: Spark fails.
    """

    name = "spark"

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._folder: Path | None = None
        self._indexed: DataFrame | None = None

    def contents(self, source: SparkSource) -> str:
        """Return a digest of the files' addresses, lengths and times of change."""
        files = FileSystem(self._spark)
        with one_line_errors():
            listed = [
                [kind, *map(dataclasses.astuple, files.find(path, kind))]
                for kind, path in source.files
            ]
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()

    def import_dataset(
        self, source: SparkSource, folder: Path, options: ImportOptions, progress: StageProgress
    ) -> Dataset:
        """Check, index and write the data on the executors; see `Engine.import_dataset`.

        Raises:
            SettingsError: the ratings are counts.
        """
        if options.feedback == COUNTS:
            raise SettingsError(NO_COUNTS)
        with one_line_errors():
            dataset, self._indexed = importing.import_dataset(
                self._spark, source, folder, options, progress
            )
        self._folder = folder
        return dataset

    def resume(self, source: SparkSource, folder: Path, options: ImportOptions) -> None:
        """Read again the indexed ratings of an earlier run; see `Engine.resume`."""
        with one_line_errors():
            self._indexed = importing.read_again(self._spark, source, folder, options)
        self._folder = folder

    def memory(
        self, model: type[Model], n_users: int, n_movies: int, n_ratings: int, settings: Any
    ) -> int:
        """Return what the driver takes: the rows of users are in files, see `spark.stars`."""
        rows = model.fit_memory(0, n_movies, n_ratings, settings)
        return PROCESS_BYTES + _PYSPARK + rows + 16 * n_users

    def fit(self, model: type[M], data: TrainingData, settings: Any, progress: Progress) -> M:
        """Fit the models that need all ratings on the executors, and others here."""
        fitted: Model
        with one_line_errors():
            if model is StarsModel:
                fitted = fit_stars(self._ratings, data, settings, progress, self._folder)
            elif model is RankingModel:
                fitted = fit_ranking(self._ratings, data, settings, progress)
            else:
                fitted = model.fit(data, settings, progress)
        return cast(M, fitted)

    @property
    def _ratings(self) -> DataFrame:
        if self._indexed is None:
            raise RuntimeError("call import_dataset or resume first")
        return self._indexed
