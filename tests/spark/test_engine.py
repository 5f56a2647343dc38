"""Trainings on Spark, from files to a bundle that serves."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytest.importorskip("pyspark")

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from recommender import Recommender
from recommender.bundle.bundle import Bundle
from recommender.core.errors import ClusterError, DataError
from recommender.core.progress import no_progress
from recommender.dataset import ImportOptions, from_files
from recommender.models.stars import StarsModel, StarsSettings
from recommender.spark import importing
from recommender.spark.engine import SparkEngine
from recommender.spark.sources import SparkSource
from recommender.training.pipeline import TrainingSettings, train
from tests.conftest import ROOT

SMALL = TrainingSettings(
    min_user_ratings=5, min_movie_ratings=3, stars=StarsSettings(n_factors=2, n_epochs=2)
)


def reused(bundle: Bundle) -> list[str]:
    return [stage.name for stage in bundle.training.stages if stage.reused]


@pytest.fixture
def source(tiny_files) -> SparkSource:
    return SparkSource(*map(str, tiny_files))


def test_the_bundle_is_of_the_same_data(spark, source, tiny_files, tmp_path: Path) -> None:
    stages: list[str] = []

    def tell(stage: str, fraction: float) -> None:
        if stage not in stages:
            stages.append(stage)

    here = train(from_files(*tiny_files), tmp_path / "here", SMALL)
    bundle = train(source, tmp_path / "spark", SMALL, tell, engine=SparkEngine(spark))
    assert bundle.training.data == here.training.data
    assert (here.training.engine, bundle.training.engine) == ("local", "spark")
    assert set(bundle.files) == set(here.files)
    same = [name for name in here.files if name.startswith(("history_", "content_", "titles"))]
    assert len(same) > 5
    for name in same:
        assert bundle.file(name).read_bytes() == here.file(name).read_bytes()
    assert stages == ["import", "stars", "content", "ranking", "catalogue"]
    matinee = Recommender.open(tmp_path / "spark")
    assert len(matinee.hybrid_recommend(1, 5)) == 5


def test_an_interrupted_training_goes_on(spark, source, tmp_path: Path) -> None:
    def interrupt(stage: str, fraction: float) -> None:
        if stage == "stars" and fraction > 0:
            raise KeyboardInterrupt

    out = tmp_path / "b"
    with pytest.raises(KeyboardInterrupt):
        train(source, out, SMALL, interrupt, engine=SparkEngine(spark))
    assert not spark.sparkContext.statusTracker().getActiveJobsIds()
    bundle = train(source, out, SMALL, engine=SparkEngine(spark))
    assert reused(bundle) == ["import"]
    assert bundle.training.data.users == 50


def test_files_that_changed_are_read_anew(spark, source, tmp_path: Path) -> None:
    ratings = tmp_path / "ratings.csv"
    ratings.write_bytes(Path(source.ratings).read_bytes())
    engine = SparkEngine(spark)
    copied = SparkSource(str(ratings), source.movies)
    before = engine.contents(copied)
    assert engine.contents(copied) == before
    os.utime(ratings, (1, 1))
    changed = engine.contents(copied)
    with ratings.open("a", encoding="utf-8") as file:
        file.write("1,54,1.5\n")
    assert len({before, changed, engine.contents(copied)}) == 3
    with pytest.raises(DataError, match=r"nowhere\.csv does not exist; check --tags"):
        engine.contents(SparkSource(str(ratings), source.movies, str(tmp_path / "nowhere.csv")))


def test_what_spark_fails_at_is_told_in_a_line(
    spark, source, tiny: Recommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_room(*_: object) -> DataFrame:
        return spark.range(1).select(F.raise_error(F.lit("no room")).alias("user"))

    monkeypatch.setattr(importing, "read_again", without_room)
    engine = SparkEngine(spark)
    data = SMALL.data(tiny._scorer.history, tiny._catalogue.movies(range(60)), (0.5, 5.0))
    engine.resume(source, tmp_path, ImportOptions())
    with pytest.raises(ClusterError, match=r"^Spark failed: "):
        engine.fit(StarsModel, data, SMALL.stars, no_progress)


def matinee(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "recommender.cli", *map(str, words)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


ON_SPARK = ("train", "--engine", "spark", "--master", "local[2]", "--memory-limit", "2G")
MODEL = ("--min-user-ratings", 5, "--min-movie-ratings", 3, "--factors", 2, "--epochs", 2)


def test_the_command(java: str, tiny_files, tmp_path: Path) -> None:
    for path in tiny_files:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    words = ("--dataset", tmp_path, "--out", tmp_path / "b", "--spark-conf", "spark.ui.port=0")
    process = matinee(*ON_SPARK, *MODEL, *words)
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    stages = [line for line in errors.splitlines() if line[0] != " "]  # and how far they are
    assert stages == [
        "Reading and checking the data …",
        "Training the stars model …",
        "Reading the movies' texts …",
        "Training the ranking model …",
        "Writing the bundle …",
    ]
    lines = said.splitlines()
    assert lines[0] == "files: ratings.csv, movies.csv"
    assert lines[-1].startswith("Trained on 49 users and ")
    assert Bundle.open(tmp_path / "b").training.engine == "spark"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_end_the_command(
    number: signal.Signals, status: int, java: str, tiny_files, tmp_path: Path
) -> None:
    files = ("--ratings", tiny_files[0], "--movies", tiny_files[1])
    with matinee(*ON_SPARK, *MODEL, *files, "--out", tmp_path / "b") as process:
        assert process.stderr is not None
        assert "Reading" in process.stderr.readline()
        process.send_signal(number)
        said = process.stderr.read()
        assert process.wait(timeout=120) == status
    assert said.splitlines()[-1] == "matinee: stopped; nothing was changed"
    assert len(said.splitlines()) == 1


def test_a_java_that_is_killed_is_told_and_what_is_done_stays(
    java: str, tiny_files, tmp_path: Path
) -> None:
    files = ("--ratings", tiny_files[0], "--movies", tiny_files[1])
    with matinee(*ON_SPARK, *MODEL, *files, "--out", tmp_path / "b") as process:
        assert process.stderr is not None
        while "stars model" not in process.stderr.readline():
            assert process.poll() is None
        (started,) = psutil.Process(process.pid).children()
        started.kill()
        said = process.stderr.read()
        assert process.wait(timeout=120) == 1
    assert said.startswith("matinee: Spark failed: its Java on this machine has ended")
    assert len(said.splitlines()) == 1
    assert list((tmp_path / "b").rglob("import.json")), "what is done stays"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--engine", "spark", "--evaluate"), "--evaluate needs --engine local"),
        (("--master", "yarn"), "--master and --spark-conf need --engine spark"),
        (("--engine", "spark", "--spark-conf", "ui=1"), "'ui=1' is not spark.KEY=VALUE"),
        (("--engine", "spark", "--tags", "t.csv"), "give either --dataset DIR, or --ratings"),
    ],
)
def test_options_that_do_not_go_together(words, message, tmp_path: Path, capsys) -> None:
    from recommender.cli.main import main

    given = ["train", "--dataset", str(tmp_path), "--out", str(tmp_path / "b"), *words]
    try:
        status = main(given)
    except SystemExit as ended:
        status = int(str(ended))
    assert status == 2
    assert message in capsys.readouterr().err
