"""Training from Python: on files, or on tables that are in memory already."""

from __future__ import annotations

import os
from pathlib import Path

from recommender.bundle.bundle import Bundle
from recommender.core.errors import DataError
from recommender.core.progress import StageProgress, no_progress
from recommender.dataset import Source
from recommender.dataset.tables import TableLike, named_source, table_source
from recommender.settings.memory_budget import MemoryBudget
from recommender.training import pipeline
from recommender.training.pipeline import TrainingSettings


def train(
    ratings: TableLike | Source,
    movies: TableLike | None = None,
    *,
    out: str | os.PathLike[str],
    tags: TableLike | None = None,
    links: TableLike | None = None,
    titles: TableLike | None = None,
    settings: TrainingSettings | None = None,
    progress: StageProgress = no_progress,
    posters: str | os.PathLike[str] | None = None,
) -> Bundle:
    """Train on ratings and movies and write the bundle `out`; returns it opened.

    As `matinee train` does: with the same checks, settings, report (``training.data.report`` of the
    bundle), and memory. Each of `ratings`, `movies`, `tags`, `links` and `titles` is the path of a
    file or a table of pandas, Polars, Arrow or whatever else has ``__arrow_c_stream__``; tables are
    first written to the disk, beside `out`.

    Args:
        ratings: columns user_id, movie_id, rating and perhaps timestamp, by any name that a file
            may have for them. Without `movies`: the path of a folder with a whole data set, or
            what `dataset.from_directory` or `dataset.from_files` returned.
        out: the folder to write; an earlier bundle there keeps serving until the new one is whole.
        titles: titles in other languages, in columns such as title_ko, by movie_id, imdb_id or
            tmdb_id; `movies` may have such columns, too.
        posters: a folder with images that are named after movie ids or IMDb ids.
        progress: called with the name of a stage and the fraction of it that is done.

    Raises:
        DataError: the input cannot be used; names the file or table, row or column.
        SettingsError: there is too little memory for a stage.
        BundleError: `out` cannot be written.
    """
    settings = settings or TrainingSettings()
    images = Path(posters) if posters else None
    if movies is None or isinstance(ratings, Source):
        if not isinstance(ratings, Source | str | os.PathLike) or not (
            movies is tags is links is None
        ):
            raise DataError("train() needs movies beside ratings, or one folder that has both")
        source = named_source(ratings, titles)
        return pipeline.train(source, Path(out), settings, progress, posters=images)
    budget = MemoryBudget.find(settings.imports.memory_limit)
    beside = Path(out).resolve().parent
    with table_source(ratings, movies, tags, links, titles, beside, budget) as source:
        return pipeline.train(source, Path(out), settings, progress, posters=images)
