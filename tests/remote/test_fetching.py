"""Whatever a server does, the version that is here stays until a better one is whole."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recommender import BundleError, Recommender
from recommender.bundle.bundle import Bundle
from recommender.bundle.manifest import MANIFEST
from recommender.bundle.shards import shard_number
from recommender.core.address import Address
from recommender.remote import child
from recommender.remote.cache import hold_version
from recommender.remote.fetching import Fetched, fetch, fetch_shards
from recommender.remote.publishing import publish
from tests.app.conftest import edit_manifest
from tests.remote import origin_server
from tests.remote.conftest import version_of
from tests.remote.origin_server import Fault, Storage


def ask(address: Address, folder: Path) -> Fetched:
    """As `fetch`, in a child process, which is given up when nothing moves."""
    return Fetched(**child.run_task("fetch", address, folder, thoroughly=False))


def whole(bundle: Path) -> dict[str, bytes]:
    """The files of the version that the manifest names, but shards; they are checked."""
    opened = Bundle.open(bundle, fetch=lambda names: None)
    names = (name for name in opened.files if shard_number(name) is None)
    return {name: opened.file(name).read_bytes() for name in names}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "copy"


def test_the_copy_is_the_bundle_without_its_shards(
    address: Address, folder: Path, tiny_bundle: Path
) -> None:
    found = ask(address, folder)
    assert found.changed is True
    assert (folder / MANIFEST).read_bytes() == (tiny_bundle / MANIFEST).read_bytes()
    assert whole(folder) == whole(tiny_bundle)
    assert found.fetched == sum(map(len, whole(tiny_bundle).values()))
    assert not list(folder.rglob("*-00000.npy"))
    assert not list(folder.rglob("*.part"))


def test_a_look_at_what_is_here_asks_for_the_manifests_alone(
    storage: Storage, address: Address, folder: Path
) -> None:
    fetch(address, folder)
    storage.asked.clear()
    assert fetch(address, folder).changed is False
    assert storage.asked == ["/bundle/manifest.json", "/bundle/semantic/manifest.json"]


def test_a_new_version_takes_over_what_did_not_change(
    storage: Storage,
    address: Address,
    behind: Address,
    folder: Path,
    tiny_bundle: Path,
    newer_bundle: Path,
) -> None:
    fetch(address, folder)
    publish(newer_bundle, behind)
    storage.asked.clear()
    found = fetch(address, folder)
    assert found.changed is True
    assert whole(folder) == whole(newer_bundle)
    same = whole(tiny_bundle).items() & whole(newer_bundle).items()
    assert found.reused == sum(len(content) for _, content in same) > 0
    version = version_of(newer_bundle)
    assert not {f"/bundle/{version}/{name}" for name, _ in same} & set(storage.asked)
    assert [v.name for v in folder.glob("data-*")] == [version]


FAULTS = {
    "wrong bytes": (origin_server.wrong_bytes, "its checksum is not that of the manifest"),
    "too long": (origin_server.too_long, "longer than the .* bytes of the manifest"),
    "too short": (origin_server.too_short, "bytes where the manifest says"),
    "hangs up": (origin_server.hang_up, "manifest|payload|Connection|closed|disconnected"),
    "stalls": (origin_server.stall, "nothing came for 3 s"),
    "says nothing": (origin_server.silence, "nothing came for 3 s"),
    "not there": (origin_server.status(404), "there is no such file"),
    "error": (origin_server.status(500), "the server answers 500"),
    "not allowed": (origin_server.status(403), "the server answers 403"),
}


@pytest.mark.parametrize(("fault", "said"), FAULTS.values(), ids=FAULTS)
def test_a_broken_file_never_replaces_a_good_bundle(
    storage: Storage,
    address: Address,
    behind: Address,
    folder: Path,
    tiny_bundle: Path,
    newer_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    said: str,
) -> None:
    monkeypatch.setattr(child, "STALL_SECONDS", 3.0 if "3 s" in said else 60.0)
    fetch(address, folder)
    publish(newer_bundle, behind)
    storage.faults["*/stars_movie_factors.npy"] = fault
    with pytest.raises(BundleError, match=said) as caught:
        (ask if "3 s" in said else fetch)(address, folder)
    assert "\n" not in str(caught.value)
    assert whole(folder) == whole(tiny_bundle)
    storage.asked.clear()
    storage.faults.clear()
    assert fetch(address, folder).changed is True
    assert whole(folder) == whole(newer_bundle)
    # What came whole before is not asked for again.
    files = [path for path in storage.asked if path.endswith((".npy", ".sqlite"))]
    assert len(files) < len(whole(newer_bundle)) / 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (origin_server.wrong_bytes, "manifest.json: (damaged|altered|cannot be read)"),
        (origin_server.too_short, "manifest.json: damaged"),
        (lambda handler, body: handler.send(b"{}"), "manifest.json: damaged"),
        (lambda handler, body: handler.send(b"x" * (17 << 20)), "longer than 16,777,216 bytes"),
        (
            origin_server.status(404),
            "there is no bundle here; put one there with `matinee publish`",
        ),
        (origin_server.status(503), "the server answers 503"),
        (origin_server.silence, "nothing came for 3 s"),
        (origin_server.redirect(""), "manifest.json: the server redirects in a circle"),
        (origin_server.redirect("file://"), "manifest.json: the server redirects in a circle, or "),
    ],
)
def test_a_broken_manifest_never_replaces_a_good_bundle(
    storage: Storage,
    address: Address,
    behind: Address,
    folder: Path,
    tiny_bundle: Path,
    newer_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    said: str,
) -> None:
    monkeypatch.setattr(child, "STALL_SECONDS", 3.0 if "3 s" in said else 60.0)
    fetch(address, folder)
    publish(newer_bundle, behind)
    storage.faults["/bundle/manifest.json"] = fault
    with pytest.raises(BundleError, match=said):
        (ask if "3 s" in said else fetch)(address, folder)
    assert whole(folder) == whole(tiny_bundle)
    storage.faults.clear()
    assert fetch(address, folder).changed is True
    assert whole(folder) == whole(newer_bundle)


def test_another_format_version_is_refused_in_words(
    storage: Storage, address: Address, folder: Path, tmp_path: Path
) -> None:
    fetch(address, folder)
    before = whole(folder)
    edit_manifest(tmp_path / "storage" / "bundle", lambda manifest: manifest.update(version=99))
    with pytest.raises(BundleError, match=f"^{address}: bundle format 99, but this Matinee reads"):
        fetch(address, folder)
    assert whole(folder) == before


def test_a_redirect_is_followed(
    storage: Storage, address: Address, folder: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    with origin_server.storage_of(tmp_path / "storage") as other:
        storage.faults["*"] = origin_server.redirect(other.url)
        fetch(address, folder)
    assert whole(folder) == whole(tiny_bundle)


def test_a_server_that_is_away(address: Address, folder: Path) -> None:
    gone = Address("http://me:s3cret@127.0.0.1:9/bundle")
    with pytest.raises(
        BundleError, match=r"^http://…@127.0.0.1:9/bundle/manifest.json: "
    ) as caught:
        ask(gone, folder)
    assert "s3cret" not in str(caught.value)


def test_versions_that_change_between_two_files(
    storage: Storage,
    address: Address,
    behind: Address,
    folder: Path,
    tiny_bundle: Path,
    newer_bundle: Path,
) -> None:
    def publish_meanwhile(handler: Any, body: bytes) -> None:
        storage.faults.clear()
        publish(newer_bundle, behind)
        handler.send(body)

    storage.faults["*/movie_year.npy"] = publish_meanwhile
    fetch(address, folder)
    assert whole(folder) == whole(tiny_bundle)  # it lies there until the version after the next
    fetch(address, folder)
    assert whole(folder) == whole(newer_bundle)


def test_a_damaged_copy_is_mended(address: Address, folder: Path, tiny_bundle: Path) -> None:
    fetch(address, folder)
    (file,) = folder.rglob("movie_year.npy")
    file.write_bytes(bytes(file.stat().st_size))
    assert fetch(address, folder).changed is False  # its size says nothing
    found = fetch(address, folder, thoroughly=True)
    assert found.fetched == file.stat().st_size
    assert whole(folder) == whole(tiny_bundle)
    file.unlink()
    assert fetch(address, folder).fetched == file.stat().st_size


def test_a_version_that_is_used_stays_until_it_is_not(
    address: Address, behind: Address, folder: Path, tiny_bundle: Path, newer_bundle: Path
) -> None:
    fetch(address, folder)
    descriptor = hold_version(folder / version_of(tiny_bundle))
    assert descriptor is not None
    publish(newer_bundle, behind)
    fetch(address, folder)
    both = {version_of(tiny_bundle), version_of(newer_bundle)}
    assert {version.name for version in folder.glob("data-*")} == both
    os.close(descriptor)
    fetch(address, folder)
    assert [version.name for version in folder.glob("data-*")] == [version_of(newer_bundle)]


def test_the_index_of_search_by_meaning_comes_along(
    storage: Storage, address: Address, behind: Address, folder: Path, embedded_bundle: Path
) -> None:
    publish(embedded_bundle, behind)
    storage.faults["/bundle/semantic/data-*/ids.npy"] = origin_server.wrong_bytes
    found = fetch(address, folder)
    assert found.changed is True  # the bundle itself is served all the same
    assert "ids.npy: its checksum is not that of the manifest" in str(found.problem)
    assert not (folder / "semantic" / MANIFEST).exists()
    storage.faults.clear()
    assert fetch(address, folder).problem is None
    assert whole(folder / "semantic") == whole(embedded_bundle / "semantic")
    matinee = Recommender(Bundle.open(folder, fetch=lambda names: None))
    assert matinee.semantic.available


def test_shards_come_when_they_are_asked_for(
    storage: Storage, behind: Address, folder: Path, sharded_bundle: Path
) -> None:
    publish(sharded_bundle, behind)
    address = Address(f"{storage.url}/bundle")
    fetch(address, folder)
    version = version_of(sharded_bundle)
    names = ["history_movies-00002.npy", "history_ratings-00002.npy"]
    storage.asked.clear()
    child.run_task("fetch_shards", address, folder, version=version, names=names)
    assert storage.asked == [f"/bundle/{version}/{name}" for name in names]
    for name in names:
        original = (sharded_bundle / version / name).read_bytes()
        assert (folder / version / name).read_bytes() == original
    storage.asked.clear()
    child.run_task("fetch_shards", address, folder, version=version, names=names)
    assert storage.asked == []
    storage.faults["*"] = origin_server.wrong_bytes
    other = "history_movies-00003.npy"
    with pytest.raises(BundleError, match=f"{other}: its checksum is not that of the manifest"):
        child.run_task("fetch_shards", address, folder, version=version, names=[other])
    assert not (folder / version / other).exists()


def test_a_cache_that_cannot_be_written(address: Address, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(BundleError, match="cannot be written: Not a directory; mend that, or set"):
        fetch(address, tmp_path / "cache" / "copy")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with 12 MB; only root may have one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], capture_output=True
    )
    if done.returncode:
        pytest.skip("only root can mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_told_before_it_is_filled(address: Address, small_disk: Path) -> None:
    with pytest.raises(BundleError, match=r"are to be fetched and 12\.0 MB are free on the disk"):
        fetch(address, small_disk / "copy")
    assert not list(small_disk.rglob("*.npy"))


def test_two_processes_at_the_same_time(
    storage: Storage, address: Address, folder: Path, tiny_bundle: Path
) -> None:
    slow = threading.Event()

    def wait(handler: Any, body: bytes) -> None:
        slow.wait(5)
        handler.send(body)

    storage.faults["*/movie_year.npy"] = wait
    found: list[Fetched] = []
    threads = [
        threading.Thread(target=lambda: found.append(ask(address, folder))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    while not any("movie_year" in path for path in storage.asked):
        pass
    slow.set()
    for thread in threads:
        thread.join()
    assert sorted(one.changed for one in found) == [False, True]
    assert sum("movie_year" in path for path in storage.asked) == 1
    assert whole(folder) == whole(tiny_bundle)


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_other_storages(kind: str, folder: Path, tmp_path: Path, sharded_bundle: Path) -> None:
    address = Address(f"{kind}://{tmp_path}/other")
    publish(sharded_bundle, address)
    told: list[tuple[int, int]] = []
    found = fetch(address, folder, lambda done, of: told.append((done, of)))
    assert whole(folder) == whole(sharded_bundle)
    assert told[-1] == (found.fetched, found.fetched)
    version, name = version_of(sharded_bundle), "history_movies-00001.npy"
    fetch_shards(address, folder, version, [name])
    assert (folder / version / name).read_bytes() == (sharded_bundle / version / name).read_bytes()
    assert not fetch(address, folder).changed


def test_what_came_before_the_process_was_killed_is_kept(
    storage: Storage, address: Address, folder: Path, tiny_bundle: Path
) -> None:
    processes: list[subprocess.Popen[str]] = []

    def kill(handler: Any, body: bytes) -> None:
        processes[0].kill()
        handler.send(body)

    storage.faults["*/stars_movie_factors.npy"] = kill
    with pytest.raises(BundleError, match="what fetches it ended with status -9"):
        child.run_task("fetch", address, folder, started=processes.append, thoroughly=False)
    storage.faults.clear()
    before = set(storage.asked)
    storage.asked.clear()
    ask(address, folder)
    assert whole(folder) == whole(tiny_bundle)
    again = before & set(storage.asked)
    assert {Path(path).name for path in again} == {"manifest.json", "stars_movie_factors.npy"}


def test_the_child_ends_with_whoever_started_it(
    storage: Storage, address: Address, tmp_path: Path
) -> None:
    storage.faults["*"] = origin_server.silence
    started: list[subprocess.Popen[str]] = []

    def leave(process: subprocess.Popen[str]) -> None:
        started.append(process)
        threading.Thread(target=hang_up_on, args=(process,)).start()

    def hang_up_on(process: subprocess.Popen[str]) -> None:
        while not storage.asked:
            time.sleep(0.01)
        assert process.stdin is not None
        process.stdin.close()

    with pytest.raises(BundleError, match="what fetches it ended with status 1"):
        child.run_task("fetch", address, tmp_path / "copy", started=leave, thoroughly=False)
