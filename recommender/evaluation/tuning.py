"""Settings chosen on a validation split, in bounded time.

The test ratings of `matinee evaluate` with the same seed are set aside first and never looked at.
For the stars, the rest is split again, and each trial is trained on one part and judged by the
other; for the ranking, see `models.ranking_choice`.

The search goes along one setting after the other (coordinate search): each value of the grid is
tried with the best of the others, until a whole round brings nothing or the trials are used up. It
draws no random numbers, so the same trials come in the same order every time; a limit in minutes
only says where it stops.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from recommender.bundle.feedback import feedback_of
from recommender.bundle.history import History
from recommender.core.errors import DataError, SettingsError
from recommender.core.progress import StageProgress, no_progress
from recommender.core.relevance import Relevant, relevant_from
from recommender.dataset import Source, import_dataset
from recommender.evaluation.holdout import Holdout, split_random
from recommender.evaluation.metrics import StarsMetrics
from recommender.evaluation.scratch import scratch_folder
from recommender.models.content import ContentModel
from recommender.models.protocol import TrainingData
from recommender.models.ranking import RankingSettings
from recommender.models.ranking_choice import Validation
from recommender.models.ranking_fit import HistoryRows
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
    "regularization": (0.9, 1.2, 1.8, 2.5, 3.5, 5.0, 7.0, 10.0, 14.0, 28.0),
    "regularization_exponent": (0.0, 0.15, 0.25, 0.35, 0.5, 0.75),
    "neutral": (-1 / 9, 1 / 6, 1 / 4, 1 / 3),
    "content_weight": (0.06, 0.17, 0.3, 0.5, 0.8, 1.5),
    "n_factors": (24, 32, 48, 64, 96, 128),
    "lowest_weight": (0.1, 0.3, 0.5, 1.0),
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
        relevant: what counted, see `relevance`.
    """

    stars: StarsSettings
    ranking: RankingSettings
    rmse: float
    ndcg: float
    first_rmse: float
    first_ndcg: float
    trials: int
    relevant: Relevant

    def to_dict(self) -> dict[str, Any]:
        """As `settings_file.load_settings` reads it."""
        values = dataclasses.asdict(self)
        del values["ranking"]["choose_for"]
        return {
            "stars": values.pop("stars"),
            "ranking": values.pop("ranking"),
            "relevant": values.pop("relevant"),
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
        history = History.open(folder)
        feedback = feedback_of(history, dataset.scale, settings.imports.feedback)
        relevant, settings = settings.relevant, settings.for_feedback(feedback)
        rest, holdout = _validation_split(history, folder, options)
        texts = MovieTexts(folder / "movies.parquet", dataset.n_movies)
        judge = _StarsJudge(holdout, settings.data(holdout.train, texts, dataset.scale))
        left = settings.data(rest, texts, dataset.scale)
        validation = Validation(
            lambda weighting: HistoryRows(rest, weighting, dataset.n_movies),
            rest,
            left.counts,
            ContentModel.fit(left, settings.of(ContentModel)),
            dataset.scale,
            settings.relevant,
            options.seed,
        )
        if not validation.n_users:
            liked_from = relevant_from(dataset.scale, settings.relevant)
            raise DataError(
                f"nothing to judge by: no rating of the validation part has {liked_from:g} "
                "stars or more; give more ratings"
            )
        began = time.monotonic()
        stars = _Search(
            STARS_GRID, judge.rmse, options.trials // 2, options.minutes / 2, "stars: RMSE"
        )
        best_stars = stars.run(settings.stars, tell, progress)
        ranking = _Search(
            RANKING_GRID,
            lambda tried: -float(validation.judge(tried).mean()),
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
        relevant=settings.relevant if isinstance(relevant, str) else relevant,
    )


def _validation_split(
    history: History, folder: Path, options: TuningOptions
) -> tuple[History, Holdout]:
    """Return what is left without the test ratings, and its split for the users drawn."""
    rng = np.random.default_rng(options.seed)
    taking_part = np.zeros(history.n_users, dtype=bool)
    taking_part[rng.permutation(history.n_users)[: options.max_users]] = True
    rest = split_random(history, folder / "test", options.seed).train
    return rest, split_random(rest, folder / "validation", options.seed, taking_part)


class _StarsJudge:
    """Trains on the one part of the validation split and judges by the other."""

    def __init__(self, holdout: Holdout, data: TrainingData) -> None:
        self._data, self._validation = data, holdout.test

    def rmse(self, settings: StarsSettings) -> float:
        """Return the RMSE of the stars model."""
        model = StarsModel.fit(self._data, settings)
        errors = StarsMetrics()
        for block in self._validation.everything():
            errors.add(model.predict_pairs(block.users, block.movies), block.ratings)
        return float(errors.result()["rmse"][0])


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
