import gc
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from recommender.bundle.bundle import Bundle
from recommender.bundle.writer import BundleWriter
from recommender.cli.main import main
from recommender.core.errors import BundleError
from recommender.dataset import from_files
from recommender.search.semantic import open_semantic
from recommender.search.semantic.embed import Embedded, embed
from recommender.search.semantic.vectors import VectorStore
from recommender.training.pipeline import TrainingSettings, train
from tests.conftest import ROOT

pytest.importorskip("wordfreq")
pytestmark = pytest.mark.slow  # each test encodes movies
KILLS = 20


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle of one's own, not embedded."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


@pytest.fixture(scope="module")
def embedded(
    tiny_bundle: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Embedded]:
    """A bundle that was embedded without disturbance; do not change it."""
    path = Path(shutil.copytree(tiny_bundle, tmp_path_factory.mktemp("embedded") / "bundle"))
    return path, embed(path, str(tiny_model), batch_size=4)


def stored(path: Path) -> list[tuple[bytes, bytes]]:
    """All keys and vectors."""
    with VectorStore(path / "semantic" / "semantic.sqlite"):
        pass  # so that there is a table, however early a run was killed
    with sqlite3.connect(path / "semantic" / "semantic.sqlite") as connection:
        return connection.execute("SELECT key, vector FROM vectors ORDER BY key").fetchall()


def mapped() -> str:
    gc.collect()
    return Path("/proc/self/maps").read_text()


def test_every_movie_has_a_vector(embedded: tuple[Path, Embedded]) -> None:
    path, done = embedded
    assert done.movies == 60
    assert done.reused == 0
    assert done.encoded == len(stored(path)) == done.movies + done.words
    index = Bundle.open(path / "semantic")
    for kind in ("full", "light"):
        assert index.array(f"movies_{kind}").shape == (60, 16)
        assert index.array(f"movies_{kind}_scales").all()


def test_nothing_is_encoded_twice(
    embedded: tuple[Path, Embedded], tiny_model: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copytree(embedded[0], tmp_path / "bundle"))
    before = stored(path)
    again = embed(path, str(tiny_model), batch_size=7)
    assert (again.encoded, again.reused) == (0, embedded[1].encoded)
    assert stored(path) == before


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_where_it_was(
    bundle: Path, embedded: tuple[Path, Embedded], tiny_model: Path
) -> None:
    command = [sys.executable, "-m", "recommender.cli", "embed", "--bundle", bundle]
    command += ["--model", tiny_model, "--batch-size", "4"]
    store = bundle / "semantic" / "semantic.sqlite"
    rng, before, stops = random.Random(5), 0, set()
    for _ in range(KILLS):
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        seen = _changed(store)
        while _changed(store) == seen and process.poll() is None:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        now = len(stored(bundle))
        assert now >= before
        stops.add(now)
        before = now
    assert len(stops) > KILLS // 2  # they fell within the work
    assert before < embedded[1].encoded
    done = embed(bundle, str(tiny_model), batch_size=4)
    assert done.reused == before
    assert done.encoded == embedded[1].encoded - before
    assert stored(bundle) == stored(embedded[0])
    left, right = (Bundle.open(path / "semantic") for path in (bundle, embedded[0]))
    assert left.files == right.files
    for name in left.files:
        assert left.file(name).read_bytes() == right.file(name).read_bytes()
    assert [p.name for p in (bundle / "semantic").glob("work-*")] == []


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def test_new_movies_alone_are_encoded(
    embedded: tuple[Path, Embedded],
    tiny_files: tuple[Path, Path],
    tiny_model: Path,
    tmp_path: Path,
) -> None:
    path = Path(shutil.copytree(embedded[0], tmp_path / "bundle"))
    ratings, movies = tiny_files
    grown = tmp_path / "movies.csv"
    lines = movies.read_text(encoding="utf-8").splitlines()
    lines[5] = "5,Movie with another name,1955,Drama"
    grown.write_text("\n".join([*lines, "61,Movie number new,2001,Drama"]), encoding="utf-8")
    train(from_files(ratings, grown), path, TrainingSettings(min_user_ratings=5))
    # Until it is embedded again, what was found is found.
    assert open_semantic(path).search("movie number 7", 60)
    done = embed(path, str(tiny_model), batch_size=4)
    assert (done.movies, done.encoded) == (61, 2)
    assert len(stored(path)) == done.encoded + done.reused
    ids = Bundle.open(path / "semantic").array("ids")
    assert sorted(ids.tolist()) == list(range(1, 62))


def test_the_model_is_let_go_of(embedded: tuple[Path, Embedded], tiny_model: Path) -> None:
    if not Path("/proc/self/maps").exists():
        pytest.skip("tells what is mapped on Linux alone")
    assert str(tiny_model) not in mapped()
    search = open_semantic(embedded[0], "full")
    assert str(tiny_model) in mapped()
    assert str(embedded[0]) in mapped()
    search.close()
    assert str(tiny_model) not in mapped()
    assert str(embedded[0]) not in mapped()


def test_an_interrupted_training_leaves_the_vectors(bundle: Path, tiny_model: Path) -> None:
    (bundle / "semantic").mkdir()
    (bundle / "semantic" / "semantic.sqlite").write_bytes(b"")
    with BundleWriter(bundle):
        pass
    assert (bundle / "semantic" / "semantic.sqlite").exists()


def test_the_command(
    embedded: tuple[Path, Embedded],
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = Path(shutil.copytree(embedded[0], tmp_path / "bundle"))
    assert main(["embed", "--bundle", str(path), "--model", str(tiny_model)]) == 0
    assert "60 movies and" in capsys.readouterr().out
    assert main(["embed", "--bundle", str(tmp_path / "none")]) == 1
    assert "there is no bundle here" in capsys.readouterr().err
    assert main(["embed", "--bundle", str(path), "--model", "no_such"]) == 2
    assert "model no_such: neither a folder nor" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["embed", "--batch-size", "0"])


def test_two_runs_at_once(bundle: Path, tiny_model: Path) -> None:
    if os.name != "posix":
        pytest.skip("not noticed there")
    with (
        BundleWriter(bundle / "semantic"),
        pytest.raises(BundleError, match=r"another .* is writing"),
    ):
        embed(bundle, str(tiny_model))


def test_ids_that_are_text(
    tiny_model: Path,
    tiny_files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The words of the movies alone: those of English take the most of the time.
    monkeypatch.setattr("recommender.search.semantic.embed.english", dict)
    ratings, movies = (tmp_path / file.name for file in tiny_files)
    for source, target, column in ((tiny_files[0], ratings, 1), (tiny_files[1], movies, 0)):
        head, *lines = source.read_text(encoding="utf-8").splitlines()
        rows = [line.split(",", column + 1) for line in lines]
        for row in rows:
            row[column] = f"tt{row[column]}"
        target.write_text("\n".join([head, *map(",".join, rows)]), encoding="utf-8")
    train(from_files(ratings, movies), tmp_path / "b", TrainingSettings(min_user_ratings=5))
    embed(tmp_path / "b", str(tiny_model), batch_size=64)
    found = open_semantic(tmp_path / "b").search("movie number", 60)
    assert {movie for movie, _ in found} <= {f"tt{i}" for i in range(1, 61)}
    assert np.isfinite([score for _, score in found]).all()
