"""Two versions of a bundle, and a server for them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from recommender.core.address import Address
from recommender.remote.publishing import publish
from tests.conftest import train_tiny
from tests.remote.origin_server import Storage, storage_of
from tests.support.once import made_once


@pytest.fixture(scope="session")
def newer_bundle(tiny_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tiny_bundle` trained anew after user 1 had changed a mind; do not change its files."""
    folder = tmp_path_factory.mktemp("newer")
    ratings = shutil.copy(tiny_files[0], folder / "ratings.csv")
    lines = ratings.read_text("utf-8").splitlines()
    user, movie, stars = lines[1].split(",")
    lines[1] = f"{user},{movie},{'1.0' if float(stars) > 2 else '5.0'}"
    ratings.write_text("\n".join(lines) + "\n", "utf-8")
    files = (ratings, tiny_files[1])
    return made_once(tmp_path_factory, "newer-bundle", partial(train_tiny, files))


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """An empty storage, served by HTTP."""
    (tmp_path / "storage").mkdir()
    with storage_of(tmp_path / "storage") as server:
        yield server


@pytest.fixture
def behind(tmp_path: Path) -> Address:
    """Return where to publish what `address` serves."""
    return Address(f"file://{tmp_path}/storage/bundle")


@pytest.fixture
def address(storage: Storage, behind: Address, tiny_bundle: Path) -> Address:
    """A bundle on the web: `tiny_bundle`, until something else is published `behind` it."""
    publish(tiny_bundle, behind)
    return Address(f"{storage.url}/bundle")


def version_of(bundle: Path) -> str:
    """The name of the data folder of a bundle."""
    (version,) = bundle.glob("data-*")
    return version.name
