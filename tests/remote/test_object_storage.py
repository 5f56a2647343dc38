"""Bundles in buckets, by the packages and against servers that speak the storages' own words."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_toolkit.measure.sizes import MB
from recommender import BundleError, Settings
from recommender.bundle.manifest import MANIFEST
from recommender.core.address import Address
from recommender.remote import child
from recommender.remote.fetching import fetch, fetch_shards
from recommender.remote.opening import open_bundle
from recommender.remote.origin import Origin
from recommender.remote.publishing import publish
from tests.app.server.test_startup import wait_for, wait_for_line
from tests.browser.serving import serve
from tests.conftest import ROOT
from tests.remote.conftest import version_of
from tests.remote.object_storage import BUCKET, gcs_server, s3_server
from tests.remote.origin_server import Storage, silence, status
from tests.remote.test_fetching import whole
from tests.remote.test_publishing import renamed

OURS = ("AWS_", "FSSPEC_", "GOOGLE_", "STORAGE_EMULATOR_HOST")


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    with s3_server() as variables:
        yield variables


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of this machine's credentials, and nothing of the test before."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    if "s3fs" in sys.modules:  # it keeps who it is
        sys.modules["s3fs"].S3FileSystem.clear_instance_cache()


@pytest.fixture
def bucket(alone: None, s3: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A folder of a bucket that only this test uses."""
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.fixture(params=["s3", "gs"])
def anywhere(
    request: pytest.FixtureRequest, alone: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The same at each kind of storage."""
    if request.param == "s3":
        yield request.getfixturevalue("bucket")
        return
    with gcs_server() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield f"gs://{BUCKET}/bundle"


def test_versions_come_and_go(
    anywhere: str, sharded_bundle: Path, newer_bundle: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    address, folder = Address(anywhere), tmp_path / "copy"
    third = renamed(tiny_bundle, tmp_path / "third", "data-cc")
    removed = []
    for bundle in (sharded_bundle, newer_bundle, third):
        removed.append(publish(bundle, address).removed)
        assert fetch(address, folder).changed is True
        assert fetch(address, folder).changed is False
        assert whole(folder) == whole(bundle)
        version = version_of(bundle)
        shard = "history_movies-00000.npy"
        fetch_shards(address, folder, version, [shard])
        assert (folder / version / shard).read_bytes() == (bundle / version / shard).read_bytes()
    assert removed == [(), (), (version_of(sharded_bundle),)]
    there = Origin(address).sizes()
    assert set(there) == {MANIFEST, version_of(newer_bundle), "data-cc"}
    assert publish(third, address).written == 0


def test_a_broken_object_never_replaces_a_good_bundle(
    bucket: str, tiny_bundle: Path, newer_bundle: Path, tmp_path: Path
) -> None:
    address, folder = Address(bucket), tmp_path / "copy"
    publish(tiny_bundle, address)
    fetch(address, folder)
    publish(newer_bundle, address)
    name = f"{version_of(newer_bundle)}/movie_mean.npy"
    wrong = tmp_path / "wrong"
    wrong.write_bytes(bytes((newer_bundle / name).stat().st_size))
    Origin(address).write(name, wrong, lambda length: None)
    said = f"^{bucket}/{name}: its checksum is not that of the manifest$"
    with pytest.raises(BundleError, match=said):
        fetch(address, folder)
    assert whole(folder) == whole(tiny_bundle)
    Origin(address).write(name, newer_bundle / name, lambda length: None)
    assert fetch(address, folder).changed is True


def test_one_client_does_it_all(bucket: str, tiny_bundle: Path, tmp_path: Path) -> None:
    publish(tiny_bundle, Address(bucket))
    fetch(Address(bucket), tmp_path / "copy")
    assert len(sys.modules["s3fs"].S3FileSystem._cache) == 1  # each takes 16 MB


CHECK = "; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL$"


WRONG = {
    "no credentials": (
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        "Unable to locate credentials",
    ),
    "wrong secret": ({"AWS_SECRET_ACCESS_KEY": "s3cret"}, "Forbidden"),
    "wrong key": ({"AWS_ACCESS_KEY_ID": "s3cret"}, "Forbidden"),
    "no such profile": (
        {"AWS_PROFILE": "nobody"},
        "The config profile .nobody. could not be found",
    ),
    "nobody there": ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "Could not connect to .*"),
    "no endpoint": ({"AWS_ENDPOINT_URL": "127.0.0.1"}, "Invalid endpoint: 127.0.0.1"),
}


@pytest.mark.parametrize(("variables", "said"), WRONG.values(), ids=WRONG)
def test_who_cannot_come_in_is_told_where_to_look(
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    said: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BundleError, match=f"^{bucket}/manifest.json: {said}{CHECK}") as caught:
        fetch(Address(bucket), tmp_path / "copy")
    assert "\n" not in str(caught.value)
    for secret in ("s3cret", os.environ["AWS_SECRET_ACCESS_KEY"]):
        assert not secret or secret not in str(caught.value)


def test_a_bucket_that_is_not_there_is_not_made(
    bucket: str, tiny_bundle: Path, tmp_path: Path
) -> None:
    wrong = "s3://bukcet/movies"
    with pytest.raises(BundleError, match=f"^{wrong}: there is no bundle here; put one there with"):
        fetch(Address(wrong), tmp_path / "copy")
    with pytest.raises(BundleError, match=f"^{wrong}: there is no such bucket; make it, or mend"):
        publish(tiny_bundle, Address(wrong))


def test_a_publication_that_is_not_allowed_is_one_line(
    bucket: str,
    tiny_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(BundleError, match=f"^{bucket}/data-.* does not match .*{CHECK}"):
        publish(tiny_bundle, Address(bucket))
    assert capfd.readouterr().err == ""


def test_an_endpoint_in_trouble(
    bucket: str, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", storage.url)
    storage.faults["*"] = status(500)
    with pytest.raises(BundleError, match=r"/manifest\.json: Internal Server Error$"):
        fetch(Address(bucket), tmp_path / "copy")
    storage.faults["*"] = silence
    monkeypatch.setattr(child, "STALL_SECONDS", 3.0)
    with pytest.raises(BundleError, match=f"^{bucket}: nothing came for 3 s$"):
        child.run_task("fetch", Address(bucket), tmp_path / "copy", thoroughly=False)


PASS = """
import re, sys
from pathlib import Path
from recommender.core.address import Address
from recommender.remote.origin import Origin

def there_and_back(name):
    origin.write(name, Path(name), lambda length: None)
    assert sum(map(len, origin.chunks(name))) == Path(name).stat().st_size
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1])

origin = Origin(Address(sys.argv[1]))
before = there_and_back("small")
print(there_and_back("large") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_file(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"small")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(96 * MB)
    command = [sys.executable, "-P", "-c", PASS, bucket]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 48 * MB


@pytest.mark.slow
def test_the_app_serves_from_a_bucket(
    bucket: str,
    tiny_bundle: Path,
    newer_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = {"MATINEE_BUNDLE_CACHE": str(tmp_path / "cache"), "MATINEE_BUNDLE_SECONDS": "1"}
    with serve(bucket, tmp_path, **cache) as server:
        while "there is no bundle here" not in (wait_for(server, "unavailable") or ""):
            pass
        publish(tiny_bundle, Address(bucket))
        wait_for(server, "ready")
        publish(newer_bundle, Address(bucket))
        log = wait_for_line(server, "[after opening the new version]")
        imported = server.imported()
    assert not {"fsspec", "s3fs", "aiobotocore", "botocore", "aiohttp"} & imported
    assert "Traceback" not in log
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in log
    # What it fetched serves the next start, whoever may come in then.
    settings = Settings(bundle=Address(bucket), bundle_cache=tmp_path / "cache")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert open_bundle(Address(bucket), settings).path == settings.bundle_folder
