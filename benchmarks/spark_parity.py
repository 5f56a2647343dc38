"""Quality of the models that Spark trains, beside that of the models that this process trains.

    .venv/bin/python -m benchmarks.spark_parity --dataset data --seeds 1,2,3

For each seed both engines get the same train part and are judged by the same held-out ratings, by
the protocol of docs/evaluation.md. Printed are the means over the seeds of RMSE and MAE of the
predicted stars, NDCG@10, recall@20 and coverage@10 of the ranking, and which share of the ten most
similar movies is the same with both, over all movies with at least ten ratings; beside it that
share for two local trainings that differ in where their random numbers start.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from pyspark.sql import SparkSession

from benchmarks.command_line import command_line
from recommender.bundle.history import History
from recommender.core.errors import NotFoundError
from recommender.core.relevance import relevant_from
from recommender.dataset import Dataset, from_directory, import_dataset
from recommender.evaluation.contenders import Contenders, Trained
from recommender.evaluation.holdout import Holdout, split_random
from recommender.evaluation.judging import users_with_relevant
from recommender.evaluation.metrics import (
    RECALL_AT,
    ListMetrics,
    StarsMetrics,
    self_information,
)
from recommender.models.ranking import RankingModel
from recommender.models.stars import StarsModel, StarsSettings
from recommender.scoring.scorer import HybridScorer, Request
from recommender.scoring.similar import Method, most_similar
from recommender.spark import LOCAL_MASTER
from recommender.spark.ranking import fit_ranking
from recommender.spark.session import open_session
from recommender.spark.stars import fit_stars
from recommender.training.pipeline import MovieTexts, TrainingSettings
from tests.spark.packed import on_executors

FIGURES = ("rmse", "mae", "ndcg@10", "recall@20", "coverage@10")
COMPARED: tuple[Method, ...] = ("collaborative", "hybrid", "predicted")
SIMILAR, MIN_RATINGS = 10, 10


def main() -> None:
    """Train by both engines, judge the models and print a table."""
    parser = command_line(__doc__, rows=False)
    parser.add_argument("--dataset", type=Path, default=Path("data"))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument(
        "--master", default=LOCAL_MASTER, help="Spark's URL; %(default)s by default"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args()
    stars = StarsSettings()
    rows: dict[str, list[dict[str, float]]] = {"local": [], "spark": []}
    same: dict[str, list[dict[str, float]]] = {"spark": [], "other random numbers": []}
    with tempfile.TemporaryDirectory() as name, open_session(options.master) as spark:
        folder = Path(name)
        dataset = import_dataset(from_directory(options.dataset), folder)
        for seed in map(int, options.seeds.split(",")):
            holdout = split_random(History.open(folder), folder / "test", seed)
            scorers = _train(spark, holdout, dataset, folder, stars, rows)
            for engine in rows:
                rows[engine][-1] |= judge(scorers[engine], holdout, dataset.scale)
            for other in same:
                same[other].append(overlap(scorers["local"], scorers[other], holdout))
    results = {
        "data": {"ratings": dataset.n_ratings, "fingerprint": dataset.fingerprint},
        "seeds": options.seeds,
        "stars": dataclasses.asdict(stars),
        **{engine: _mean(found) for engine, found in rows.items()},
        "same similar movies": {other: _mean(found) for other, found in same.items()},
    }
    print(_table(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _train(
    spark: SparkSession,
    holdout: Holdout,
    dataset: Dataset,
    folder: Path,
    stars: StarsSettings,
    rows: dict[str, list[dict[str, float]]],
) -> dict[str, HybridScorer]:
    """The app's scorer on the train part, by each engine; seconds of training go into `rows`."""
    texts = MovieTexts(folder / "movies.parquet", dataset.n_movies)
    settings, train, scale = TrainingSettings(choose=False), holdout.train, dataset.scale
    contenders = Contenders(train, texts, scale, settings, lambda stage, fraction: None)
    fitted = {"content": contenders.trained["content"].model}
    data = dataclasses.replace(settings.data(train, texts, scale), fitted=fitted)
    ratings = on_executors(spark, train, folder / "train.parquet")
    found = {}
    for engine, seed in (("local", 0), ("spark", 0), ("other random numbers", 1)):
        stars = dataclasses.replace(stars, random_state=seed)
        ranking = dataclasses.replace(settings.ranking, random_state=seed)
        began = time.monotonic()
        if engine == "spark":
            stars_model = fit_stars(ratings, data, stars)
            halfway = time.monotonic()
            ranking_model = fit_ranking(ratings, data, ranking)
        else:
            stars_model = StarsModel.fit(data, stars)
            halfway = time.monotonic()
            ranking_model = RankingModel.fit(data, ranking)
        took = {"stars seconds": halfway - began, "ranking seconds": time.monotonic() - halfway}
        for part, model in (("stars", stars_model), ("ranking", ranking_model)):
            contenders.trained[part] = Trained(model, 0.0, 0)
        found[engine] = contenders.scorer("stars")
        if engine in rows:
            rows[engine].append(took)
    ratings.unpersist()
    return found


def judge(scorer: HybridScorer, holdout: Holdout, scale: tuple[float, float]) -> dict[str, float]:
    """The figures of one engine's models on one split."""
    test, n_movies = holdout.test, scorer.content.n_movies
    liked_from = relevant_from(scale)
    errors = StarsMetrics()
    for block in test.blocks(np.ones(test.n_users, bool), np.ones(n_movies, bool)):
        errors.add(scorer.stars.predict_pairs(block.users, block.movies), block.ratings)
    users = users_with_relevant(test, liked_from)
    counts = np.bincount(np.asarray(holdout.train.movies), minlength=n_movies)
    lists = ListMetrics(self_information(counts, holdout.train.n_users))
    answers = scorer.rank(map(scorer.user, users.tolist()), Request(RECALL_AT))
    for user, answer in zip(users.tolist(), answers, strict=True):
        movies, stars = test.of(user)
        lists.add(answer.movies, movies[stars >= liked_from])
    found = errors.result() | lists.result()
    return {figure: float(found[figure].mean()) for figure in FIGURES}


def overlap(one: HybridScorer, other: HybridScorer, holdout: Holdout) -> dict[str, float]:
    """The share of the most similar movies that both name, by method."""
    n_movies = one.content.n_movies
    counts = np.bincount(np.asarray(holdout.train.movies), minlength=n_movies)
    asked = np.flatnonzero(counts >= MIN_RATINGS).tolist()
    found: dict[str, float] = {}
    for method in COMPARED:
        shares = []
        for movie in asked:
            try:
                lists = [
                    most_similar(scorer, movie, SIMILAR, method, None)[0] for scorer in (one, other)
                ]
            except NotFoundError:
                continue
            shares.append(len(np.intersect1d(lists[0], lists[1])) / SIMILAR)
        found[method] = float(np.mean(shares))
    return found


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _table(results: dict) -> str:
    local, spark = results["local"], results["spark"]
    lines = ["| figure | local | spark | difference |", "|---|---|---|---|"]
    for name in local:
        both = local[name], spark[name]
        lines.append(f"| {name} | {both[0]:.4f} | {both[1]:.4f} | {both[1] - both[0]:+.4f} |")
    same = results["same similar movies"]
    lines += ["", f"| same of {SIMILAR} most similar | {' | '.join(same)} |", "|---|---|---|"]
    for method in COMPARED:
        lines.append(
            f"| {method} | " + " | ".join(f"{of[method]:.3f}" for of in same.values()) + " |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
