"""New ratings and movies added to those of a bundle, as a data set to train on.

A bundle holds every rating and every movie that it was trained on, so the files it came from are
not needed: what it holds is written as Parquet, checked long ago and sorted, and the new rows
behind it. That is trained on like any other data set, and gives what training on all of the files
would.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recommender.bundle.bundle import Bundle
from recommender.bundle.catalogue import FILE as CATALOGUE_FILE
from recommender.bundle.catalogue import Catalogue
from recommender.bundle.feedback import COUNTS
from recommender.bundle.history import History
from recommender.bundle.links import MovieLinks
from recommender.core.errors import DataError
from recommender.core.records import TITLE_IN
from recommender.dataset import ImportOptions, Source, from_files
from recommender.dataset.broken_rows import BrokenRows
from recommender.dataset.database import batches, connect
from recommender.dataset.movie_rows import movie_row, movie_schema
from recommender.dataset.movie_tables import list_delimiters
from recommender.dataset.rating_scale import (
    MAX_RATING,
    NO_COUNT,
    NO_NUMBER,
    RATING,
    TOO_LARGE,
    is_unrated,
    off_scale,
    rating_values,
    refuse_count_column,
)
from recommender.dataset.scratch import scratch_folder
from recommender.dataset.sources import table_file
from recommender.dataset.staging import MAX_ID_BYTES, StagingTable, load_staging_table
from recommender.models.ranking import RankingModel
from recommender.settings.memory_budget import MemoryBudget
from recommender.training.pipeline import TrainingSettings

_RATINGS = ("user_id", "movie_id", "rating", "timestamp")
_RATING_SCHEMA = pa.schema((name, pa.string()) for name in _RATINGS)
_MOVIES_PER_BATCH = 256
_RATINGS_PER_BATCH = 50_000
# The scale is found when old and new ratings are together; here each has to be a number.
_NOT_RATINGS = (
    (f"NOT coalesce(isfinite({RATING}), false)", NO_NUMBER),
    (f"abs({RATING}) > {MAX_RATING}", TOO_LARGE),
)
_NO_COUNTS = (f"{RATING} < 0", NO_COUNT)


@contextlib.contextmanager
def added_source(
    bundle: Bundle,
    ratings: Path,
    movies: Path | None,
    links: Path | None,
    titles: Path | None,
    options: ImportOptions,
    folder: Path,
) -> Iterator[Source]:
    """Yield the data of `bundle` with more ratings, and perhaps movies, as files in a new folder.

    A new rating takes the place of the bundle's for the same user and movie. Of a movie that the
    bundle has, the bundle's row counts. Rows that are broken or not rated are left out as in any
    training. Memory: one id a user, and what DuckDB may take; disk
    within `folder`: 5 to 10 bytes a rating.

    Raises:
        DataError: a new row cannot be used; names file and row.
        BundleError: `folder` cannot be written, or the bundle is damaged.
    """
    with scratch_folder(folder, ".matinee-added-") as scratch:
        with contextlib.closing(
            connect(scratch, MemoryBudget.find(options.memory_limit))
        ) as connection:
            added = _Additions(connection, bundle, options, scratch)
            paths = added.write_ratings(ratings), added.write_movies(movies)
        source = from_files(*paths, links=links, titles=titles)
        named = dataclasses.replace(source.movies, folder=movies.parent if movies else None)
        yield dataclasses.replace(source, movies=named, broken_rows=added.broken_rows)


def with_chosen(settings: TrainingSettings, model: RankingModel) -> TrainingSettings:
    """Return `settings` with those of the ranking model as they were chosen for `model`, and not to
    be chosen again."""
    numbers = {**model.chosen, "neutral": model.neutral} if model.chosen else {}
    values = {
        name: type(value)(numbers[name])
        for name, value in dataclasses.asdict(settings.ranking).items()
        if name in numbers
    }
    ranking = dataclasses.replace(settings.ranking, **values)
    return dataclasses.replace(settings, ranking=ranking, choose=False)


class _Additions:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        bundle: Bundle,
        options: ImportOptions,
        folder: Path,
    ) -> None:
        self._connection = connection
        self._bundle = bundle
        self._options = options
        self._folder = folder
        self.broken_rows: tuple[BrokenRows, ...] = ()

    def write_ratings(self, added: Path) -> Path:
        """Write the bundle's ratings, then those of `added`, which are checked first."""
        staged = self._stage(added, "ratings")
        _, spelled = rating_values(self._connection, self._options.unrated)
        highest = self._bundle.training.data.scale[1]
        if spelled and spelled != highest:
            raise DataError(
                f"{added}: the ratings are written as parts of {spelled:g}, and the bundle's go to "
                f"{highest:g}; convert them"
            )
        self._check_numbers(staged)
        path = self._folder / "all ratings"
        with pq.ParquetWriter(path, _RATING_SCHEMA, compression="zstd") as file:
            for batch in _rating_batches(self._bundle):
                file.write_batch(batch)
            columns = ", ".join(_RATINGS)
            query = f"SELECT {columns} FROM ratings ORDER BY rowid"
            for batch in batches(self._connection, query, _RATINGS_PER_BATCH):
                file.write_batch(batch.cast(_RATING_SCHEMA))
        return path

    def _check_numbers(self, staged: StagingTable) -> None:
        rated = f"FROM ratings WHERE NOT ({is_unrated(self._options.unrated, RATING)})"
        counts = self._options.feedback == COUNTS
        checks = [*_NOT_RATINGS, *([_NO_COUNTS] if counts else [])]
        if not counts and not self._options.scale:
            refuse_count_column(str(staged.file), staged.use)
            low, high = self._bundle.training.data.scale
            advice = (
                f"is above the bundle's scale {low:g}-{high:g}; convert the new ratings, or give "
                "--scale LOW-HIGH if it holds for the old ones, too"
            )
            checks.append((f"{RATING} > {high}", advice))
        for condition, advice in checks:
            query = f"SELECT rowid, rating {rated} AND {condition} ORDER BY rowid LIMIT 1"
            for row, value in self._connection.execute(query).fetchall():
                raise DataError(off_scale(staged.place(row), value, advice))

    def write_movies(self, added: Path | None) -> Path:
        """Write the bundle's movies, then those of `added`."""
        catalogue = Catalogue(self._bundle.file(CATALOGUE_FILE))
        languages = set(catalogue.languages())
        catalogue.close()
        if added is not None:
            broken = self._stage(added, "movies").broken_rows
            if broken.left_out or broken.joined:
                self.broken_rows = (broken,)
            keys = "SELECT DISTINCT unnest(json_keys(titles)) FROM movies"
            languages |= {key for (key,) in self._connection.execute(keys).fetchall()}
        path, schema = self._folder / "all movies", _with_titles(languages)
        with pq.ParquetWriter(path, schema, compression="zstd") as file:
            for batch in _movie_batches(self._bundle, schema):
                file.write_batch(batch)
            if added is not None:
                delimiters = list_delimiters(self._connection)
                usable = f"movies WHERE strlen(movie_id) <= {MAX_ID_BYTES}"
                query = (
                    f"SELECT *, NULL AS user_tags, NULL AS given_titles FROM {usable} "
                    "ORDER BY rowid"
                )
                for batch in batches(self._connection, query, _MOVIES_PER_BATCH):
                    found = [movie_row(raw, delimiters) for raw in batch.to_pylist()]
                    rows = [_flat_titles(row, row.pop("titles")) for row in found]
                    file.write_batch(pa.RecordBatch.from_pylist(rows, schema))
        return path

    def _stage(self, path: Path, kind: str) -> StagingTable:
        file = table_file(path, "ratings" if kind == "ratings" else "movies")
        encoding, strict = self._options.encoding, self._options.strict
        return load_staging_table(self._connection, file, encoding, self._folder, strict=strict)


def _rating_batches(bundle: Bundle) -> Iterator[pa.RecordBatch]:
    """The bundle's ratings as text, in its order; few of the texts are ever made twice.

    Counts are written as they were given, to the six digits that 32-bit logarithms keep of them.
    """
    catalogue = Catalogue(bundle.file(CATALOGUE_FILE))
    movies = pa.array(map(str, catalogue.movie_ids()), pa.string())
    users = pa.array(map(str, catalogue.each_user_id()), pa.string())
    catalogue.close()
    for block in History.from_bundle(bundle).everything():
        values, positions = np.unique(block.ratings, return_inverse=True)
        if bundle.training.data.feedback == COUNTS:
            texts = [f"{2.0**value - 1:.6g}" for value in values.tolist()]
        else:
            texts = [str(value) for value in values]
        ratings = pa.array(texts, pa.string())
        columns = [
            users.take(pa.array(block.users)),
            movies.take(pa.array(block.movies)),
            ratings.take(pa.array(positions)),
            pa.nulls(len(block.ratings), pa.string()),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=_RATING_SCHEMA)


def _with_titles(languages: Iterable[str]) -> pa.Schema:
    """Return the columns of movies with one for the titles in each language."""
    schema = movie_schema(pa.string())
    schema = schema.remove(schema.get_field_index("titles"))
    for language in sorted(languages):
        schema = schema.append(pa.field(TITLE_IN + language, pa.string()))
    return schema


def _flat_titles(row: dict[str, Any], titles: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return row | {TITLE_IN + language: title for language, title in titles}


def _movie_batches(bundle: Bundle, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    catalogue, links = Catalogue(bundle.file(CATALOGUE_FILE)), MovieLinks.from_bundle(bundle)
    n_movies = bundle.training.data.movies
    for first in range(0, n_movies, _MOVIES_PER_BATCH):
        indices = range(first, min(first + _MOVIES_PER_BATCH, n_movies))
        rows = [
            _flat_titles(
                {
                    "movie_id": str(movie.movie_id),
                    "title": movie.title,
                    "year": movie.year,
                    "genres": list(movie.genres),
                    "plot": movie.plot,
                    "tags": list(movie.tags),
                    "country": movie.country,
                    "runtime": movie.runtime,
                    "cast": movie.cast,
                    "imdb_id": int(links.imdb[index]) or None,
                    "tmdb_id": links.tmdb_id(index),
                },
                movie.titles.items(),
            )
            for index, movie in zip(indices, catalogue.movies(indices), strict=True)
        ]
        yield pa.RecordBatch.from_pylist(rows, schema)
    catalogue.close()
