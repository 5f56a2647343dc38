import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyspark", reason="Spark needs the extra `spark`")

from pyspark.sql import SparkSession

from recommender import Recommender
from recommender.cli.main import main
from recommender.spark import bulk
from recommender.spark.bulk import rank_everybody


@pytest.fixture
def in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven users a task: of fifty, eight tasks on two cores."""
    monkeypatch.setattr(bulk, "USERS_PER_TASK", 7)


@pytest.mark.usefixtures("in_blocks")
@pytest.mark.parametrize(
    ("weight", "rank_by"), [(0.0, "ranking"), (0.9, "ranking"), (0.5, "stars"), (1.0, "stars")]
)
def test_workers_rank_as_one_process_does(
    spark: SparkSession, tiny: Recommender, weight: float, rank_by: str
) -> None:
    on_spark = list(
        tiny.recommend_all(
            6, weight, rank_by, lambda scorer, request: rank_everybody(spark, scorer, request)
        )
    )
    here = list(tiny.recommend_all(6, weight, rank_by))
    assert [user for user, _, _ in on_spark] == [user for user, _, _ in here]
    for (_, movies, scores), (_, expected, expected_scores) in zip(on_spark, here, strict=True):
        assert movies == expected
        assert scores == pytest.approx(expected_scores, abs=1e-6)
        assert scores.dtype == np.float32


@pytest.mark.usefixtures("in_blocks")
def test_who_stops_early_leaves_nothing_running(spark: SparkSession, tiny: Recommender) -> None:
    before = threading.active_count()
    found = tiny.recommend_all(
        3, rank=lambda scorer, request: rank_everybody(spark, scorer, request)
    )
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    assert spark.sparkContext.statusTracker().getActiveJobsIds() == []


def test_a_folder_that_is_there_stays_and_no_cluster_is_asked(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "precious").touch()
    words = ("recommend", "--all-users", "--engine", "spark", "--master", "spark://nowhere:7077")
    assert main([*words, "--bundle", str(tiny_bundle), "--out", str(tmp_path)]) == 1
    assert f"{tmp_path} is there already; name a new folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--user", "1", "--engine", "spark"), "--engine spark is for --all-users"),
        (("--all-users", "--master", "yarn"), "--master and --spark-conf need --engine spark"),
        (("--all-users", "--engine", "spark"), "--all-users needs --out"),
    ],
)
def test_options_that_do_not_go_together(
    words: tuple[str, ...],
    message: str,
    tiny_bundle: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["recommend", "--bundle", str(tiny_bundle), *words]) == 2
    assert message in capsys.readouterr().err
