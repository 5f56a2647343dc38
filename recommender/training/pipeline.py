"""The training pipeline: read and check the files, train the models, write the bundle.

This runs in a process of its own, which may import anything; the serving process never imports it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import shutil
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic

import numpy as np
import pyarrow.parquet as pq

from memory_toolkit.measure.heap import map_large_blocks
from memory_toolkit.measure.sizes import MB, format_bytes
from recommender.bundle.bundle import Bundle
from recommender.bundle.catalogue import FILE as CATALOGUE_FILE
from recommender.bundle.catalogue import MovieText, write_catalogue
from recommender.bundle.feedback import COUNTS, EQUAL, feedback_notes, feedback_of
from recommender.bundle.history import ARRAYS as HISTORY_ARRAYS
from recommender.bundle.history import History
from recommender.bundle.links import MovieLinks
from recommender.bundle.manifest import VERSION
from recommender.bundle.movie_facts import MovieFacts, pack_genres
from recommender.bundle.posters import FILE as POSTERS_FILE
from recommender.bundle.posters import write_posters
from recommender.bundle.shards import split
from recommender.bundle.writer import BundleWriter
from recommender.core.errors import BundleError, DataError, SettingsError
from recommender.core.progress import Progress, StageProgress, no_progress, of_stage, scaled
from recommender.core.records import Id
from recommender.core.relevance import ANY, LIKED, Relevant, relevant_from
from recommender.dataset import ImportOptions
from recommender.models.content import ContentModel, ContentSettings
from recommender.models.protocol import Model, TrainingData
from recommender.models.ranking import RankingModel, RankingSettings
from recommender.models.registry import SERVED
from recommender.models.stars import StarsSettings
from recommender.search.titles import TitleIndex
from recommender.settings.memory_budget import MemoryBudget
from recommender.training.engine import Engine, LocalEngine, S
from recommender.training.posters import PosterFiles
from recommender.training.stages import Stages

# For a `dataset.Source`.
_HERE: Engine[Any] = LocalEngine()
# The ranking model has as many directions as fit into this share of the memory, and not fewer.
_RANK_SHARE, _MIN_RANK = 0.85, 32
_MAX_SEED = 2**32 - 1  # of NumPy's generators
_MAX_RANK = 10_000


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of a training.

    Attributes:
        min_user_ratings: users with fewer ratings are left out of the stars model.
        min_movie_ratings: movies with fewer ratings are left out of the stars model; every movie
            stays in the catalogue, in the content model and in the hybrid.
        max_features: how many terms the content model keeps.
        stars: the settings of the stars model.
        ranking: the settings of the ranking model, or those its search begins with.
        relevant: which ratings count as relevant, see `relevance`.
        choose: whether the ranking model's settings are chosen for the data.
        imports: encoding, rating scale, and the memory that reading may use.
        credit: where the data come from and on what terms; shown on the About page.
    """

    min_user_ratings: int = 30
    min_movie_ratings: int = 10
    max_features: int = 2000
    stars: StarsSettings = dataclasses.field(default_factory=StarsSettings)
    ranking: RankingSettings = dataclasses.field(default_factory=RankingSettings)
    relevant: Relevant = LIKED
    choose: bool = True
    imports: ImportOptions = dataclasses.field(default_factory=ImportOptions)
    credit: str = ""

    def for_feedback(self, feedback: str) -> TrainingSettings:
        """Return the settings for ratings of a kind (see `bundle.feedback`).

        Where none is graded, even the smallest speaks for its movie, and any is relevant; what
        was set otherwise stays. A least number of plays becomes a logarithm, as the plays do.
        """
        if feedback not in (COUNTS, EQUAL):
            return self
        relevant, ranking = self.relevant, self.ranking
        if relevant == LIKED:
            relevant = ANY
        elif feedback == COUNTS and not isinstance(relevant, str):
            relevant = math.log2(1 + max(0.0, relevant))
        usual = RankingSettings()
        if (ranking.lowest_weight, ranking.neutral) == (usual.lowest_weight, usual.neutral):
            ranking = dataclasses.replace(ranking, lowest_weight=1.0, neutral=-1 / 9)
        return dataclasses.replace(self, relevant=relevant, ranking=ranking)

    def of(self, model: type[Model]) -> Any:
        """Return the settings of a model; None, for its defaults, where this has none."""
        choose_for = self.relevant if self.choose else None
        own = {
            "stars": self.stars,
            "content": ContentSettings(self.max_features),
            "ranking": dataclasses.replace(self.ranking, choose_for=choose_for),
        }
        return own.get(model.name)

    def data(
        self, history: History, texts: Collection[MovieText], scale: tuple[float, float]
    ) -> TrainingData:
        """Return what models are trained on, by the least numbers of ratings of these settings."""
        return TrainingData.of(
            history,
            texts,
            scale,
            min_user_ratings=self.min_user_ratings,
            min_movie_ratings=self.min_movie_ratings,
        )

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("--min-user-ratings", self.min_user_ratings, 0, _MAX_SEED),
            ("--min-movie-ratings", self.min_movie_ratings, 0, _MAX_SEED),
            ("--max-features", self.max_features, 1, 65536),
            ("--factors", self.stars.n_factors, 1, 1000),
            ("--epochs", self.stars.n_epochs, 1, 10000),
            ("--seed", self.stars.random_state, 0, _MAX_SEED),
            ("ranking.n_factors", self.ranking.n_factors, 1, 1000),
            ("ranking.rank", self.ranking.rank, 1, _MAX_RANK),
            ("ranking.random_state", self.ranking.random_state, 0, _MAX_SEED),
        ):
            if not (hasattr(value, "__index__") and low <= value <= high):
                raise SettingsError(f"{name} {value}: give a whole number of {low} to {high}")
        for model in ("stars", "ranking"):
            for name, value in vars(getattr(self, model)).items():
                if isinstance(value, float) and not abs(value) <= _MAX_SEED:
                    raise SettingsError(f"{model}.{name} {value}: give a finite number")


def train(
    source: S,
    out: str | Path,
    settings: TrainingSettings | None = None,
    progress: StageProgress = no_progress,
    quality: dict[str, float | int] | None = None,
    engine: Engine[S] = _HERE,
    posters: Path | None = None,
    before: Bundle | None = None,
) -> Bundle:
    """Train on `source` and write the bundle `out`; returns it opened.

    An earlier bundle at `out` keeps serving until the new one is whole, and stays if this fails.
    After a kill, the next call with the same data and settings goes on behind the last finished
    stage.

    Args:
        source: which files, as `engine` takes them: for this process see `dataset.from_files` and
            `dataset.from_directory`.
        quality: how well these settings do on these data, from `evaluation.judging.quality`; for
            the About page.
        engine: who reads the ratings and fits the models: this process, or a cluster.
        posters: a folder with images of movies; see `training.posters.PosterFiles`.
        before: a bundle whose posters are kept where no others are given.

    Raises:
        DataError: the input cannot be used; names the file, row or column.
        SettingsError: there is too little memory for a stage.
        BundleError: `out` cannot be written.
    """
    # The arrays of one stage must not leave holes in the heap that stay held during the next.
    map_large_blocks(MB)
    settings = settings or TrainingSettings()
    images = PosterFiles(posters, before)
    contents = f"{engine.contents(source)} {posters or ''} {before.stamp if before else ''}"
    key = _key(engine.name, contents, settings)
    try:
        with BundleWriter(out, key) as writer:
            training = _Training(writer, source, settings, progress, engine, images)
            writer.commit(training.run() | {"quality": quality})
        progress("catalogue", 1.0)
    except (OSError, sqlite3.OperationalError) as error:
        problem = getattr(error, "strerror", None) or error
        raise BundleError(
            f"{out} cannot be written: {problem}; make room there or choose another --out"
        ) from error
    return Bundle.open(out)


def _key(engine: str, contents: str, settings: TrainingSettings) -> str:
    """Names what this training writes: equal data, settings and engines have equal keys.

    The memory limit changes nothing of it, and a run that met one is often given another.
    """
    imports = dataclasses.replace(settings.imports, memory_limit=None)
    plain = dataclasses.asdict(dataclasses.replace(settings, imports=imports))
    named = json.dumps([VERSION, plain, engine, contents])
    return hashlib.sha256(named.encode()).hexdigest()[:12]


class _Training(Generic[S]):
    """One training. What a stage needs of earlier ones it reads from the disk, where a run that
    was killed may have left it; so nothing of one stage is held in memory during the next."""

    def __init__(
        self,
        writer: BundleWriter,
        source: S,
        settings: TrainingSettings,
        progress: StageProgress,
        engine: Engine[S],
        posters: PosterFiles,
    ) -> None:
        self._writer = writer
        self._posters = posters
        self._source = source
        self._settings = settings
        self._progress = progress
        self._engine = engine
        self._stages = Stages(writer.folder, progress)
        self._work = self._stages.work

    def run(self) -> dict[str, Any]:
        """Write all files of the bundle; returns what belongs into the manifest."""
        run, settings = self._stages.run, self._settings
        self._data = run("import", self._import)
        if self._stages.records[0].reused:
            self._engine.resume(self._source, self._work, settings.imports)
        self._history = History.open(self._writer.folder)
        low, high = self._data["scale"]
        relevant_from((low, high), settings.for_feedback(self._data["feedback"]).relevant)
        data = settings.data(self._history, self._texts(), (low, high))
        self._movie_ratings = _movie_ratings(self._history, data.counts)
        self._check_memory()
        self._check_ratings(data)
        models = {model.name: self._model(model, data) for model in SERVED}
        genres = run("catalogue", self._catalogue)["genres"]
        if self._posters.any or self._names_posters():
            self._data["report"] += run("posters", self._write_posters)["lines"]
        shutil.rmtree(self._work)
        trained = {
            "trained_users": int(data.users.sum()),
            "trained_movies": int(data.movies.sum()),
        }
        return {
            "settings": dataclasses.asdict(settings),
            "engine": self._engine.name,
            "data": self._data | trained | {"genres": genres},
            "models": models,
            "shards": split(self._writer.folder),
            "seconds": round(sum(stage.seconds for stage in self._stages.records), 1),
            "stages": [dataclasses.asdict(stage) for stage in self._stages.records],
        }

    def _import(self) -> dict[str, Any]:
        dataset = self._engine.import_dataset(
            self._source, self._work, self._settings.imports, self._progress
        )
        for name in HISTORY_ARRAYS:
            (self._work / f"{name}.npy").replace(self._writer.folder / f"{name}.npy")
        history, given = History.open(self._writer.folder), self._settings.imports.feedback
        feedback = feedback_of(history, dataset.scale, given)
        return {
            "users": dataset.n_users,
            "movies": dataset.n_movies,
            "ratings": dataset.n_ratings,
            "mean_rating": history.mean_rating(),
            "scale": list(dataset.scale),
            "feedback": feedback,
            "fingerprint": dataset.fingerprint,
            "report": dataset.report.lines() + feedback_notes(feedback),
        }

    def _check_memory(self) -> None:
        """Refuse now what would be killed later.

        Raises:
            SettingsError: the models of so many users and movies do not fit.
        """
        settings = self._settings
        users, movies, ratings = (self._data[name] for name in ("users", "movies", "ratings"))
        needed = max(
            self._engine.memory(model, users, movies, ratings, self._settings_of(model))
            for model in SERVED
        )
        budget = MemoryBudget.find(settings.imports.memory_limit)
        if budget.bytes < needed:
            raise budget.shortage(
                f"the models of {users:,} users and {movies:,} movies take {format_bytes(needed)}"
            )

    def _settings_of(self, model: type[Model]) -> Any:
        """Return the settings of a model; the ranking model has as many directions as leave some
        of the memory free, at most the settings' number."""
        settings = self._settings.for_feedback(self._data["feedback"]).of(model)
        if model is not RankingModel:
            return settings
        users, movies, ratings = (self._data[name] for name in ("users", "movies", "ratings"))
        memory = partial(self._engine.memory, model, users, movies, ratings)
        ranks = range(settings.rank, min(settings.rank, _MIN_RANK) - 1, -1)
        smallest = dataclasses.replace(settings, rank=ranks[-1])
        budget = _RANK_SHARE * MemoryBudget.find(self._settings.imports.memory_limit).bytes
        fitting = (dataclasses.replace(settings, rank=rank) for rank in ranks)
        return next((one for one in fitting if memory(one) <= budget), smallest)

    def _texts(self, progress: Progress = no_progress) -> MovieTexts:
        return MovieTexts(self._work / "movies.parquet", self._data["movies"], progress)

    def _check_ratings(self, data: TrainingData) -> None:
        """Refuse data of which nothing is left.

        Raises:
            DataError: no rating takes part in training the stars model.
        """
        if not any(len(block.movies) for block in data.history.blocks(data.users, data.movies)):
            settings = self._settings
            raise DataError(
                f"no rating is left: no user with at least {settings.min_user_ratings} ratings "
                f"rated a movie with at least {settings.min_movie_ratings}; lower "
                "--min-user-ratings or --min-movie-ratings"
            )

    def _model(self, model: type[Model], data: TrainingData) -> Mapping[str, float]:
        """Train a model as a stage of its own; returns the numbers that it saved.

        Those before it are memory-mapped, from this run or an earlier one.
        """

        def stage() -> dict[str, Any]:
            progress = of_stage(self._progress, model.name)
            before = {one.name: one.load(self._writer) for one in SERVED[: SERVED.index(model)]}
            own = dataclasses.replace(data, texts=self._texts(progress), fitted=before)
            fitted = self._engine.fit(model, own, self._settings_of(model), progress)
            fitted.save(self._writer)
            terms = fitted.vocabulary if isinstance(fitted, ContentModel) else ()
            return {"numbers": self._writer.numbers(model.name), "terms": terms}

        result = self._stages.run(model.name, stage)
        self._writer.save_numbers(model.name, result["numbers"])
        if model is ContentModel:
            self._terms = result["terms"]
        return self._writer.numbers(model.name)

    def _catalogue(self) -> dict[str, Any]:
        def part(low: float, high: float) -> MovieTexts:
            return self._texts(scaled(of_stage(self._progress, "catalogue"), low, high))

        texts, (counts, means, deviations) = part(0.0, 0.04), self._movie_ratings
        numbers = np.fromiter(
            ((movie.year or 0, movie.imdb_id or 0, movie.tmdb_id or 0) for movie in texts),
            [("year", np.int16), ("imdb", np.int32), ("tmdb", np.int32)],
            len(texts),
        )
        MovieLinks(numbers["imdb"], numbers["tmdb"]).save(self._writer)
        names, packed = pack_genres([movie.genres for movie in part(0.04, 0.08)], len(texts))
        facts = MovieFacts(names, numbers["year"], packed, counts, means, deviations)
        genres = facts.save(self._writer)
        file = self._writer.folder / CATALOGUE_FILE
        file.unlink(missing_ok=True)  # a killed run's
        write_catalogue(
            file,
            zip(part(0.08, 0.2), counts.tolist(), strict=True),
            _users(self._work / "users.parquet"),
            self._terms,
        )
        titles = ((movie.year, (movie.title, *movie.titles.values())) for movie in part(0.3, 1.0))
        TitleIndex.build(titles, counts, self._work / "titles.sqlite").save(self._writer)
        return {"genres": genres}

    def _names_posters(self) -> bool:
        """Return whether the file of movies names images."""
        with pq.ParquetFile(self._work / "movies.parquet") as file:
            batches = file.iter_batches(columns=["poster"])
            return any(batch.column(0).null_count < len(batch) for batch in batches)

    def _write_posters(self) -> dict[str, Any]:
        file = self._writer.folder / POSTERS_FILE
        file.unlink(missing_ok=True)  # a killed run's
        texts = self._texts(of_stage(self._progress, "posters"))
        return {"lines": self._posters.lines(write_posters(file, self._posters.images(texts)))}


def _movie_ratings(
    history: History, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the number of ratings of each movie (int32), their mean (float32, NaN without any)
    and their standard deviation (float32, 0 without any)."""
    n_movies = len(counts)
    sums, squares = np.zeros((2, n_movies))
    for block in history.everything():
        sums += np.bincount(block.movies, weights=block.ratings, minlength=n_movies)
        squares += np.bincount(block.movies, weights=block.ratings**2, minlength=n_movies)
    means = np.divide(sums, counts, out=np.full(n_movies, np.nan), where=counts > 0)
    variances = np.divide(squares, counts, out=np.zeros(n_movies), where=counts > 0)
    deviations = np.sqrt(np.maximum(0, variances - np.nan_to_num(means) ** 2))
    return counts.astype(np.int32), means.astype(np.float32), deviations.astype(np.float32)


class MovieTexts:
    """The movies of ``movies.parquet`` in index order; can be gone through again and again.

    `progress` is told the fraction that has been gone through, each time.
    """

    def __init__(
        self,
        path: Path,
        n_movies: int,
        progress: Progress = no_progress,
    ) -> None:
        self._path = path
        self._n_movies = n_movies
        self._progress = progress

    def __len__(self) -> int:
        return self._n_movies

    def __contains__(self, movie: object) -> bool:
        return any(movie == other for other in self)

    def __iter__(self) -> Iterator[MovieText]:
        read = 0
        with pq.ParquetFile(self._path) as file:
            for batch in file.iter_batches(batch_size=1024):
                self._progress(read / self._n_movies)
                read += batch.num_rows
                for row in batch.to_pylist():
                    genres, tags = tuple(row.pop("genres") or ()), tuple(row.pop("tags") or ())
                    titles = dict(row.pop("titles") or ())
                    yield MovieText(genres=genres, tags=tags, titles=titles, **row)
        self._progress(1.0)


def _users(path: Path) -> Iterator[tuple[Id, int]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=8192):
            columns = batch.to_pydict()
            yield from zip(columns["user_id"], columns["n_ratings"], strict=True)
