"""Engines of a training, which do its heavy part: this process, or a cluster.

An engine reads the ratings and fits the models. The rest, the movies' texts and the writing of the
bundle, is the same for every engine and stays in `training.pipeline`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Protocol, TypeVar

from memory_toolkit.measure.sizes import MB
from recommender.core.errors import DataError
from recommender.core.file_hash import sha256
from recommender.core.progress import Progress, StageProgress
from recommender.dataset import Dataset, ImportOptions, Source, import_dataset
from recommender.models.protocol import M, Model, TrainingData

# What names the files: `dataset.Source` for this process, `spark.SparkSource` for Spark.
S = TypeVar("S", contravariant=True)

# What the process takes beside the arrays of the models.
PROCESS_BYTES = 95 * MB


class Engine(Protocol[S]):
    """Reads the ratings and fits the models.

    The methods are called in the order in which they stand here; of `import_dataset` and `resume`
    one.
    """

    name: str

    def contents(self, source: S) -> str:
        """Return what changes when the data of `source` do, as a hexadecimal digest.

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
        self, model: type[Model], n_users: int, n_movies: int, n_ratings: int, settings: Any
    ) -> int:
        """Return the bytes of its own that this process takes at most while `fit` runs."""

    def fit(self, model: type[M], data: TrainingData, settings: Any, progress: Progress) -> M:
        """Fit a model; see `Model.fit`, whose arguments and errors these are."""


class LocalEngine:
    """This process: DuckDB reads, and compiled passes over the arrays on disk fit the models."""

    name = "local"

    def contents(self, source: Source) -> str:
        """Return a digest of the files' names and contents; see `Engine.contents`."""
        digest = hashlib.sha256()
        for table in source.files:
            for path in table.paths:
                try:
                    content = sha256(path)
                except OSError as error:
                    raise DataError(
                        f"{path} cannot be read: {error.strerror}; check {table.option}"
                    ) from None
                digest.update(f"{table.kind} {path.name} {content}\n".encode())
        return digest.hexdigest()

    def import_dataset(
        self, source: Source, folder: Path, options: ImportOptions, progress: StageProgress
    ) -> Dataset:
        """Check, index and write the data by DuckDB; see `dataset.import_dataset`."""
        return import_dataset(source, folder, options, progress)

    def resume(self, source: Source, folder: Path, options: ImportOptions) -> None:
        """Nothing to do: the models are fitted from the history on disk."""

    def memory(
        self, model: type[Model], n_users: int, n_movies: int, n_ratings: int, settings: Any
    ) -> int:
        """Return the bytes of the process itself and of what `Model.fit_memory` says."""
        return PROCESS_BYTES + model.fit_memory(n_users, n_movies, n_ratings, settings)

    def fit(self, model: type[M], data: TrainingData, settings: Any, progress: Progress) -> M:
        """Fit the model in this process; see `Model.fit`."""
        return model.fit(data, settings, progress)
