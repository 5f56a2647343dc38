"""What the controls "more variety" and "less well-known" cost in NDCG and give in coverage.

    .venv/bin/python benchmarks/choice.py --dataset data --seeds 1,2,3,4,5

The protocol is that of docs/evaluation.md; means over the seeds.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from recommender.bundle.history import History
from recommender.dataset import from_directory, import_dataset
from recommender.evaluation.contenders import Contenders
from recommender.evaluation.holdout import split_random
from recommender.evaluation.judging import users_with_relevant
from recommender.evaluation.metrics import RECALL_AT, ListMetrics, relevant_from, self_information
from recommender.scoring.requests import MOST_OBSCURE
from recommender.scoring.scorer import Question
from recommender.training.pipeline import MovieTexts, TrainingSettings

SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
FIGURES = ("ndcg@10", "recall@20", "coverage@10", "novelty")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, default=Path("data"))
    parser.add_argument("--seeds", default="1,2,3,4,5")
    options = parser.parse_args()
    found: dict[tuple[str, float], list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = import_dataset(from_directory(options.dataset), folder)
        texts = MovieTexts(folder / "movies.parquet", dataset.n_movies)
        for seed in map(int, options.seeds.split(",")):
            holdout = split_random(History.open(folder), folder / "split", seed)
            contenders = Contenders(
                holdout.train,
                texts,
                dataset.scale,
                TrainingSettings(),
                lambda stage, fraction: None,
            )
            for control, share, metrics in judge(holdout, contenders, dataset.scale):
                found.setdefault((control, share), []).append(metrics)
    print(f"{'control':<18} {'at':>4} " + " ".join(f"{figure:>12}" for figure in FIGURES))
    for (control, share), rows in found.items():
        means = np.mean(rows, axis=0)
        print(f"{control:<18} {share:>4.1f} " + " ".join(f"{mean:>12.4f}" for mean in means))


def judge(holdout, contenders, scale):
    """Each control at each share with its figures."""
    scorer = contenders.scorer("stars")
    liked = relevant_from(scale)
    n_movies = scorer.content.n_movies
    users = users_with_relevant(holdout.test, n_movies, liked)
    information = self_information(contenders.counts, holdout.train.n_users)
    exponent = scorer.ranking.popularity_exponent
    for control in ("more variety", "less well-known"):
        for share in SHARES:
            if control == "more variety":
                question = Question(RECALL_AT, variety=share)
            else:
                lowered = exponent - MOST_OBSCURE * share
                question = Question(RECALL_AT, popularity_exponent=lowered)
            metrics = ListMetrics(information)
            ranked = scorer.rank(map(scorer.user, users.tolist()), question)
            for user, answer in zip(users.tolist(), ranked, strict=True):
                movies, ratings = holdout.test.of(user)
                metrics.add(answer.movies, movies[ratings >= liked])
            results = metrics.result()
            yield control, share, [float(results[figure].mean()) for figure in FIGURES]


if __name__ == "__main__":
    main()
