import json
import shutil
from pathlib import Path

import pytest

from recommender import BundleError, SettingsError
from recommender.bundle.bundle import Bundle
from recommender.bundle.manifest import MANIFEST
from recommender.core.address import Address
from recommender.remote.publishing import publish
from tests.app.conftest import edit_manifest
from tests.remote.conftest import version_of


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "there"


@pytest.fixture
def address(there: Path) -> Address:
    return Address(f"file://{there}")


def renamed(bundle: Path, to: Path, version: str) -> Path:
    """A copy of `bundle` as another version of it."""
    shutil.copytree(bundle, to)
    (to / version_of(to)).rename(to / version)
    edit_manifest(to, lambda manifest: manifest.update(data=version))
    return to


def test_what_is_published_is_the_same_bundle(
    embedded_bundle: Path, address: Address, there: Path
) -> None:
    told: list[float] = []
    done = publish(embedded_bundle, address, lambda stage, fraction: told.append(fraction))
    for part in (Path(), Path("semantic")):
        assert (there / part / MANIFEST).read_bytes() == (
            embedded_bundle / part / MANIFEST
        ).read_bytes()
    parts = Bundle.open(there), Bundle.open(there / "semantic")
    assert done.written == sum(part.size for part in parts)
    assert (done.kept, done.removed) == (0, ())
    assert told[-1] == 1
    # What `matinee embed` keeps for its next run is nobody else's business.
    assert (embedded_bundle / "semantic" / "semantic.sqlite").exists()
    assert not (there / "semantic" / "semantic.sqlite").exists()


def test_the_version_before_stays_and_older_ones_go(
    tiny_bundle: Path, address: Address, there: Path, tmp_path: Path
) -> None:
    removed = []
    for version in ("data-aa", "data-bb", "data-cc"):
        publish(renamed(tiny_bundle, tmp_path / version, version), address)
        removed.append(sorted(folder.name for folder in there.glob("data-*")))
    assert removed == [["data-aa"], ["data-aa", "data-bb"], ["data-bb", "data-cc"]]
    again = publish(tmp_path / "data-cc", address)
    assert (again.written, again.removed) == (0, ())
    assert sorted(folder.name for folder in there.glob("data-*")) == ["data-bb", "data-cc"]


def test_a_publication_that_was_interrupted_goes_on(
    tiny_bundle: Path, address: Address, there: Path
) -> None:
    publish(tiny_bundle, address)
    files = Bundle.open(tiny_bundle).files
    (there / MANIFEST).unlink()
    (cut,) = there.rglob("movie_year.npy")
    cut.write_bytes(b"half")
    done = publish(tiny_bundle, address)
    assert done.written == files["movie_year.npy"]
    assert done.kept == sum(files.values()) - done.written
    Bundle.open(there)


def test_the_manifest_is_the_last_to_change(
    tiny_bundle: Path, newer_bundle: Path, address: Address, there: Path
) -> None:
    publish(tiny_bundle, address)
    before = (there / MANIFEST).read_bytes()

    def stop(stage: str, fraction: float) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(newer_bundle, address, stop)
    assert (there / MANIFEST).read_bytes() == before
    Bundle.open(there)
    publish(newer_bundle, address)
    assert json.loads((there / MANIFEST).read_text("utf-8"))["data"] == version_of(newer_bundle)


def test_a_damaged_bundle_is_not_published(
    tiny_bundle: Path, address: Address, there: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    (file,) = bundle.rglob("movie_year.npy")
    file.write_bytes(bytes(file.stat().st_size))
    with pytest.raises(BundleError, match=r"movie_year\.npy: its checksum does not match"):
        publish(bundle, address)
    assert not there.exists()


@pytest.mark.parametrize(
    ("address", "error", "said"),
    [
        ("https://me:s3cret@example.org/b", SettingsError, "https://…@example.org/b: what is read"),
        ("nope://b/x", BundleError, "nope://b/x: Protocol not known: nope"),
        ("file:///proc/b", BundleError, "file:///proc/b/"),
    ],
)
def test_an_address_that_cannot_be_written(
    tiny_bundle: Path, address: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=f"^{said}") as caught:
        publish(tiny_bundle, Address(address))
    assert "s3cret" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
