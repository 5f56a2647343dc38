"""Other libraries' models on the very splits that `matinee evaluate` uses.

    python -m venv /tmp/others && /tmp/others/bin/pip install -e . implicit
    /tmp/others/bin/python -m benchmarks.others --dataset data --seeds 1,2,3,4,5

implicit is needed for this comparison only, so it goes into an environment of its own. Prints
NDCG@10, recall@20 and coverage@10 for implicit's ALS, as it comes and with settings found by hand,
and for EASE (Steck, "Embarrassingly shallow autoencoders for sparse data", 2019) in numpy.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from debug_memory import action
from recommender.bundle.history import History
from recommender.core.relevance import relevant_from
from recommender.core.top_n import TopN
from recommender.dataset import from_directory, import_dataset
from recommender.evaluation.holdout import split_random
from recommender.evaluation.judging import users_with_relevant
from recommender.evaluation.metrics import RECALL_AT, ListMetrics, self_information

# From the user rows and the ratings of a train part to a function that scores a batch of users.
Fit = Callable[[csr_matrix], Callable[[slice], np.ndarray]]


def main() -> None:
    """Fit the other libraries' models and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, default=Path("data"))
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there, too")
    options = parser.parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    means_of: list[dict[str, str | float]] = []

    with tempfile.TemporaryDirectory() as name:
        dataset = import_dataset(from_directory(options.dataset), Path(name))
        history = History.open(Path(name))
        liked_from = relevant_from(dataset.scale)
        for label, fit in MODELS.items():
            rows = []
            for seed in seeds:
                parts = split_random(history, Path(name) / "split", seed)
                users = users_with_relevant(parts.test, liked_from)
                information = self_information(
                    parts.train.movie_counts(dataset.n_movies), history.n_users
                )
                found = ListMetrics(information)
                started = time.perf_counter()
                with action(label) as measured:
                    tops = list(_lists(parts.train, fit, dataset.n_movies))
                for user in users:
                    movies, ratings = parts.test.of(user)
                    found.add(tops[user], movies[ratings >= liked_from])
                means = {key: values.mean() for key, values in found.result().items()}
                seconds = time.perf_counter() - started
                peak = (measured.record.peak - measured.record.before) / 2**20
                rows.append(
                    [means["ndcg@10"], means["recall@20"], means["coverage@10"], seconds, peak]
                )
            ndcg, recall, coverage, seconds, peak = np.mean(rows, axis=0).tolist()
            means_of.append(
                {"name": label, "ndcg@10": ndcg, "recall@20": recall, "coverage@10": coverage}
                | {"seconds": seconds, "peak_mb": peak}
            )
            print(
                f"{label:<26} NDCG@10 {ndcg:.4f}  recall@20 {recall:.4f}  "
                f"coverage@10 {coverage:.3f}  {seconds:5.1f} s  {peak:5.0f} MB",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(means_of, indent=1) + "\n", encoding="utf-8")


def _lists(train: History, fit: Fit, n_movies: int) -> Iterator[np.ndarray]:
    arrays = map(np.array, (train.ratings, train.movies, train.offsets))  # implicit writes to them
    rated = csr_matrix(tuple(arrays), shape=(train.n_users, n_movies))
    score = fit(rated)
    for start in range(0, train.n_users, 64):
        batch = slice(start, min(start + 64, train.n_users))
        scores = score(batch)
        rows, columns = rated[batch].nonzero()
        scores[rows, columns] = -np.inf
        best = TopN(len(scores), RECALL_AT)
        best.add(scores, 0)
        yield from (movies for movies, _ in best.rows())


def _als(**settings: float) -> Fit:
    def fit(rated: csr_matrix) -> Callable[[slice], np.ndarray]:
        from implicit.als import AlternatingLeastSquares

        model = AlternatingLeastSquares(random_state=0, num_threads=1, **settings)
        model.fit(rated, show_progress=False)
        return lambda batch: model.user_factors[batch] @ model.item_factors.T

    return fit


def _ease(regularization: float) -> Fit:
    def fit(rated: csr_matrix) -> Callable[[slice], np.ndarray]:
        ones = rated.copy()
        ones.data = np.ones_like(ones.data)
        gram = (ones.T @ ones).toarray().astype(np.float32)
        gram[np.diag_indices_from(gram)] += regularization
        weights = np.linalg.inv(gram)
        weights /= -np.diag(weights)
        np.fill_diagonal(weights, 0)
        return lambda batch: ones[batch] @ weights

    return fit


MODELS: dict[str, Fit] = {
    "implicit ALS, as it comes": _als(),
    "implicit ALS, by hand": _als(factors=32, regularization=30.0, alpha=1.0, iterations=15),
    "EASE, λ 100": _ease(100.0),
    "EASE, λ 400": _ease(400.0),
}


if __name__ == "__main__":
    main()
