import tempfile
from pathlib import Path

import pytest

from recommender.core.errors import DataError
from recommender.evaluation.scratch import scratch_folder


def test_the_folder_goes_with_the_block() -> None:
    with scratch_folder() as folder:
        (folder / "file").write_text("text")
    assert not folder.exists()


def test_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    none = pytest.raises(DataError, match=r"cannot be written .*missing.*; set TMPDIR to a folder")
    with none, scratch_folder():
        pass


def test_it_is_full() -> None:
    full = pytest.raises(DataError, match=r"cannot be written \(No space left on device: ")
    with full, scratch_folder():
        Path("/dev/full").write_text("text")


def test_a_reader_that_has_gone_is_another_thing() -> None:
    with pytest.raises(BrokenPipeError), scratch_folder():
        raise BrokenPipeError
