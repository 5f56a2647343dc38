"""One user with a tenth of all ratings and one movie with a fifth: no task waits for another.

How long tasks take is not looked at, but what they read, as Spark counts it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyspark")

from recommender.bundle.history import History
from recommender.dataset import ImportOptions
from recommender.models.protocol import TrainingData
from recommender.models.stars import StarsSettings
from recommender.spark import aggregation, importing, stars
from recommender.spark.importing import import_dataset
from recommender.spark.sources import SparkSource
from recommender.spark.stars import fit_stars
from recommender.training.pipeline import MovieTexts

N_USERS, N_MOVIES, EACH = 5_000, 2_000, 4
EAGER, HIT = 7, 11  # the user who rated every movie, and the movie that every user rated
N_RATINGS = (N_USERS - 1) * EACH + N_MOVIES
PARTS = 16


@pytest.fixture
def source(tmp_path: Path) -> SparkSource:
    rng = np.random.default_rng(1)
    rated = [(EAGER, movie) for movie in range(N_MOVIES)]
    for user in set(range(N_USERS)) - {EAGER}:
        others = rng.choice(np.delete(np.arange(N_MOVIES), HIT), EACH - 1, replace=False)
        rated += [(user, movie) for movie in (HIT, *others.tolist())]
    lines = (f"{user},{movie},{1 + (user + movie) % 5}\n" for user, movie in rated)
    ratings, movies = tmp_path / "ratings.csv", tmp_path / "movies.csv"
    ratings.write_text("user,movie,rating\n" + "".join(lines))
    movies.write_text("movie,title\n" + "".join(f"{movie},M\n" for movie in range(N_MOVIES)))
    return SparkSource(str(ratings), str(movies))


@pytest.fixture
def many_parts(spark, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As many partitions as large data have."""
    monkeypatch.setattr(importing, "_MAX_RATINGS_A_PARTITION", N_RATINGS // PARTS)
    monkeypatch.setattr(stars, "_ALS_RATINGS", N_RATINGS // PARTS)
    monkeypatch.setattr(stars, "_ALS_BYTES", 1 << 40)
    monkeypatch.setattr(stars, "_PSEUDO_RATINGS", 1)
    monkeypatch.setattr(aggregation, "_PIECE", 32)  # bytes
    settings = {
        "spark.sql.shuffle.partitions": str(PARTS),
        "spark.sql.adaptive.coalescePartitions.enabled": "false",
    }
    before = {name: spark.conf.get(name) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    yield
    for name, value in before.items():
        spark.conf.set(name, value)


def largest_shares(spark, after: int = -1) -> dict[int, tuple[str, float]]:
    """Of each stage behind `after` with many tasks, by its number: what it does, and which share of
    the bytes that its tasks read one task read at most."""
    context, gateway = spark.sparkContext._jsc.sc(), spark.sparkContext._gateway
    context.listenerBus().waitUntilEmpty()
    store, found = context.statusStore(), {}
    stages = store.stageList(None, False, False, gateway.new_array(gateway.jvm.double, 0), None)
    for stage in (stages.apply(at) for at in range(stages.size())):
        if stage.stageId() <= after or stage.numCompleteTasks() < PARTS // 2:
            continue
        tasks = store.taskList(stage.stageId(), stage.attemptId(), stage.numTasks())
        metrics = [tasks.apply(at).taskMetrics().get() for at in range(tasks.size())]
        read = [
            one.inputMetrics().bytesRead()
            + one.shuffleReadMetrics().localBytesRead()
            + one.shuffleReadMetrics().remoteBytesRead()
            for one in metrics
        ]
        if sum(read):
            found[stage.stageId()] = stage.name(), max(read) / sum(read)
    return found


@pytest.mark.usefixtures("many_parts")
def test_no_task_has_much_more_to_read_than_the_others(
    spark, source: SparkSource, tmp_path: Path
) -> None:
    earlier = max(largest_shares(spark), default=-1)
    dataset, ratings = import_dataset(spark, source, tmp_path / "out", ImportOptions())
    imported = largest_shares(spark, earlier)
    history = History.open(tmp_path / "out")
    texts = MovieTexts(tmp_path / "out" / "movies.parquet", dataset.n_movies)
    settings = StarsSettings(n_factors=4, n_epochs=2)
    fit_stars(ratings, TrainingData.of(history, texts, dataset.scale), settings)
    ratings.unpersist()
    trained = largest_shares(spark, max(imported))
    assert dataset.n_ratings == N_RATINGS
    assert len(imported) >= 4
    assert len(trained) >= 8
    fair = 2 / PARTS
    for name, share in (*imported.values(), *trained.values()):
        # All ratings of a movie, and all of a user, meet in one block of Spark's ALS.
        own = N_USERS if "ALS.scala" in name else N_MOVIES
        assert share < own / N_RATINGS + fair, name
