"""What the defaults were chosen by: those tables of docs/evaluation.md that no test part is in.

    .venv/bin/python benchmarks/validation.py --dataset data --seeds 1,2,3

For each seed the test ratings of `matinee evaluate` are set aside and never looked at; the rest is
split again, and models are trained on the one part and judged by the other. Means over the seeds.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from recommender.bundle.history import History
from recommender.dataset import Dataset, from_directory, import_dataset
from recommender.evaluation.contenders import Contenders, movie_counts
from recommender.evaluation.holdout import Holdout, split_random
from recommender.evaluation.judging import users_with_relevant
from recommender.evaluation.metrics import (
    RECALL_AT,
    ListMetrics,
    StarsMetrics,
    relevant_from,
    self_information,
)
from recommender.models.stars import StarsSettings, fit_stars
from recommender.scoring.scorer import Question
from recommender.training.pipeline import MovieTexts, TrainingSettings

Row = tuple[str, *tuple[float, ...]]  # the cells that name it, and its figures
# Passes, learning rates of factors and of biases, spread at the start, regularization.
TRIED = (
    (20, 0.005, 0.005, 0.1, 0.02),
    (20, 0.01, 0.01, 0.1, 0.1),
    (100, 0.005, 0.005, 0.1, 0.12),
    (20, 0.03, 0.003, 0.1, 0.12),
    (20, 0.03, 0.003, 0.03, 0.1),
)
WEIGHTS = (1.0, 0.9, 0.8, 0.6, 0.5, 0.0)
LEFT_OUT = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", type=Path, default=Path("data"))
    parser.add_argument("--seeds", default="1,2,3")
    options = parser.parse_args()
    tables: dict[str, dict[str, list[tuple[float, ...]]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = import_dataset(from_directory(options.dataset), folder)
        texts = MovieTexts(folder / "movies.parquet", dataset.n_movies)
        for seed in map(int, options.seeds.split(",")):
            rest = split_random(History.open(folder), folder / "test", seed).train
            holdout = split_random(rest, folder / "validation", seed)
            for head, rows in (
                ("passes | rates | start | regularization | RMSE", stars(holdout, dataset)),
                ("users and movies | judged by | RMSE", fold_in(holdout, dataset, seed)),
                ("weight | NDCG@10 | coverage@10", weights(holdout, dataset, texts)),
            ):
                table = tables.setdefault(head, {})
                for cells, *figures in rows:
                    table.setdefault(cells, []).append(tuple(figures))
    for head, found in tables.items():
        print(f"| {head} |\n|{'---|' * (head.count('|') + 1)}")
        for cells, seeds in found.items():
            print(f"| {cells} | " + " | ".join(f"{m:.4f}" for m in np.mean(seeds, axis=0)) + " |")
        print()


def stars(holdout: Holdout, dataset: Dataset) -> Iterator[Row]:
    """RMSE of the stars model by its settings, every user and movie trained."""
    users, movies = _rated(holdout.train, dataset)
    for passes, rate, bias_rate, spread, shrinkage in TRIED:
        settings = StarsSettings(
            n_epochs=passes,
            learning_rate=rate,
            bias_learning_rate=bias_rate,
            initial_spread=spread,
            regularization=shrinkage,
        )
        model = fit_stars(holdout.train, users, movies, dataset.scale, settings)
        rates = f"{rate:g}" if rate == bias_rate else f"{rate:g}, biases {bias_rate:g}"
        cells = f"{passes} | {rates} | {spread:g} | {shrinkage:g}"
        yield cells, _rmse(holdout.test, dataset, model.predict_pairs)


def fold_in(holdout: Holdout, dataset: Dataset, seed: int) -> Iterator[Row]:
    """RMSE with the rare left out of the training, and of users who were left out of it."""
    train, test, settings = holdout.train, holdout.test, TrainingSettings()
    users, movies = _rated(train, dataset)
    often = np.diff(train.offsets) >= settings.min_user_ratings
    known = movie_counts(train, dataset.n_movies) >= settings.min_movie_ratings
    whole = fit_stars(train, users, movies, dataset.scale, settings.stars)
    folded = fit_stars(train, often, known, dataset.scale, settings.stars)

    def at_mean(user: np.ndarray, movie: np.ndarray) -> np.ndarray:
        return folded.predict_pairs(
            np.where(often[user], user, -1), np.where(known[movie], movie, -1)
        )

    yield "the rare at the mean | all", _rmse(test, dataset, at_mean)
    yield "the rare folded in | all", _rmse(test, dataset, folded.predict_pairs)
    yield "all trained | all", _rmse(test, dataset, whole.predict_pairs)

    left_out = np.random.default_rng(seed).random(train.n_users) < LEFT_OUT
    without = fit_stars(train, users & ~left_out, movies, dataset.scale, settings.stars)
    some = f"{LEFT_OUT:.0%} of the users"
    rmse = _rmse(test, dataset, without.predict_pairs, left_out)
    yield f"{some} folded in, the rest trained | these {LEFT_OUT:.0%}", rmse
    rmse = _rmse(test, dataset, whole.predict_pairs, left_out)
    yield f"all trained | these {LEFT_OUT:.0%}", rmse


def weights(holdout: Holdout, dataset: Dataset, texts: MovieTexts) -> Iterator[Row]:
    """NDCG@10 and coverage@10 of the hybrid by the weight of its collaborative part."""
    contenders = Contenders(
        holdout.train, texts, dataset.scale, TrainingSettings(), lambda stage, fraction: None
    )
    scorer = contenders.scorer("stars")
    liked = relevant_from(dataset.scale)
    users = users_with_relevant(holdout.test, dataset.n_movies, liked).tolist()
    information = self_information(contenders.counts, holdout.train.n_users)
    for weight in WEIGHTS:
        metrics = ListMetrics(information)
        ranked = scorer.rank(map(scorer.user, users), Question(RECALL_AT, weight=weight))
        for user, answer in zip(users, ranked, strict=True):
            movies, ratings = holdout.test.of(user)
            metrics.add(answer.movies, movies[ratings >= liked])
        results = metrics.result()
        yield f"{weight:g}", *(float(results[key].mean()) for key in ("ndcg@10", "coverage@10"))


def _rated(train: History, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The users and the movies that have a rating at all."""
    return np.diff(train.offsets) > 0, movie_counts(train, dataset.n_movies) > 0


def _rmse(
    test: History,
    dataset: Dataset,
    predict: Callable[[np.ndarray, np.ndarray], np.ndarray],
    users: np.ndarray | None = None,
) -> float:
    errors = StarsMetrics()
    judged = np.ones(test.n_users, dtype=bool) if users is None else users
    for block in test.blocks(judged, np.ones(dataset.n_movies, dtype=bool)):
        errors.add(predict(block.users, block.movies), block.ratings)
    return float(errors.result()["rmse"][0])


if __name__ == "__main__":
    main()
