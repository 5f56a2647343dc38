from pathlib import Path

import numpy as np
import pytest

from recommender import Recommender
from recommender.bundle import Bundle
from recommender.collaborative import StarsSettings
from recommender.dataset import from_files
from recommender.errors import DataError, SettingsError
from recommender.training import TrainingSettings, train

SMALL = TrainingSettings(
    min_user_ratings=5, min_movie_ratings=3, stars=StarsSettings(n_factors=2, n_epochs=2)
)


def test_the_bundle_says_what_it_was_trained_on(tiny: Recommender) -> None:
    info = tiny.bundle.info
    assert info["data"]["movies"] == 60
    assert info["data"]["users"] == 50
    assert info["data"]["trained_users"] == 49
    assert info["data"]["scale"] == [0.5, 5.0]
    assert info["settings"]["stars"]["n_factors"] == 4
    assert len(info["data"]["fingerprint"]) == 64
    assert info["data"]["report"]


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
    assert one.info["data"] == two.info["data"]
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


def test_a_failed_training_leaves_the_old_bundle(tiny_files, tmp_path: Path) -> None:
    source = from_files(*tiny_files)
    train(source, tmp_path / "b", SMALL)
    created = Bundle.open(tmp_path / "b").created
    with pytest.raises(DataError):
        train(source, tmp_path / "b", TrainingSettings(min_user_ratings=1000))
    assert Bundle.open(tmp_path / "b").created == created


def test_every_movie_stays_in_the_catalogue(tiny: Recommender) -> None:
    known = tiny.bundle.array("stars_movie_known")
    assert known.sum() == tiny.bundle.info["data"]["trained_movies"] < 60
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
    ],
)
def test_settings_that_cannot_be_used(settings: dict, flag: str) -> None:
    with pytest.raises(SettingsError, match=flag):
        TrainingSettings(**settings)
