import gc
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from recommender import BundleError, Recommender, Settings, SettingsError
from recommender.bundle.manifest import MANIFEST
from recommender.bundle.shards import shard_number
from recommender.core.address import Address
from recommender.remote import cache, opening
from recommender.remote.opening import open_bundle, open_fetched
from recommender.remote.publishing import publish
from recommender.remote.storages import check_usable
from tests.remote.conftest import version_of
from tests.remote.origin_server import Handler, Storage, stall, status, wrong_bytes


@pytest.fixture
def settings(tmp_path: Path, address: Address) -> Settings:
    return Settings(bundle=address, bundle_cache=tmp_path / "cache")


@pytest.fixture
def sharded(storage: Storage, behind: Address, address: Address, sharded_bundle: Path) -> Address:
    publish(sharded_bundle, behind)
    return address


def shards_of(folder: Path) -> set[int | None]:
    """Which shards are on the disk."""
    return {shard_number(file.name) for file in folder.rglob("*-0000?.npy")}


def test_the_library_opens_an_address(
    settings: Settings, address: Address, tiny_bundle: Path
) -> None:
    matinee = Recommender.open(address.full, settings)
    local = Recommender.open(tiny_bundle)
    assert matinee.recommend_for_user(3, 5) == local.recommend_for_user(3, 5)
    assert matinee.rated_by(50) == local.rated_by(50)
    assert matinee.bundle.path == settings.bundle_folder


def test_without_a_connection_the_version_that_was_fetched_last_is_opened(
    settings: Settings,
    storage: Storage,
    address: Address,
    tiny_bundle: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage.faults["*"] = status(503)
    with pytest.raises(BundleError, match=r"manifest\.json: the server answers 503$"):
        open_bundle(address, settings)
    storage.faults.clear()
    open_bundle(address, settings)
    storage.faults["*"] = status(503)
    with caplog.at_level(logging.WARNING):
        opened = open_bundle(address, settings)
    assert (opened.path / MANIFEST).read_bytes() == (tiny_bundle / MANIFEST).read_bytes()
    (line,) = caplog.messages
    assert line.endswith("answers 503; the version that was fetched last is used")


def test_a_damaged_cache_mends_itself(settings: Settings, address: Address) -> None:
    open_bundle(address, settings)
    (file,) = settings.bundle_folder.rglob("movie_year.npy")
    file.write_bytes(bytes(file.stat().st_size))
    with pytest.raises(BundleError, match="its checksum does not match"):
        open_fetched(address, settings)
    assert Recommender(open_bundle(address, settings)).popular(3)


@pytest.mark.slow
def test_a_shard_is_fetched_when_one_of_its_users_is_asked_for(
    settings: Settings, storage: Storage, sharded: Address, sharded_bundle: Path
) -> None:
    matinee = Recommender.open(sharded, settings)
    assert shards_of(settings.bundle_folder) == set()
    user = matinee.bundle.first_users[3] + 1
    local = Recommender.open(sharded_bundle)
    assert matinee.recommend_for_user(user) == local.recommend_for_user(user)
    assert shards_of(settings.bundle_folder) == {3}
    storage.faults["*-00001.npy"] = wrong_bytes
    with pytest.raises(BundleError, match="its checksum is not that of the manifest"):
        matinee.rated_by(matinee.bundle.first_users[1] + 1)
    assert matinee.rated_by(user) == local.rated_by(user)
    storage.faults.clear()
    assert matinee.rated_by(matinee.bundle.first_users[1] + 1)
    # Whoever opens it next has what was fetched.
    storage.faults["*-0000?.npy"] = status(500)
    assert Recommender.open(sharded, settings).rated_by(user) == local.rated_by(user)


@pytest.mark.slow
def test_a_storage_that_stalls_keeps_nobody_longer_than_the_first_who_waited(
    settings: Settings, storage: Storage, sharded: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()

    def stall_and_tell(handler: Handler, body: bytes) -> None:
        asked.set()
        stall(handler, body)

    monkeypatch.setattr(opening, "_VISITOR_STALL_SECONDS", 2.0)
    matinee = Recommender.open(sharded, settings)
    users = [first + 1 for first in matinee.bundle.first_users]
    storage.faults["*-0000?.npy"] = stall_and_tell
    with ThreadPoolExecutor(2 * len(users)) as pool:
        waiting = [pool.submit(matinee.rated_by, user) for user in users + users]
        assert asked.wait(60)
        children = psutil.Process().children()
        assert sum("recommender.remote" in child.cmdline() for child in children) == 1
        errors = [str(one.exception()) for one in waiting]
    assert all("nothing came for 2 s" in error for error in errors)
    assert len([path for path in storage.asked if shard_number(Path(path).name) is not None]) == 1
    storage.faults.clear()
    monkeypatch.setattr(matinee.bundle.shards._fetch, "_stalled_until", 0.0)  # some seconds later
    assert matinee.rated_by(users[0])


def test_whoever_waits_too_long_for_a_turn_is_told(
    settings: Settings, sharded: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_TURN_SECONDS", 0.1)
    matinee = Recommender.open(sharded, settings)
    with opening._turn, pytest.raises(BundleError, match="other users' shards are being fetched"):
        matinee.rated_by(1)
    assert matinee.rated_by(1)


@pytest.mark.slow
def test_shards_beyond_the_limit_go_the_least_recently_used_first(
    settings: Settings, sharded: Address, sharded_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matinee, local = Recommender.open(sharded, settings), Recommender.open(sharded_bundle)
    firsts = [first + 1 for first in matinee.bundle.first_users]
    sizes = [0] * len(firsts)
    for name, size in matinee.bundle.files.items():
        if (number := shard_number(name)) is not None:
            sizes[number] += size
    hook = matinee.bundle.shards._fetch
    monkeypatch.setattr(hook, "_most", max(sizes) * 2 + max(sizes) // 2)
    monkeypatch.setattr(cache, "_JUST_USED_SECONDS", 0.0)
    for number in (0, 1, 0, 2):  # 1 was used least recently when 2 came
        assert matinee.rated_by(firsts[number]) == local.rated_by(firsts[number])
    assert shards_of(settings.bundle_folder) == {0, 2}
    monkeypatch.setattr(cache, "_JUST_USED_SECONDS", 60.0)
    assert matinee.rated_by(firsts[3]) == local.rated_by(firsts[3])
    assert shards_of(settings.bundle_folder) == {0, 2, 3}  # another process may be about to use it
    for user in firsts:
        assert matinee.rated_by(user) == local.rated_by(user)


@pytest.mark.slow
def test_an_old_version_serves_and_fetches_for_as_long_as_somebody_holds_it(
    settings: Settings,
    behind: Address,
    sharded: Address,
    sharded_bundle: Path,
    newer_bundle: Path,
) -> None:
    old = Recommender.open(sharded, settings)
    publish(newer_bundle, behind)
    new = Recommender.open(sharded, settings)
    assert new.rated_by(1) != old.rated_by(1)  # fetched after the newer version had taken over
    assert old.rated_by(1) == Recommender.open(sharded_bundle).rated_by(1)
    versions = {version.name for version in settings.bundle_folder.glob("data-*")}
    assert versions == {version_of(sharded_bundle), version_of(newer_bundle)}
    del old
    gc.collect()
    open_bundle(sharded, settings)
    (left,) = settings.bundle_folder.glob("data-*")
    assert left.name == version_of(newer_bundle)


def test_nothing_stays_open_of_a_version_that_was_let_go(
    settings: Settings, address: Address
) -> None:
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        open_bundle(address, settings)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def test_without_fsspec_there_is_one_line(
    settings: Settings, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.core.optional_packages.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"pip install 'fsspec\S+'$"):
        open_bundle(address, settings)
    with pytest.raises(SettingsError, match=r"^a bundle at an address needs fsspec, which is not"):
        check_usable(Address("s3://b/x"))


def test_a_clock_that_was_wrong_keeps_no_shard_for_good(tmp_path: Path) -> None:
    file = tmp_path / "shard.npy"
    file.touch()
    cache.mark_used(file)
    assert cache.just_used(file)
    for year in (1971, 2100):
        os.utime(file, (31_556_952 * (year - 1970), 0))
        assert not cache.just_used(file)
