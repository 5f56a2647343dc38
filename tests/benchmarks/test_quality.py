"""The comparison with other libraries' models: its processes, search and tables, without them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import libraries
from benchmarks.quality.__main__ import main
from benchmarks.quality.job import CONTESTANTS, Job, lists_file, run, search
from benchmarks.quality.models import TrainPart
from benchmarks.quality.table import verdict
from benchmarks.report import Row
from recommender.bundle.history import History
from recommender.dataset import from_directory, import_dataset
from recommender.evaluation.holdout import split_random
from tests.conftest import ROOT

OWN = ("popularity", "ease", "edlae", "matinee")


@pytest.fixture
def data(tiny_files: tuple[Path, Path]) -> Path:
    return tiny_files[0].parent


@pytest.mark.parametrize("model", OWN)
def test_a_job_leaves_lists_of_what_was_not_rated(model: str, data: Path, tmp_path: Path) -> None:
    dataset = import_dataset(from_directory(data), tmp_path)
    parts = split_random(History.open(tmp_path), tmp_path / "split", 1)
    split_random(parts.train, tmp_path / "validation", 1)
    users = np.flatnonzero(np.diff(parts.test.offsets)).tolist()
    job = Job(
        model,
        ("liked", "any"),
        str(tmp_path / "split" / "train"),
        str(tmp_path / "validation"),
        dataset.n_movies,
        dataset.scale,
        str(tmp_path / "movies.parquet"),
        users,
        20,
        max_trials=5,
        max_seconds=60.0,
    )
    found = run(job, tmp_path)
    trials = 5 if CONTESTANTS[model].grid else 0
    for relevant in ("liked", "any"):
        assert found[relevant]["trials"] == trials
        lists = np.load(lists_file(tmp_path, relevant))
        assert lists.shape == (len(users), 20)
        for user, movies in zip(users, lists, strict=True):
            assert len(set(movies.tolist()) - {-1}) == (movies >= 0).sum() > 10
            assert not np.isin(movies, parts.train.of(user)[0]).any()


def compare(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.quality", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)


@pytest.mark.slow
def test_models_are_compared_on_the_same_splits(data: Path, tmp_path: Path) -> None:
    options = ["--data", str(data), "--models", ",".join(OWN), "--seeds", "1,2", "--trials", "4"]
    options += ["--work", str(tmp_path / "work"), "--json", str(tmp_path / "rows.json")]
    done = compare(*options)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert len(rows) == 8
    found = {(row["comparison"], row["name"]): row for row in rows}
    for relevant in ("liked", "any"):
        popular, ease, ours = (
            found[f"{data.name}, {relevant}", label] for label in ("popularity", "EASE", "Matinee")
        )
        if relevant == "liked":  # two tastes are in what is liked, not in what is rated
            assert min(ease["ndcg@10"], ours["ndcg@10"]) > 1.1 * popular["ndcg@10"]
        assert 0 < popular["coverage@10"] < ours["coverage@10"] <= 1
        assert popular["model_mb"] < ours["model_mb"]
        assert all(row["peak_mb"] > 1 and row["seeds"] == 2 for row in (popular, ease, ours))
    assert done.stdout.count("reached by Matinee") == 2
    # What is done is not done again, and the same lists give the same figures.
    results = sorted((tmp_path / "work").rglob("result.json"))
    times = [file.stat().st_mtime_ns for file in results]
    assert len(results) == 8
    assert compare(*options).returncode == 0
    assert [file.stat().st_mtime_ns for file in results] == times
    assert json.loads((tmp_path / "rows.json").read_text()) == rows


@pytest.mark.slow
def test_a_library_that_is_missing_is_one_line(data: Path, tmp_path: Path) -> None:
    options = ["--data", str(data), "--seeds", "1", "--models", "popularity,lenskit"]
    done = compare(*options, "--work", str(tmp_path))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"MISSING: {data.name}, seed 1, lenskit: ")
    assert line.endswith("has no lenskit; give --libraries")
    assert "popularity" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--models", "popularty"], "--models: popularty unknown"),
        (["--data", "no-such-data"], "--data no-such-data: give sample, ml-100k"),
        (["--seeds", "1,x"], "--seeds: give whole numbers"),
        (["--relevant", "loved"], "--relevant loved: give liked, any"),
        (["--relevant", "9", "--data", "sample"], "--relevant 9: the ratings go from 0.5 to 5"),
    ],
)
def test_what_is_wrong_is_one_line(
    options: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["quality", "--work", str(tmp_path), *options])
    monkeypatch.setattr(os, "environ", dict(os.environ))  # is told to keep to one thread
    with pytest.raises(SystemExit) as ended:
        main()
    last = capsys.readouterr().err.splitlines()[-1:] or [str(ended.value)]
    assert said in last[0]


def test_the_search_finds_the_best_and_stays_on_the_grid() -> None:
    grid = {"x": (1, 2, 3, 4, 5), "y": ("a", "b", "c")}
    tried = []

    def judge(settings: dict) -> float:
        tried.append(settings)
        return -((settings["x"] - 4) ** 2) - (settings["y"] != "c") * settings["x"] / 10

    assert search({"x": 1, "y": "b"}, grid, judge) == {"x": 4, "y": "c"}
    assert all(one["x"] in grid["x"] and one["y"] in grid["y"] for one in tried)


def test_every_contestant_starts_on_its_grid_and_says_what_it_needs() -> None:
    for one in CONTESTANTS.values():
        assert all(one.start[name] in values for name, values in one.grid.items()), one.name
        assert bool(one.package) == (one in libraries.LIBRARIES)


@pytest.mark.parametrize("n_users", [40, 8])  # of 12 movies: more, and fewer
@pytest.mark.parametrize(("model", "dropout"), [("ease", 0.0), ("edlae", 0.3)])
def test_ease_is_the_published_solution(
    model: str, dropout: float, n_users: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    rated = rng.random((n_users, 12)) < 0.4
    movies = np.concatenate([np.flatnonzero(row) for row in rated]).astype(np.int32)
    offsets = np.append(0, np.cumsum(rated.sum(axis=1)))
    ratings = rng.integers(1, 6, len(movies)).astype(np.float32)
    train = TrainPart(History(offsets, movies, ratings), 12, (1.0, 5.0), "liked", tmp_path)
    settings = {"regularization": 10.0, "dropout": dropout, "weights": "same"}
    found = CONTESTANTS[model].fit(train, settings).score(np.arange(n_users))
    inputs = rated.astype(float)
    penalty = 10 + dropout / (1 - dropout) * inputs.sum(axis=0)
    inverse = np.linalg.inv(inputs.T @ inputs + np.diag(penalty))
    assert np.allclose(found, inputs @ (np.eye(12) - inverse / np.diag(inverse)), atol=1e-4)


def test_a_standard_error_below_the_best_other_is_enough() -> None:
    rows: list[Row] = [
        {"name": "EASE", "ndcg@10": 0.40, "ndcg@10 se": 0.01},
        {"name": "popularity", "ndcg@10": 0.2, "ndcg@10 se": 0.3},
        {"name": "Matinee", "ndcg@10": 0.395, "ndcg@10 se": 0.01},
    ]
    assert "Best other: EASE" in verdict(rows, "Matinee")
    assert "is reached by Matinee" in verdict(rows, "Matinee")
    rows[2]["ndcg@10"] = 0.385
    assert "is not reached by Matinee" in verdict(rows, "Matinee")
