"""One model on one split, in a process of its own: settings chosen, model fitted, lists written.

    python -m benchmarks.quality.job FOLDER

reads ``job.json`` in the folder and leaves ``result.json``, ``job.log`` and, for each meaning of
relevance, ``lists_….npy`` there.
Needs numpy, scipy and the model's own library. Times are CPU seconds.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.libraries import LIBRARIES
from benchmarks.quality.models import OWN, Contestant, Fitted, Settings, TrainPart
from recommender.bundle.history import History
from recommender.core.relevance import NDCG_AT, Relevant, ndcg, relevant_from
from recommender.core.top_n import TopN

CONTESTANTS = {one.name: one for one in (*OWN, *LIBRARIES)}
JOB, RESULT, LOG = "job.json", "result.json", "job.log"
_USER_BATCH = 64
# So many users of the validation part are judged; of more, so many are drawn.
_MAX_VALIDATION_USERS = 3000


@dataclass(frozen=True)
class Job:
    """Task of one process.

    Attributes:
        model: its name.
        relevants: what counts; for each the settings are chosen and lists written.
        train: folder of the train part.
        validation: folder of the train part's own split, with ``train`` and ``test`` in it.
        n_movies, scale, texts: see `TrainPart`.
        users: whose lists are asked for.
        length: of a list.
        max_trials, max_seconds: no trial begins after so many trials or seconds of CPU.
    """

    model: str
    relevants: Sequence[Relevant]
    train: str
    validation: str
    n_movies: int
    scale: tuple[float, float]
    texts: str
    users: Sequence[int]
    length: int
    max_trials: int
    max_seconds: float

    def part(self, folder: str | Path, relevant: Relevant) -> TrainPart:
        """Return the ratings in `folder`."""
        history, texts = History.open(Path(folder)), Path(self.texts)
        return TrainPart(history, self.n_movies, self.scale, relevant, texts)


def main() -> None:
    """Do the job whose folder the command line names."""
    folder = Path(sys.argv[1])
    job = Job(**json.loads((folder / JOB).read_text(encoding="utf-8")))
    with open(folder / LOG, "wb") as log:  # libraries talk
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        found = run(job, folder)
    except Exception as error:  # of a library: one line tells it, and the other models go on
        traceback.print_exc()
        found = {"problem": " ".join(f"{type(error).__name__}: {error}".split())}
    (folder / RESULT).write_text(json.dumps(found), encoding="utf-8")


def run(job: Job, folder: Path) -> dict[str, Any]:
    """Choose settings, fit, and write the lists into `folder`; returns what was found, by what
    counts as relevant, or the problem."""
    contestant = CONTESTANTS[job.model]
    if contestant.package and importlib.util.find_spec(contestant.package) is None:
        return {"problem": f"{sys.executable} has no {contestant.package}; give --libraries"}
    tuning, found = _Tuning(contestant, job), {}
    fitted: dict[tuple[Any, ...], tuple[Fitted, float]] = {}
    for relevant in job.relevants:
        name = str(relevant)
        settings, choosing, trials = tuning.choose(relevant)
        train = job.part(job.train, relevant)
        key = (*settings.values(), name if contestant.chooses else "")
        if key not in fitted:
            started = time.process_time()
            fitted[key] = contestant.fit(train, settings), time.process_time() - started
        model, seconds = fitted[key]
        lists = np.full((len(job.users), job.length), -1, np.int32)
        tops = top_lists(train.history, model, np.array(job.users), job.length)
        for row, movies in enumerate(tops):
            lists[row, : len(movies)] = movies
        np.save(lists_file(folder, relevant), lists)
        found[name] = {"settings": {**settings, **model.chosen}, "seconds": seconds}
        found[name] |= {"choosing_seconds": choosing, "trials": trials, "bytes": model.n_bytes}
    return found


def top_lists(history: History, fitted: Fitted, users: np.ndarray, n: int) -> Iterator[np.ndarray]:
    """Yield for each of `users` the n best movies that `history` does not have for them."""
    for start in range(0, len(users), _USER_BATCH):
        batch = users[start : start + _USER_BATCH]
        scores = fitted.score(batch)
        for row, user in enumerate(batch.tolist()):
            scores[row, history.of(user)[0]] = -np.inf
        best = TopN(len(batch), n)
        best.add(scores, 0)
        yield from (movies for movies, _ in best.rows())


class _Tuning:
    """Chooses settings on the validation part; what was tried is kept for the next search."""

    def __init__(self, contestant: Contestant, job: Job) -> None:
        self._contestant, self._job = contestant, job
        self._tried: dict[tuple[Any, ...], tuple[dict[str, float], float]] = {}

    def choose(self, relevant: Relevant) -> tuple[Settings, float, int]:
        """Return the best settings found, and the seconds and trials that the search took."""
        settings = self._contestant.start
        if not self._contestant.grid or self._job.max_trials == 1:
            return settings, 0.0, 0
        seen: set[tuple[Any, ...]] = set()
        used = 0.0

        def judge(tried: Settings) -> float:
            nonlocal used
            key = tuple(tried.values())
            if key not in seen:
                if len(seen) >= self._job.max_trials or used > self._job.max_seconds:
                    return -np.inf
                seen.add(key)
                used += self._try(key, tried)
            return self._tried[key][0][str(relevant)]

        return search(settings, self._contestant.grid, judge), used, len(seen)

    def _try(self, key: tuple[Any, ...], settings: Settings) -> float:
        """Judge `settings` unless it was done; the seconds it took."""
        if key not in self._tried:
            started = time.process_time()
            self._tried[key] = self._judge(settings), time.process_time() - started
        return self._tried[key][1]

    def _judge(self, settings: Settings) -> dict[str, float]:
        folder, scale = Path(self._job.validation), self._job.scale
        train = self._job.part(folder / "train", self._job.relevants[0])
        test = History.open(folder / "test")
        fitted = self._contestant.fit(train, settings)
        users = np.flatnonzero(np.diff(test.offsets))
        users = np.random.default_rng(0).permutation(users)[:_MAX_VALIDATION_USERS]
        values: dict[str, list[float]] = {str(relevant): [] for relevant in self._job.relevants}
        tops = top_lists(train.history, fitted, users, NDCG_AT)
        for user, top in zip(users.tolist(), tops, strict=True):
            movies, ratings = test.of(user)
            for relevant in self._job.relevants:
                wanted = movies[ratings >= relevant_from(scale, relevant)]
                if len(wanted):
                    values[str(relevant)].append(ndcg(top, wanted))
        return {name: float(np.mean(found)) for name, found in values.items()}


def search(
    start: Settings, grid: Mapping[str, Sequence[Any]], judge: Callable[[Settings], float]
) -> Settings:
    """Walk from value to value of one setting after the other while `judge` grows."""
    best, value, before = dict(start), judge(start), None
    while best != before:
        before = dict(best)
        for name, values in grid.items():
            for step in (1, -1):
                while 0 <= (place := values.index(best[name]) + step) < len(values):
                    tried = best | {name: values[place]}
                    if not (found := judge(tried)) > value:  # nor if it is no number
                        break
                    best, value = tried, found
    return best


def lists_file(folder: Path, relevant: Relevant) -> Path:
    """Return the file for the lists by one meaning of relevance, int32, shape (users, length)."""
    return folder / f"lists_{relevant}.npy"


def write_job(job: Job, folder: Path) -> None:
    """Write ``job.json`` into `folder`, which is created if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JOB).write_text(json.dumps(dataclasses.asdict(job)), encoding="utf-8")


if __name__ == "__main__":
    main()
