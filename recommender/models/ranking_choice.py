"""The ranking model's settings, chosen on ratings that took no part in the fit.

Users are drawn, and a fifth of each one's ratings is held out: the model is fitted to all other
ratings, and the users' lists are judged by what was held out. So few ratings are missing at a time
that what is best without them is best with them: without a fifth of all, stronger regularization
would seem better than it is. The search walks from one value to the next, setting by setting, and
takes a step only where the lists are better by more than the standard error of the difference, and
what it found is kept only where it is better than the beginning by more than two: of a dozen tries
one gains a standard error by chance. The subspace iteration is run once for each fold:
what the search varies costs no further pass over the ratings (`ranking_fit.Directions`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from recommender.bundle.history import History
from recommender.core.progress import Progress, no_progress, scaled
from recommender.core.relevance import ANY, NDCG_AT, Relevant, ndcg, relevant_from
from recommender.core.top_n import TopN
from recommender.models.content import ContentModel
from recommender.models.protocol import TrainingData
from recommender.models.ranking import RankingModel, RankingSettings
from recommender.models.ranking_fit import (
    Directions,
    HistoryRows,
    RatingRows,
    Start,
    Weighting,
    blocks,
    find_directions,
    fit_ranking,
    no_start,
    popularity_of,
)

GRID: dict[str, tuple[float, ...]] = {
    "regularization": (0.9, 1.8, 3.5, 7.0, 14.0, 28.0, 56.0),
    "regularization_exponent": (0.0, 0.25, 0.5, 0.75),
    "content_weight": (0.02, 0.06, 0.17, 0.5, 1.5),
    "n_factors": (8, 16, 32, 64),
    "neutral": (-1 / 9, 1 / 8, 1 / 4, 3 / 8, 1 / 2),
    "lowest_weight": (-1.0, -1 / 3, 0.1, 0.3, 1.0),
}
# Another weighting takes passes over the ratings: it is searched with no more than so many of them.
_WEIGHED = 1_000_000
# Beginnings of the search besides, which steps of one setting at a time do not find: where content
# says little, it must go and λ grow at the same time; where people rated nearly everything, low
# ratings must count against their movies in the fit and for what a person likes.
_STARTS: tuple[dict[str, Any], ...] = (
    {"regularization": 7.0, "regularization_exponent": 0.5, "content_weight": 0.02},
    {"regularization": 7.0, "regularization_exponent": 0.5, "content_weight": 0.17},
    {"lowest_weight": -1.0, "neutral": 0.5},
)
# A user who is judged has so many ratings, of which this share is held out.
_MIN_RATINGS, _SHARE = 5, 0.2
# With fewer users than this to judge by, chance would choose.
_MIN_USERS = 100
# How many users are judged: no more than this, and so many that a trial scores these pairs.
MAX_USERS, _MAX_PAIRS = 2000, 50_000_000
# With fewer ratings there is more than one fold, so that most users can be judged; and of few
# movies, where a trial costs little, other ratings are held out in another round.
_FOLDED, _FOLDS = 5_000_000, 2
_MAX_ROUNDS, _ROUND_MOVIES = 3, 6000
# How many numbers the trials may go through, movies · K² each in a fold: about 30 s on two cores.
_MIN_TRIALS, _MAX_NUMBERS = 6, 20_000_000_000
# How many standard errors of the difference a step must gain, and all steps together.
_MIN_STEP, _MIN_GAIN = 1.0, 2.0
# How many movies are scored at a time for those who are judged.
_SCORED = 2048

RowsOf = Callable[[Weighting], RatingRows]


@dataclass(frozen=True)
class Choice:
    """The best settings, and how they were judged.

    Attributes:
        settings: the best.
        users: how many were judged; 0 if there was nothing to judge by.
        trials: how many settings.
        first_ndcg, ndcg: mean NDCG@10 of the settings at the beginning and of the best.
    """

    settings: RankingSettings
    users: int
    trials: int
    first_ndcg: float
    ndcg: float

    def numbers(self) -> dict[str, float]:
        """Return `RankingModel.chosen`."""
        names = (*GRID, "rank")
        values = {name: float(getattr(self.settings, name)) for name in names if name != "neutral"}
        judged = {"judged_users": self.users, "trials": self.trials}
        return values | judged | {"first_ndcg": self.first_ndcg, "ndcg": self.ndcg}


def described(model: RankingModel) -> str:
    """Return what was chosen for `model` in words, one line; empty if nothing was to be."""
    chosen = dict(model.chosen) | {"neutral": model.neutral}
    if "trials" not in chosen:
        return ""
    if not chosen["judged_users"]:
        return "Ranking: too few ratings to choose settings by; the defaults were kept."
    values = (f"{name} {chosen[name]:.3g}" for name in GRID)
    return (
        f"Ranking: {', '.join(values)}, chosen of {chosen['trials']:.0f} by "
        f"{chosen['judged_users']:,.0f} users: "
        f"NDCG@{NDCG_AT} {chosen['first_ndcg']:.4f} → {chosen['ndcg']:.4f}."
    )


@dataclass(frozen=True)
class _Fold:
    """Users who are judged together, ascending: what they rated but for the held-out part, the
    movies of that part, and each user's relevant ones among them."""

    users: np.ndarray
    rated: list[tuple[np.ndarray, np.ndarray]]
    held_out: np.ndarray
    relevant: list[np.ndarray]

    @property
    def kept(self) -> History:
        """Return what is left of the users' ratings, as users of its own."""
        lengths = [len(movies) for movies, _ in self.rated]
        movies, ratings = (np.concatenate(part) for part in zip(*self.rated, strict=True))
        return History(np.append(0, np.cumsum(lengths)), movies, ratings)


@dataclass(frozen=True)
class _Joined:
    """The rows of two together; see `ranking_fit.RatingRows`."""

    one: RatingRows
    other: RatingRows

    def energy(self) -> tuple[np.ndarray, int]:
        (energy, users), (more_energy, more_users) = self.one.energy(), self.other.energy()
        return energy + more_energy, users + more_users

    def add_gram(self, columns: np.ndarray, product: np.ndarray, progress: Progress) -> None:
        self.other.add_gram(columns, product, no_progress)
        self.one.add_gram(columns, product, progress)

    def without(self, users: np.ndarray) -> RatingRows:
        return _Joined(self.one.without(users), self.other)


class Validation:
    """Judges settings by ratings that took no part in the fit.

    Memory: K numbers for each movie and fold, and a batch of scores.

    Args:
        rows_of: gives X for a weighting of the ratings.
        history: the same ratings, for those who are judged.
        counts: how many ratings each movie has, shape (movies,).
        seed: draws users and held-out ratings.

    Attributes:
        n_users: how many are judged.
        varied: the settings that may be varied in bounded time, names in `GRID`.
    """

    def __init__(
        self,
        rows_of: RowsOf,
        history: History,
        counts: np.ndarray,
        content: ContentModel,
        scale: tuple[float, float],
        relevant: Relevant,
        seed: int,
    ) -> None:
        self._rows_of, self._content, self._scale = rows_of, content, scale
        self._counts = counts
        rng = np.random.default_rng(seed)
        able = rng.permutation(np.flatnonzero(np.diff(history.offsets) >= _MIN_RATINGS))
        many = len(history.movies) > _FOLDED
        weighed = len(history.movies) <= _WEIGHED and content.n_movies <= _ROUND_MOVIES // 2
        self.varied = [name for name in GRID if weighed or name != "lowest_weight"]
        able = able[: min(MAX_USERS, max(1, _MAX_PAIRS // max(1, content.n_movies)))]
        liked_from = relevant_from(scale, relevant)
        rounds = 1 if many else min(_MAX_ROUNDS, max(1, _ROUND_MOVIES // max(1, content.n_movies)))
        folds = [
            self._fold(history, users, liked_from, rng)
            for _ in range(rounds)
            for users in _split(able, many)
        ]
        self._folds = [fold for fold in folds if fold.relevant]
        judged = np.concatenate([np.zeros(0, np.int64), *(fold.users for fold in self._folds)])
        users, self._rows = np.unique(judged, return_inverse=True)
        self.n_users = len(users)
        self._directions: dict[tuple[int, float], Directions] = {}

    @staticmethod
    def _fold(
        history: History, users: np.ndarray, liked_from: float, rng: np.random.Generator
    ) -> _Fold:
        taken, rated, relevant = [], [], []
        gone = [np.zeros(0, np.int32)]
        for user in users.tolist():
            movies, ratings = (np.asarray(part) for part in history.of(user))
            held_out = np.zeros(len(movies), bool)
            held_out[rng.permutation(len(movies))[: round(_SHARE * len(movies))]] = True
            liked = movies[held_out & (ratings >= liked_from)]
            if len(liked):
                taken.append(user)
                rated.append((movies[~held_out], ratings[~held_out]))
                gone.append(movies[held_out])
                relevant.append(liked)
        return _Fold(np.array(taken, np.int64), rated, np.concatenate(gone), relevant)

    def directions(self, settings: RankingSettings, progress: Progress) -> None:
        """Run the subspace iterations that `settings` need, unless they were the last ones."""
        if any(weight != settings.lowest_weight for _, weight in self._directions):
            self._directions.clear()  # those of one weighting are as many as fit into memory
        for number, fold in enumerate(self._folds):
            if (number, settings.lowest_weight) in self._directions:
                continue
            part = scaled(progress, number / len(self._folds), (number + 1) / len(self._folds))
            weighting = Weighting.of(self._scale, settings)
            kept = HistoryRows(fold.kept, weighting, self._content.n_movies)
            rows = _Joined(self._rows_of(weighting).without(fold.users), kept)
            found = find_directions(rows, self._content, settings, part)
            self._directions[number, settings.lowest_weight] = found

    def judge(self, settings: RankingSettings, progress: Progress = no_progress) -> np.ndarray:
        """Return NDCG@10 of each judged user, the mean of the rounds, shape (n_users,)."""
        self.directions(settings, progress)
        values = np.concatenate(
            [
                self._judge(fold, self._directions[number, settings.lowest_weight], settings)
                for number, fold in enumerate(self._folds)
            ]
        )
        means: np.ndarray = np.bincount(self._rows, values) / np.bincount(self._rows)
        return means

    def max_trials(self, settings: RankingSettings) -> int:
        """Return how many settings can be judged in bounded time, at least a few."""
        n_movies = self._content.n_movies
        rank = min(settings.rank, n_movies)
        numbers = max(1, len(self._folds) * n_movies * rank**2)
        return max(_MIN_TRIALS, _MAX_NUMBERS // numbers)

    def _judge(self, fold: _Fold, directions: Directions, settings: RankingSettings) -> np.ndarray:
        from scipy.sparse import csr_matrix

        solution, kept = directions.solve(settings), fold.kept
        nothing = np.zeros((0, 0), np.float32)
        model = RankingModel(self._scale, settings.neutral, nothing, nothing, nothing)
        weights = csr_matrix(
            (model.weights(kept.ratings[:]), kept.movies[:], kept.offsets),
            shape=(kept.n_users, self._content.n_movies),
        ).tocsc()
        profiles = sum(
            weights[:, rows] @ solution.pair(rows)[0].astype(np.float32)
            for rows, _ in blocks(directions.basis)
        )
        gone = np.bincount(fold.held_out, minlength=self._content.n_movies)
        factors = popularity_of(self._counts - gone) ** np.float32(settings.popularity_exponent)
        best = TopN(len(profiles), NDCG_AT)
        for rows, _ in blocks(directions.basis, _SCORED):
            scores = profiles @ solution.outputs(rows).astype(np.float32).T
            scores *= factors[rows]
            for row, (movies, _) in enumerate(fold.rated):
                first, last = np.searchsorted(movies, (rows.start, rows.stop))
                scores[row, movies[first:last] - rows.start] = -np.inf
            best.add(scores, rows.start)
        found = zip(best.rows(), fold.relevant, strict=True)
        return np.array([ndcg(movies, relevant) for (movies, _), relevant in found])

    def start(self, settings: RankingSettings) -> np.ndarray | None:
        """Give up the directions; return those of one fold, to begin the fit of all with."""
        found = self._directions.get((0, settings.lowest_weight))
        self._directions.clear()
        return None if found is None else found.basis


def choose(
    validation: Validation,
    settings: RankingSettings,
    relevant: Relevant,
    progress: Progress = no_progress,
) -> Choice:
    """Search for the best settings, beginning with `settings`."""
    if relevant == ANY:
        # Every interaction counts the same when it is predicted, so also when it predicts.
        settings = dataclasses.replace(settings, lowest_weight=1.0, neutral=min(GRID["neutral"]))
    if validation.n_users < _MIN_USERS:
        return Choice(settings, 0, 0, 0.0, 0.0)
    judged = {settings: validation.judge(settings, scaled(progress, 0.0, 0.5))}
    max_trials = validation.max_trials(settings)

    def better(tried: RankingSettings, than: RankingSettings) -> bool:
        if tried not in judged:
            if len(judged) >= max_trials:
                return False
            judged[tried] = validation.judge(tried)
            progress(1 - 0.5 / (1 + len(judged) / 8))
        return _gains(judged[tried], judged[than], _MIN_STEP)

    best, before = settings, None
    for start in _STARTS:
        if not start.keys() <= set(validation.varied):
            continue
        if better(tried := dataclasses.replace(best, **start), best):
            best = tried
    while best != before:
        before = best
        for name in validation.varied:
            for step in (1, -1):
                while (further := _next(best, name, GRID[name], step)) and better(further, best):
                    best = further
    if not _gains(judged[best], judged[settings], _MIN_GAIN):
        best = settings
    progress(1.0)
    means = [float(judged[one].mean()) for one in (settings, best)]
    return Choice(best, validation.n_users, len(judged), *means)


def _gains(values: np.ndarray, than: np.ndarray, errors: float) -> bool:
    """Tell whether the mean of `values` is higher by so many standard errors of the difference."""
    gain = values - than
    return bool(gain.mean() > errors * gain.std() / np.sqrt(len(gain)))


def _next(
    settings: RankingSettings, name: str, values: tuple[float, ...], step: int
) -> RankingSettings | None:
    """Return `settings` with the value of `name` that comes next in one direction, if any."""
    now = getattr(settings, name)
    further = [value for value in values if (value - now) * step > 1e-6]
    if not further:
        return None
    value: Any = min(further, key=lambda value: abs(value - now))
    return dataclasses.replace(settings, **{name: value})


def _split(users: np.ndarray, many: bool) -> list[np.ndarray]:
    """Cut the drawn users into folds, each ascending."""
    parts = [users] if many else np.array_split(users, _FOLDS)
    return [np.sort(part) for part in parts if len(part)]


def train_ranking(
    rows_of: RowsOf,
    data: TrainingData,
    settings: RankingSettings,
    progress: Progress = no_progress,
) -> RankingModel:
    """Choose the settings, if they ask for it, and fit the ranking model to all ratings.

    Args:
        rows_of: gives X for a weighting of the ratings.
        data: its history is read for those who are judged only.
    """
    content, chosen, chosen_by = data.model(ContentModel), None, 0.0
    start: Start = no_start
    if settings.choose_for is not None:
        chosen_by = 0.7
        # Few ratings are gone through here, whoever fits the model to all.
        few = len(data.history.movies) <= _WEIGHED
        here = partial(HistoryRows, data.history, n_movies=content.n_movies)
        validation = Validation(
            here if few else rows_of,
            data.history,
            data.counts,
            content,
            data.scale,
            settings.choose_for,
            settings.random_state,
        )
        part = scaled(progress, 0.0, chosen_by)
        choice = choose(validation, settings, settings.choose_for, part)
        settings, chosen = choice.settings, choice.numbers()
        start = partial(validation.start, settings)
    rows = rows_of(Weighting.of(data.scale, settings))
    rest = scaled(progress, chosen_by, 1.0)
    model = fit_ranking(rows, content, data.counts, data.scale, settings, rest, start)
    return dataclasses.replace(model, chosen=chosen or {})
