"""Quality, time and memory of search by meaning.

    .venv/bin/python -m benchmarks.semantic [--work FOLDER] [--split choose|report|all] [--times N]

Trains a bundle of the sample (`data/`) with the plots of 166 well-known movies
(`semantic_data/plots.csv`), runs `matinee embed` on it, and asks each query of
`semantic_data/queries.csv`, all written without looking for the plots' words. The first, third, …
query chose the settings; the others report.

Prints a Markdown table: the share of queries whose movie is among the first 10, the mean of
1 / rank, the share of the model's first 10 that are kept, and, measured in a process of its own,
milliseconds a query and own memory added, by opening and by the queries. "model" is the model's
cosine alone, which nothing offers; "full" and "light" are the encoders of
`Recommender.search(…, by="semantic")`.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from benchmarks.command_line import command_line, write_rows
from benchmarks.report import Column, Row, Table, markdown
from recommender.core.records import Id

if TYPE_CHECKING:
    from recommender import Recommender

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(__file__).resolve().parent / "semantic_data"
METHODS = ("model", "full", "light", "tf-idf", "title")
N = 10
TABLE = Table(
    "semantic",
    (
        *(Column("method", "search"), Column("recall", "recall@10", ".2f")),
        *(Column("mrr", "MRR@10", ".2f"), Column("kept", "of the model's 10", ".2f")),
        *(Column("median_ms", "ms, median", ".1f"), Column("slowest_ms", "ms, slowest", ".1f")),
        *(Column("opened_mb", "MB, opened", "+.1f"), Column("asked_mb", "MB, asked", "+.1f")),
    ),
)
Find = Callable[[str, int], Sequence[Id]]


def main() -> None:
    """Measure quality, time and memory of each encoder and print tables."""
    parser = command_line(__doc__)
    parser.add_argument("--work", type=Path, help="keeps the bundle there for the next time")
    parser.add_argument("--split", choices=("choose", "report", "all"), default="report")
    parser.add_argument(
        "--times",
        type=int,
        default=1,
        metavar="N",
        help="have each movie N times in the index: for the time and memory of a large one; what "
        "is found means nothing then",
    )
    parser.add_argument("--one", choices=METHODS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    with ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bundle = work / "bundle"
        if options.one:
            print(json.dumps(measure(options.one, bundle)))
            return
        if not (bundle / "semantic" / "manifest.json").exists():
            make(work, bundle)
        if options.times > 1:
            bundle = Path(shutil.copytree(bundle, work / "large" / "bundle", dirs_exist_ok=True))
            work = work / "large"
            repeated(bundle, options.times)
        command = [sys.executable, "-m", "benchmarks.semantic", "--work", str(work), "--one"]
        results = {
            method: json.loads(subprocess.check_output([*command, method], cwd=ROOT))
            for method in METHODS
        }
    picked = {"choose": slice(0, None, 2), "report": slice(1, None, 2), "all": slice(None)}
    rows = figures(results, picked[options.split])
    print(markdown(TABLE, rows))
    write_rows(options.json, rows)


def make(work: Path, bundle: Path) -> None:
    """Train the bundle and embed it."""
    import pandas as pd

    work.mkdir(parents=True, exist_ok=True)
    movies = pd.read_parquet(ROOT / "data" / "movies.parquet")
    plots = pd.read_csv(DATA / "plots.csv").set_index("movie_id")["plot"]
    movies["plot"] = movies["movie_id"].map(plots)
    movies.to_parquet(work / "movies.parquet")
    matinee = [sys.executable, "-m", "recommender.cli"]
    ratings, written = ROOT / "data" / "ratings.parquet", work / "movies.parquet"
    files = ["--ratings", str(ratings), "--movies", str(written)]
    subprocess.run([*matinee, "train", *files, "--out", str(bundle)], check=True, cwd=ROOT)
    subprocess.run([*matinee, "embed", "--bundle", str(bundle)], check=True, cwd=ROOT)


def queries() -> list[tuple[str, int]]:
    """Each query with the movie that is meant."""
    with open(DATA / "queries.csv", encoding="utf-8", newline="") as file:
        return [(row["query"], int(row["movie_id"])) for row in csv.DictReader(file)]


def measure(method: str, bundle: Path) -> dict[str, list]:
    """Return what `method` finds for each query, and its seconds and memory in this process."""
    from memory_toolkit.measure.reading import read

    # What any server has loaded.
    from recommender import Recommender

    matinee = Recommender.open(bundle)
    matinee.search("toy story")
    before = read().own
    find = finder(method, matinee, bundle)
    opened = read().own
    found, seconds = [], []
    for query, _ in queries():
        started = time.perf_counter()
        found.append(find(query, N))
        seconds.append(time.perf_counter() - started)
    return {"found": found, "seconds": seconds, "memory": [before, opened, read().own]}


def finder(method: str, matinee: Recommender, bundle: Path) -> Find:
    """The search of one method: the query and n give movie ids."""
    if method == "title":
        return lambda query, n: [movie.movie_id for movie in matinee.search(query, n)]
    if method == "tf-idf":
        return tfidf(bundle)
    from recommender.bundle.bundle import Bundle
    from recommender.bundle.manifest import SEMANTIC
    from recommender.search.lazy_semantic import LazySemanticSearch
    from recommender.search.semantic import SemanticSearch

    if method == "model":
        semantic = SemanticSearch(Bundle.open(bundle / SEMANTIC), "full", shares=(1.0, 0.0))
        return lambda query, n: [movie for movie, _ in semantic.search(query, n)]
    matinee.semantic = LazySemanticSearch(bundle, cast(Literal["light", "full"], method))
    matinee.semantic.load()
    return lambda query, n: [m.movie_id for m in matinee.search(query, n, by="semantic")]


def tfidf(bundle: Path) -> Find:
    """scikit-learn's TF-IDF of all words of the same texts, without English stop words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    from recommender.bundle.bundle import Bundle
    from recommender.bundle.catalogue import FILE, Catalogue
    from recommender.search.semantic.text import movie_texts

    catalogue = Catalogue(Bundle.open(bundle).file(FILE))
    ids = catalogue.movie_ids()
    movies = catalogue.movies(range(len(ids)))
    vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True)
    matrix = vectorizer.fit_transform(" ".join(movie_texts(movie)) for movie in movies)

    def find(query: str, n: int) -> list[int]:
        scores = (matrix @ vectorizer.transform([query]).T).toarray()[:, 0]
        return [ids[i] for i in np.argsort(-scores, kind="stable")[:n] if scores[i] > 0]

    return find


def repeated(bundle: Path, times: int) -> None:
    """Make the index one of `times` as many movies: the same ones, again and again."""
    from recommender.bundle.bundle import Bundle
    from recommender.bundle.manifest import SEMANTIC
    from recommender.bundle.writer import BundleWriter

    index = Bundle.open(bundle / SEMANTIC)
    with BundleWriter(bundle / SEMANTIC) as writer:
        for file in index.files:
            name = Path(file).stem
            array = index.array(name)
            if name == "ids" or name.startswith("movies_"):
                array = np.concatenate([array] * times)
            writer.save_array(name, array)
        writer.commit(index.manifest.info)


def figures(results: dict[str, dict[str, list]], picked: slice) -> list[Row]:
    """The figures, one row a method."""
    wanted = [movie for _, movie in queries()][picked]
    model = results["model"]["found"][picked]
    print(f"{len(wanted)} queries\n")
    rows: list[Row] = []
    for method, result in results.items():
        found = result["found"][picked]
        ranks = [f.index(m) + 1 if m in f else 0 for f, m in zip(found, wanted, strict=True)]
        kept = [len(set(a) & set(b)) / N for a, b in zip(found, model, strict=True)]
        before, opened, asked = (size / 2**20 for size in result["memory"])
        rows.append(
            {
                "method": method,
                "recall": statistics.mean(map(bool, ranks)),
                "mrr": statistics.mean(1 / rank if rank else 0 for rank in ranks),
                "kept": statistics.mean(kept),
                "median_ms": 1000 * statistics.median(result["seconds"]),
                "slowest_ms": 1000 * max(result["seconds"]),
                "opened_mb": opened - before,
                "asked_mb": asked - before,
            }
        )
    return rows


if __name__ == "__main__":
    main()
