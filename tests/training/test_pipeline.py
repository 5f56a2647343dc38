import dataclasses
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from recommender import Recommender
from recommender.bundle import shards
from recommender.bundle.bundle import Bundle
from recommender.core.errors import BundleError, DataError, SettingsError
from recommender.dataset import ImportOptions, from_directory, from_files
from recommender.models.ranking import RankingSettings
from recommender.models.stars import StarsSettings
from recommender.settings.memory_budget import MIN_BYTES
from recommender.training import engine, pipeline
from recommender.training.pipeline import TrainingSettings, train
from tests.conftest import ROOT

SMALL = TrainingSettings(
    min_user_ratings=5, min_movie_ratings=3, stars=StarsSettings(n_factors=2, n_epochs=2)
)


def test_the_bundle_says_what_it_was_trained_on(tiny: Recommender) -> None:
    info = tiny.bundle.training
    assert info.data.movies == 60
    assert info.data.users == 50
    assert info.data.trained_users == 49
    assert info.data.scale == (0.5, 5.0)
    assert info.settings.stars["n_factors"] == 4
    assert len(info.data.fingerprint) == 64
    assert info.data.report


def test_counts_and_means_are_those_of_the_ratings(tiny: Recommender) -> None:
    stars: dict[int, list[float]] = {}
    for user in tiny.users(100):
        for item in tiny.rated_by(user, 100):
            stars.setdefault(item.movie.movie_id, []).append(item.rating)
    for movie_id, given in stars.items():
        movie = tiny.movie(movie_id)
        assert movie.n_ratings == len(given)
        assert movie.mean_rating == pytest.approx(np.mean(given), abs=1e-5)


def test_equal_input_gives_an_equal_bundle(tiny_files, tmp_path: Path) -> None:
    source = from_files(*tiny_files)
    one, two = (train(source, tmp_path / name, SMALL) for name in ("one", "two"))
    assert one.files == two.files
    assert one.training.data == two.training.data
    for name in one.files:
        if name.endswith(".npy"):
            assert one.file(name).read_bytes() == two.file(name).read_bytes()


def test_the_bundle_holds_nothing_of_the_work(tiny_bundle: Path) -> None:
    names = set(Bundle.open(tiny_bundle).files)
    assert {name.partition(".")[2] for name in names} == {"npy", "sqlite"}
    assert not [p for p in tiny_bundle.rglob("*") if p.is_dir() and not p.name.startswith("data-")]


def test_limits_that_leave_no_rating(tiny_files, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no rating is left.*1000.*--min-user-ratings"):
        train(from_files(*tiny_files), tmp_path / "b", TrainingSettings(min_user_ratings=1000))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("choose", [True, False])
def test_stars_that_nobody_can_give_are_not_relevant(
    tiny_files, tmp_path: Path, choose: bool
) -> None:
    settings = TrainingSettings(5, 3, relevant=99.0, choose=choose)
    with pytest.raises(SettingsError, match=r"--relevant 99: the ratings go from 0\.5 to 5"):
        train(from_files(*tiny_files), tmp_path / "bundle", settings)


def test_a_user_and_a_movie_that_do_not_meet_leave_no_rating(tmp_path: Path) -> None:
    movies, ratings = tmp_path / "movies.csv", tmp_path / "ratings.csv"
    movies.write_text("movie,title\n" + "".join(f"{movie},M{movie}\n" for movie in range(9)))
    # User 0 has eight ratings of movies that have one; movie 8 has five of users who have one.
    rows = [(0, movie) for movie in range(8)] + [(user, 8) for user in range(1, 6)]
    ratings.write_text("user,movie,rating\n" + "".join(f"{u},{m},3\n" for u, m in rows))
    with pytest.raises(DataError, match="no rating is left: no user with at least 5 ratings rated"):
        train(from_files(ratings, movies), tmp_path / "b", SMALL)


def test_another_error_of_the_stars_model_is_not_taken_for_no_rating(
    tiny_files, tmp_path: Path
) -> None:
    class Wrong(engine.LocalEngine):
        def fit(self, *_: object) -> NoReturn:
            raise ValueError("operands could not be broadcast together")

    with pytest.raises(ValueError, match=r"^operands could not be broadcast together$"):
        train(from_files(*tiny_files), tmp_path / "b", SMALL, engine=Wrong())


def test_a_failed_training_leaves_the_old_bundle(
    tiny_files, tiny_bundle: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(tiny_bundle, tmp_path / "b"))
    created = Bundle.open(out).created
    with pytest.raises(DataError):
        train(from_files(*tiny_files), out, TrainingSettings(min_user_ratings=1000))
    assert Bundle.open(out).created == created


def test_every_movie_stays_in_the_catalogue(tiny: Recommender) -> None:
    known = tiny.bundle.array("stars_movie_known")
    assert known.sum() == tiny.bundle.training.data.trained_movies < 60
    assert {tiny.movie(m).movie_id for m in range(1, 61)} == set(range(1, 61))


def test_progress_names_every_stage_in_order(tiny_files, tmp_path: Path) -> None:
    stages: list[str] = []
    fractions: list[float] = []

    def progress(stage: str, fraction: float) -> None:
        if stage not in stages:
            stages.append(stage)
        fractions.append(fraction)

    train(from_files(*tiny_files), tmp_path / "b", SMALL, progress)
    assert stages == ["import", "stars", "content", "ranking", "catalogue"]
    assert min(fractions) >= 0
    assert max(fractions) <= 1


@pytest.mark.parametrize(
    ("settings", "flag"),
    [
        ({"min_user_ratings": -1}, "--min-user-ratings"),
        ({"max_features": 0}, "--max-features"),
        ({"max_features": 70000}, "--max-features"),
        ({"stars": StarsSettings(n_factors=0)}, "--factors"),
        ({"stars": StarsSettings(n_epochs=0)}, "--epochs"),
        ({"stars": StarsSettings(random_state=-1)}, "--seed"),
        ({"stars": StarsSettings(n_factors=np.nan)}, "--factors"),
        ({"stars": StarsSettings(learning_rate=np.nan)}, r"stars\.learning_rate"),
        ({"ranking": RankingSettings(n_factors=10**9)}, r"ranking\.n_factors"),
        ({"ranking": RankingSettings(popularity_exponent=np.inf)}, "ranking.popularity_exponent"),
    ],
)
def test_settings_that_cannot_be_used(settings: dict, flag: str) -> None:
    with pytest.raises(SettingsError, match=flag):
        TrainingSettings(**settings)


# Trains until a stage begins, and is killed then.
KILLED = """
import os, signal, sys
from pathlib import Path
from recommender.dataset import from_files
from recommender.training.pipeline import train
from tests.training.test_pipeline import SMALL

def progress(stage, fraction):
    if stage == sys.argv[4]:
        os.kill(os.getpid(), signal.SIGKILL)

train(from_files(Path(sys.argv[1]), Path(sys.argv[2])), sys.argv[3], SMALL, progress)
"""


def train_until(stage: str, files: tuple[Path, Path], out: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, files), str(out), stage],
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL


def reused(bundle: Bundle) -> list[str]:
    return [stage.name for stage in bundle.training.stages if stage.reused]


@pytest.mark.slow
def test_a_killed_training_goes_on_where_it_was(tiny_files, tmp_path: Path) -> None:
    source, out = from_files(*tiny_files), tmp_path / "b"
    whole = train(source, tmp_path / "whole", SMALL)
    old = train(source, out, TrainingSettings(min_user_ratings=5, min_movie_ratings=5))
    for stage in ("stars", "catalogue"):
        train_until(stage, tiny_files, out)
        assert Bundle.open(out).created == old.created
    assert len(list(out.glob("work-*"))) == 1
    bundle = train(source, out, SMALL)
    assert reused(bundle) == ["import", "stars", "content", "ranking"]
    for name in whole.files:
        if name.endswith(".npy"):
            assert bundle.file(name).read_bytes() == whole.file(name).read_bytes()
    assert bundle.training.data == whole.training.data
    assert not list(out.glob("work-*"))
    assert reused(train(source, out, SMALL)) == []


def test_what_was_done_with_other_settings_is_not_used(tiny_files, tmp_path: Path) -> None:
    source, out = from_files(*tiny_files), tmp_path / "b"
    train_until("ranking", tiny_files, out)
    other = TrainingSettings(min_user_ratings=5, min_movie_ratings=3, max_features=9)
    assert reused(train(source, out, other)) == []
    assert not list(out.glob("work-*"))


def test_what_was_done_with_less_memory_is_used(tiny_files, tmp_path: Path) -> None:
    source, out = from_files(*tiny_files), tmp_path / "b"
    train_until("ranking", tiny_files, out)
    imports = ImportOptions(memory_limit=MIN_BYTES)
    bundle = train(source, out, dataclasses.replace(SMALL, imports=imports))
    assert reused(bundle) == ["import", "stars", "content"]


def test_models_that_do_not_fit_are_refused(
    tiny_files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PROCESS_BYTES", MIN_BYTES)
    settings = dataclasses.replace(SMALL, imports=ImportOptions(memory_limit=MIN_BYTES))
    message = (
        r"--memory-limit 160.0 MB is too little: the models of 50 users and 60 movies take 220"
    )
    with pytest.raises(SettingsError, match=message):
        train(from_files(*tiny_files), tmp_path / "b", settings)
    assert not (tmp_path / "b").exists()


def test_what_was_done_with_other_data_is_not_used(tiny_files, tmp_path: Path) -> None:
    out, ratings = tmp_path / "b", tmp_path / "ratings.csv"
    ratings.write_bytes(tiny_files[0].read_bytes())
    train_until("ranking", (ratings, tiny_files[1]), out)
    with ratings.open("a", encoding="utf-8") as file:
        file.write("1,54,1.5\n")
    assert reused(train(from_files(ratings, tiny_files[1]), out, SMALL)) == []


def test_an_interrupted_training_goes_on_too(tiny_files, tmp_path: Path) -> None:
    def interrupt(stage: str, fraction: float) -> None:
        if stage == "content":
            raise KeyboardInterrupt

    source, out = from_files(*tiny_files), tmp_path / "b"
    with pytest.raises(KeyboardInterrupt):
        train(source, out, SMALL, interrupt)
    with pytest.raises(BundleError, match="there is no bundle"):
        Bundle.open(out)
    assert reused(train(source, out, SMALL)) == ["import", "stars"]


def test_a_training_that_was_interrupted_while_it_split_the_arrays_is_done_again(
    tiny_files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(folder: Path) -> list[int]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shards, "MAX_USERS", 10)
            split(folder)
        raise KeyboardInterrupt

    source, split = from_files(*tiny_files), pipeline.split
    monkeypatch.setattr(pipeline, "split", half)
    with pytest.raises(KeyboardInterrupt):
        train(source, tmp_path / "b", SMALL)
    assert len(list((tmp_path / "b").glob("work-*/*-0000?.npy"))) == 5 * 4
    monkeypatch.undo()
    again, plain = train(source, tmp_path / "b", SMALL), train(source, tmp_path / "plain", SMALL)
    assert reused(again) == []
    assert again.files == plain.files


@contextmanager
def limits_restored() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("stage", ["import", "stars", "content", "ranking", "catalogue"])
def test_a_full_disk(stage: str, tiny_files, tiny_bundle: Path, tmp_path: Path) -> None:
    source, out = from_files(*tiny_files), Path(shutil.copytree(tiny_bundle, tmp_path / "b"))
    created = Bundle.open(out).created

    def fill(now: str, fraction: float) -> None:
        if now == stage:  # no file may grow any further: for this process the disk is full
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))

    full = pytest.raises((BundleError, DataError), match=r"cannot be written.*room")
    with limits_restored(), full:
        train(source, out, SMALL, fill)
    assert Bundle.open(out).created == created
    assert sorted(path.name.partition("-")[0] for path in out.iterdir()) == [
        ".lock",
        "data",
        "manifest.json",
    ]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a file system of a size."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(size: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "matinee", str(disk)]
        if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
            pytest.skip("no file system can be mounted here")
        return disk

    yield mount
    if disk.is_mount():
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize("size", ["64k", "2m", "5m", "8m"])
def test_a_disk_that_is_too_small(size: str, small_disk: Callable[[str], Path]) -> None:
    disk = small_disk(size)
    with pytest.raises((BundleError, DataError), match=r"cannot be written: .*; make room") as full:
        train(from_directory(Path("data")), disk / "b")
    assert "No space left" in str(full.value)
    assert not list(disk.iterdir())


def test_a_folder_that_cannot_be_written(tiny_files, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match="cannot be written"):
        train(from_files(*tiny_files), tmp_path / "file" / "b", SMALL)


def test_two_trainings_at_once(tiny_files, tmp_path: Path) -> None:
    source, out = from_files(*tiny_files), tmp_path / "b"

    def train_too(stage: str, fraction: float) -> None:
        if stage == "stars":
            with pytest.raises(BundleError, match="another training is writing this bundle"):
                train(source, out, SMALL)

    assert train(source, out, SMALL, train_too).training.data.users == 50
