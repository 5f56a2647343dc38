import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest

from recommender.bundle.files import FileEntry, check_file, map_array, state
from recommender.core.errors import BundleError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "numbers.npy"
    np.save(path, np.arange(500_000))  # more than is hashed at once
    return path


def test_a_file_is_what_the_manifest_says(file: Path) -> None:
    content = file.read_bytes()
    expected = FileEntry(len(content), hashlib.sha256(content).hexdigest())
    check_file(file, expected)
    with pytest.raises(BundleError, match=rf"{len(content)} bytes where the manifest says 7"):
        check_file(file, dataclasses.replace(expected, bytes=7))
    with pytest.raises(BundleError, match="its checksum does not match"):
        check_file(file, dataclasses.replace(expected, sha256="0" * 64))
    file.unlink()
    with pytest.raises(BundleError, match=r"cannot be read \(No such file"):
        check_file(file, expected)


def test_arrays_are_mapped_read_only(file: Path) -> None:
    array = map_array(file)
    assert array.sum() == 500_000 * 499_999 // 2
    assert not array.flags.writeable
    assert "_mmap" in dir(array.base)
    file.write_bytes(b"no array")
    with pytest.raises(BundleError, match=r"numbers\.npy: cannot be read"):
        map_array(file)


def test_the_state_changes_with_the_file(file: Path) -> None:
    before = state(file)
    assert state(file) == before
    file.write_bytes(b"other")
    assert state(file)[0] == before[0]
    assert state(file) != before
    file.unlink()
    assert state(file) == ()
