"""Settings chosen on a validation split, in bounded time.

The test ratings of `matinee evaluate` with the same seed are set aside first and never looked at;
the rest is split again, and each trial is trained on one part and judged by the other.

The search goes along one setting after the other (coordinate search): each value of the grid is
tried with the best of the others, until a whole round brings nothing or the trials are used up. It
draws no random numbers, so the same trials come in the same order every time; a limit in minutes
only says where it stops.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from recommender.bundle.catalogue import MovieText
from recommender.bundle.history import History
from recommender.core.errors import DataError, SettingsError
from recommender.core.progress import StageProgress, no_progress
from recommender.dataset import Source, import_dataset
from recommender.evaluation.holdout import Holdout, split_random
from recommender.evaluation.judging import users_with_relevant
from recommender.evaluation.metrics import NDCG_AT, StarsMetrics, ndcg, relevant_from
from recommender.evaluation.scratch import scratch_folder
from recommender.evaluation.top_lists import top_unrated
from recommender.models.content import ContentModel
from recommender.models.ranking import RankingModel, RankingSettings
from recommender.models.stars import StarsModel, StarsSettings
from recommender.training.pipeline import MovieTexts, TrainingSettings

Grid = Mapping[str, tuple[Any, ...]]
S = TypeVar("S", StarsSettings, RankingSettings)

STARS_GRID: Grid = {
    "learning_rate": (0.01, 0.02, 0.03, 0.05),
    "regularization": (0.05, 0.08, 0.1, 0.12, 0.15),
    "n_epochs": (10, 20, 30, 40),
}
RANKING_GRID: Grid = {
    "popularity_exponent": (0.0, 0.1, 0.2, 0.3, 0.4),
    "content_weight": (0.1, 0.3, 1.0, 2.0),
    "rated_exponent": (0.2, 0.3, 0.4, 0.5),
    "damping": (8, 16, 32),
    "n_factors": (32, 64, 96, 128),
}


@dataclass(frozen=True)
class TuningOptions:
    """Limits of a search for settings.

    Attributes:
        trials: how many settings to try at most; the stars model gets up to half of them.
        minutes: when to stop at the latest; the trial that is running is finished.
        seed: of the split; `matinee evaluate --seeds` with the same number judges on ratings
            that were not used here.
        max_users: of more users, so many are drawn at random.
    """

    trials: int = 40
    minutes: float = 30.0
    seed: int = 1
    max_users: int = 20_000

    def __post_init__(self) -> None:
        if self.trials < 2:
            raise SettingsError(f"--trials {self.trials}: give at least 2, one for each model")
        if not 0 < self.minutes < math.inf:
            raise SettingsError(f"--minutes {self.minutes:g}: give a number above 0")
        if not 0 <= self.seed < 2**32:
            raise SettingsError(f"--seed {self.seed}: give a whole number from 0 on")
        if self.max_users < 1:
            raise SettingsError(f"--users {self.max_users}: give at least 1")


@dataclass(frozen=True)
class TuningResult:
    """Result of a search for settings.

    Attributes:
        stars, ranking: the best settings.
        rmse, ndcg: how good they were on the validation part.
        first_rmse, first_ndcg: how good those were that the search began with.
        trials: how many were tried.
    """

    stars: StarsSettings
    ranking: RankingSettings
    rmse: float
    ndcg: float
    first_rmse: float
    first_ndcg: float
    trials: int

    def to_dict(self) -> dict[str, Any]:
        """As `settings_file.load_settings` reads it."""
        values = dataclasses.asdict(self)
        return {
            "stars": values.pop("stars"),
            "ranking": values.pop("ranking"),
            "tuned": values,
        }


def tune(
    source: Source,
    options: TuningOptions = TuningOptions(),
    settings: TrainingSettings | None = None,
    progress: StageProgress = no_progress,
    tell: Callable[[str], None] = lambda line: None,
) -> TuningResult:
    """Search for the settings of both models that are best on `source`.

    Args:
        settings: where the search begins.
        tell: is told of each trial, one line each.

    Raises:
        DataError: the input cannot be used, or has too little in it to judge by.
    """
    settings = settings or TrainingSettings()
    with scratch_folder() as folder:
        dataset = import_dataset(source, folder, settings.imports, progress)
        holdout = _validation_split(History.open(folder), folder, options)
        texts = MovieTexts(folder / "movies.parquet", dataset.n_movies)
        judge = _Judge(holdout, texts, dataset.scale, settings)
        began = time.monotonic()
        stars = _Search(
            STARS_GRID, judge.rmse, options.trials // 2, options.minutes / 2, "stars: RMSE"
        )
        best_stars = stars.run(settings.stars, tell, progress)
        ranking = _Search(
            RANKING_GRID,
            lambda tried: -judge.ndcg(tried),
            options.trials - stars.trials,
            options.minutes - (time.monotonic() - began) / 60,
            "ranking: NDCG@10",
        )
        best_ranking = ranking.run(settings.ranking, tell, progress)
    return TuningResult(
        best_stars,
        best_ranking,
        rmse=stars.best,
        ndcg=-ranking.best,
        first_rmse=stars.first,
        first_ndcg=-ranking.first,
        trials=stars.trials + ranking.trials,
    )


def _validation_split(history: History, folder: Path, options: TuningOptions) -> Holdout:
    rng = np.random.default_rng(options.seed)
    taking_part = np.zeros(history.n_users, dtype=bool)
    taking_part[rng.permutation(history.n_users)[: options.max_users]] = True
    rest = split_random(history, folder / "test", options.seed).train
    return split_random(rest, folder / "validation", options.seed, taking_part)


class _Judge:
    """Trains on the one part of the validation split and judges by the other."""

    def __init__(
        self,
        holdout: Holdout,
        texts: Collection[MovieText],
        scale: tuple[float, float],
        settings: TrainingSettings,
    ) -> None:
        train, self._validation = holdout.train, holdout.test
        data = settings.data(train, texts, scale)
        content = ContentModel.fit(data, settings.of(ContentModel))
        self._data = dataclasses.replace(data, fitted={ContentModel.name: content})
        self._liked_from = relevant_from(scale)
        self._judged = users_with_relevant(self._validation, self._liked_from)
        if not len(self._judged):
            raise DataError(
                f"nothing to judge by: no rating of the validation part has {self._liked_from:g} "
                "stars or more; give more ratings"
            )

    def rmse(self, settings: StarsSettings) -> float:
        """Return the RMSE of the stars model."""
        model = StarsModel.fit(self._data, settings)
        errors = StarsMetrics()
        for block in self._validation.everything():
            errors.add(model.predict_pairs(block.users, block.movies), block.ratings)
        return float(errors.result()["rmse"][0])

    def ndcg(self, settings: RankingSettings) -> float:
        """Return the mean NDCG@10 of the ranking model."""
        model = RankingModel.fit(self._data, settings)
        n_movies, train = self._data.n_movies, self._data.history
        values = []
        lists = top_unrated(model, train, n_movies, self._judged, NDCG_AT)
        for user, top in zip(self._judged, lists, strict=True):
            movies, ratings = self._validation.of(user)
            values.append(ndcg(top, movies[ratings >= self._liked_from]))
        return float(np.mean(values))


class _Search:
    """Coordinate search for the lowest value of `judge`.

    Attributes:
        best, first: the lowest value, and that of the settings it began with.
        trials: how many settings were tried.
    """

    def __init__(
        self,
        grid: Grid,
        judge: Callable[[Any], float],
        most_trials: int,
        minutes: float,
        name: str,
    ) -> None:
        self._grid, self._judge, self._name = grid, judge, name
        self._most_trials, self._minutes = most_trials, minutes
        self.best = self.first = math.inf
        self.trials = 0

    def run(self, start: S, tell: Callable[[str], None], progress: StageProgress) -> S:
        """The best settings found, beginning with `start`."""
        stop = time.monotonic() + 60 * self._minutes
        self.first = self.best = self._try(start, math.inf, tell, progress)
        best, before, tried = start, None, {start}
        while best != before:
            before = best
            for name, value in self._steps():
                settings = dataclasses.replace(best, **{name: value})
                if settings in tried:
                    continue
                if self.trials >= self._most_trials or time.monotonic() > stop:
                    return best
                tried.add(settings)
                found = self._try(settings, self.best, tell, progress)
                if found < self.best:
                    best, self.best = settings, found
        return best

    def _steps(self) -> Iterator[tuple[str, Any]]:
        return ((name, value) for name, values in self._grid.items() for value in values)

    def _try(
        self, settings: Any, best: float, tell: Callable[[str], None], progress: StageProgress
    ) -> float:
        found = self._judge(settings)
        self.trials += 1
        pairs = ", ".join(f"{name} {getattr(settings, name):g}" for name in self._grid)
        mark = "  best so far" if found < best else ""
        tell(f"{self._name} {abs(found):.4f}  {pairs}{mark}")
        progress(f"Trying {self._name.partition(':')[0]}", self.trials / self._most_trials)
        return found
