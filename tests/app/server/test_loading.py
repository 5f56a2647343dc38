import shutil
from pathlib import Path

import psutil
import pytest

from recommender import BundleError, SettingsError
from recommender.app.server.loading import initialize_recommender, load_all_data, settings
from tests.app.conftest import OpenPage, edit_manifest
from tests.app.drawn import texts


@pytest.fixture(autouse=True)
def served(own_bundle: Path) -> Path:
    return own_bundle


def test_everyone_shares_one_while_the_bundle_stays() -> None:
    assert load_all_data() is load_all_data()
    assert initialize_recommender() is initialize_recommender()
    assert initialize_recommender().bundle is load_all_data()


def test_a_new_bundle_at_the_same_path_is_picked_up(own_bundle: Path) -> None:
    before = initialize_recommender()
    edit_manifest(own_bundle, lambda manifest: manifest["info"]["data"].update(mean_rating=2.25))
    after = initialize_recommender()
    assert before.statistics.mean_rating != after.statistics.mean_rating == 2.25
    assert after is initialize_recommender()
    assert before.popular(3) == after.popular(3)  # who still holds the old one can use it


def test_an_open_page_shows_the_new_bundle(open_page: OpenPage, own_bundle: Path) -> None:
    home = open_page("discover")
    assert texts(home, "<dd>(.*?)</dd>")[3] != "2.25 ★"
    edit_manifest(own_bundle, lambda manifest: manifest["info"]["data"].update(mean_rating=2.25))
    assert texts(home.run(), "<dd>(.*?)</dd>")[3] == "2.25 ★"


def test_a_bundle_that_goes_away_is_noticed(own_bundle: Path) -> None:
    load_all_data()
    shutil.rmtree(own_bundle)
    with pytest.raises(BundleError, match="there is no bundle here"):
        initialize_recommender()


def test_no_file_stays_open_of_a_bundle_that_was_replaced(own_bundle: Path) -> None:
    for mean in range(1, 6):
        edit_manifest(
            own_bundle, lambda manifest, n=mean: manifest["info"]["data"].update(mean_rating=n)
        )
        initialize_recommender()
    opened = [file.path for file in psutil.Process().open_files()]
    assert sum(str(own_bundle) in path for path in opened) == len(load_all_data().files)


def test_the_settings_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_USER_BATCH", "8")
    assert settings().user_batch == 8
    monkeypatch.setenv("MATINEE_USER_BATCH", "abc")
    assert settings().user_batch == 8


def test_a_setting_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATINEE_USER_BATCH", "abc")
    with pytest.raises(SettingsError, match="MATINEE_USER_BATCH=abc"):
        settings()
