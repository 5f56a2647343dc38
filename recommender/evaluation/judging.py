"""Honest figures: every model trained on one part of the ratings and judged by the other.

Every movie that a user has not rated in the train part is a candidate, rated by others or not;
a movie counts as found if the user rated it well in the held-out part. `docs/evaluation.md` says
what each figure means.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from debug_memory import action
from recommender.bundle.feedback import feedback_of
from recommender.bundle.history import History
from recommender.core.errors import DataError, SettingsError
from recommender.core.progress import StageProgress, no_progress
from recommender.core.relevance import relevant_from
from recommender.dataset import Source, import_dataset
from recommender.evaluation.contenders import (
    BY_STARS,
    POPULARITY,
    RANKING,
    Abilities,
    Contender,
    Contenders,
)
from recommender.evaluation.holdout import SHARE, Holdout, split_by_time, split_random
from recommender.evaluation.metrics import (
    RECALL_AT,
    ListMetrics,
    StarsMetrics,
    self_information,
)
from recommender.evaluation.scratch import scratch_folder
from recommender.training.pipeline import MovieTexts, TrainingSettings

Protocol = Literal["random", "time"]
PROTOCOLS: tuple[Protocol, ...] = ("random", "time")
# Similar movies are asked for so many users, and so many liked movies of each.
_SIMILAR_USERS = 1000
_LIKED_PER_USER = 5


@dataclass(frozen=True)
class EvaluationOptions:
    """Options of an evaluation.

    Attributes:
        protocol: ``"random"`` holds out a share of each user's ratings, ``"time"`` the latest of
            all.
        seeds: one split each; ``"time"`` has only one split, and uses the first.
        max_users: of more users, so many are drawn at random for the lists.
        only: the names of the models to judge; all by default.
        held_out: the share that is held out.
    """

    protocol: Protocol = "random"
    seeds: tuple[int, ...] = (1,)
    max_users: int = 20_000
    only: tuple[str, ...] = ()
    held_out: float = SHARE

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise SettingsError(f"--protocol {self.protocol}: give one of {', '.join(PROTOCOLS)}")
        if not self.seeds or not all(0 <= seed < 2**32 for seed in self.seeds):
            raise SettingsError("--seeds: give whole numbers from 0 on, such as 1,2,3")
        if len(set(self.seeds)) < len(self.seeds):
            raise SettingsError("--seeds: give each number once")
        if self.max_users < 1:
            raise SettingsError(f"--users {self.max_users}: give at least 1")
        if not 0 < self.held_out < 1:
            raise SettingsError(f"--held-out {self.held_out:g}: give a share such as 0.2")


def quality(
    source: Source, settings: TrainingSettings, progress: StageProgress
) -> dict[str, float | int]:
    """Measure a bundle for its About page: a few figures of these settings on held-out ratings of
    these data.

    Raises:
        DataError: as `evaluate`.
    """
    options = EvaluationOptions(max_users=2000, only=(POPULARITY, BY_STARS, RANKING))
    results = evaluate(source, options, settings, progress)
    found = {model["name"]: model["metrics"] for model in results["models"]}
    return {
        "users": results["protocol"]["users_judged"][0],
        "ndcg": found[RANKING]["ndcg@10"]["mean"],
        "popularity_ndcg": found[POPULARITY]["ndcg@10"]["mean"],
        "mae": found[BY_STARS]["mae"]["mean"],
    }


@dataclass
class _Row:
    """Measurements of one model, a list item for each seed."""

    metrics: list[dict[str, np.ndarray]] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)
    peaks: list[int] = dataclasses.field(default_factory=list)


def evaluate(
    source: Source,
    options: EvaluationOptions = EvaluationOptions(),
    settings: TrainingSettings | None = None,
    progress: StageProgress = no_progress,
) -> dict[str, Any]:
    """Judge all models on `source`; returns the results as JSON has them.

    Memory: the models' own, a batch, and a few numbers for each user and movie; ratings stay on
    disk, in a temporary folder.

    Raises:
        DataError: the input cannot be used, or has too little in it to judge by.
    """
    started = time.monotonic()
    settings = settings or TrainingSettings()
    timed = options.protocol == "time"
    imports = dataclasses.replace(settings.imports, keep_times=timed)
    rows: dict[str, _Row] = {}
    with scratch_folder() as folder:
        dataset = import_dataset(source, folder, imports, progress)
        history = History.open(folder)
        feedback = feedback_of(history, dataset.scale, imports.feedback)
        settings = settings.for_feedback(feedback)
        texts = MovieTexts(folder / "movies.parquet", dataset.n_movies)
        judged: list[int] = []
        used: list[dict[str, Any]] = []
        seeds = options.seeds[:1] if timed else options.seeds
        for seed in seeds:
            if timed:
                times = np.load(folder / "history_times.npy", mmap_mode="r")
                holdout = split_by_time(history, times, folder / "split", options.held_out)
            else:
                holdout = split_random(history, folder / "split", seed, share=options.held_out)
            told = _numbered(progress, seed)
            contenders = Contenders(holdout.train, texts, dataset.scale, settings, told)
            liked_from = relevant_from(dataset.scale, settings.relevant)
            trial = _Trial(holdout, contenders, liked_from, seed, options.max_users)
            ranking = contenders.trained["ranking"].model
            used.append({**ranking.chosen, "neutral": ranking.neutral})
            judged.append(len(trial.users))
            for contender in contenders.all():
                if options.only and contender.name not in options.only:
                    continue
                trial.run(contender, rows.setdefault(contender.name, _Row()), told)
    return {
        "protocol": {
            "split": options.protocol,
            "held_out": options.held_out,
            "seeds": list(seeds),
            "users_judged": judged,
            "relevant_from_stars": liked_from,
        },
        "data": {
            "ratings": dataset.n_ratings,
            "users": dataset.n_users,
            "movies": dataset.n_movies,
            "scale": list(dataset.scale),
            "fingerprint": dataset.fingerprint,
        },
        "settings": {
            "min_user_ratings": settings.min_user_ratings,
            "min_movie_ratings": settings.min_movie_ratings,
            "max_features": settings.max_features,
            "stars": dataclasses.asdict(settings.stars),
            "ranking": dataclasses.asdict(settings.ranking),
            "ranking_chosen": used,
        },
        "models": [{"name": name, **_summary(row)} for name, row in rows.items()],
        "seconds": round(time.monotonic() - started, 1),
    }


class _Trial:
    """One split: who is judged by what, and every contender's turn."""

    def __init__(
        self,
        holdout: Holdout,
        contenders: Contenders,
        liked_from: float,
        seed: int,
        max_users: int,
    ) -> None:
        self._train, self._test = holdout.train, holdout.test
        self._liked_from = liked_from
        self._trained = contenders.trained
        self._information = self_information(contenders.counts, self._train.n_users)
        users = users_with_relevant(self._test, self._liked_from)
        if not len(users):
            raise DataError(
                f"nothing to judge by: no held-out rating has {self._liked_from:g} stars or more; "
                "give more ratings"
            )
        rng = np.random.default_rng(seed)
        self.users = np.sort(rng.permutation(users)[:max_users])
        self._liked = self._draw_liked(rng)

    def run(self, contender: Contender, row: _Row, progress: StageProgress) -> None:
        """Judge one contender, and add what was found to `row`."""

        def told(fraction: float) -> None:
            progress(f"Judging: {contender.name}", fraction)

        told(0.0)
        with action(contender.name) as measured:
            metrics = self._judge(contender.build(), told)
        told(1.0)
        record = measured.record
        parts = [self._trained[name] for name in contender.parts]
        row.metrics.append(metrics)
        row.seconds.append(record.duration + sum(part.seconds for part in parts))
        row.peaks.append(max([record.peak - record.before, *(part.peak for part in parts)]))

    def _judge(self, able: Abilities, progress: Callable[[float], None]) -> dict[str, np.ndarray]:
        metrics: dict[str, np.ndarray] = {}
        if able.stars:
            metrics |= self._judge_stars(able.stars)
        if able.top:
            metrics |= self._judge_lists(able.top(self.users, RECALL_AT), progress)
        if able.similar:
            metrics["similar@20"] = self._judge_similar(able.similar, progress)
        return metrics

    def _relevant(self, user: int) -> np.ndarray:
        movies, ratings = self._test.of(user)
        return movies[ratings >= self._liked_from]

    def _judge_stars(
        self, predict: Callable[[np.ndarray, np.ndarray], np.ndarray]
    ) -> dict[str, np.ndarray]:
        errors = StarsMetrics()
        for block in self._test.everything():
            errors.add(predict(block.users, block.movies), block.ratings)
        return errors.result()

    def _judge_lists(
        self, lists: Iterable[np.ndarray], progress: Callable[[float], None]
    ) -> dict[str, np.ndarray]:
        found = ListMetrics(self._information)
        for done, (user, top) in enumerate(zip(self.users, lists, strict=True)):
            found.add(top, self._relevant(user))
            progress(done / len(self.users))
        return found.result()

    def _draw_liked(self, rng: np.random.Generator) -> dict[int, list[int]]:
        """Some users by each of the train movies they liked: movie → users."""
        asked: dict[int, list[int]] = {}
        for user in rng.permutation(self.users)[:_SIMILAR_USERS].tolist():
            movies, ratings = self._train.of(user)
            liked = rng.permutation(movies[ratings >= self._liked_from])[:_LIKED_PER_USER]
            for movie in liked.tolist():
                asked.setdefault(movie, []).append(user)
        return asked

    def _judge_similar(
        self, similar: Callable[[int, int], np.ndarray], progress: Callable[[float], None]
    ) -> np.ndarray:
        """Of each user's held-out relevant movies the share that is in the list for a movie the
        user liked, averaged over the movies asked for; shape (users asked,)."""
        shares: dict[int, list[float]] = {}
        for done, (movie, users) in enumerate(self._liked.items()):
            top = similar(movie, RECALL_AT)
            for user in users:
                shares.setdefault(user, []).append(np.isin(self._relevant(user), top).mean())
            progress(done / len(self._liked))
        return np.array([np.mean(found) for found in shares.values()])


def users_with_relevant(test: History, liked_from: float) -> np.ndarray:
    """Return the users who have a relevant rating in `test`, ascending."""
    found = np.zeros(test.n_users, dtype=bool)
    for block in test.everything():
        found[block.users[block.ratings >= liked_from]] = True
    return np.flatnonzero(found)


def _numbered(progress: StageProgress, seed: int) -> StageProgress:
    return lambda stage, fraction: progress(f"{stage} (seed {seed})", fraction)


def _summary(row: _Row) -> dict[str, Any]:
    """Means over the seeds, with two standard errors: over the seeds' means, and over the users
    within a seed (averaged over the seeds); null where there is nothing to compare."""
    metrics = {}
    for name in row.metrics[0]:
        values = [found[name] for found in row.metrics]
        means = [float(value.mean()) for value in values]
        by_user = [float(_standard_error(value)) for value in values if len(value) > 1]
        metrics[name] = {
            "mean": float(np.mean(means)),
            "se_seeds": float(_standard_error(np.array(means))) if len(means) > 1 else None,
            "se_users": float(np.mean(by_user)) if by_user else None,
        }
    return {
        "metrics": metrics,
        "seconds": float(np.mean(row.seconds)),
        "peak_mb": max(row.peaks) / 2**20,
    }


def _standard_error(values: np.ndarray) -> np.ndarray:
    return values.std(ddof=1) / np.sqrt(len(values))
