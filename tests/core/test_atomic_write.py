import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recommender.core.atomic_write import atomic_write, remove_temporaries


def test_the_new_file_takes_the_place_of_the_old_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with atomic_write(file) as temporary:
        temporary.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def broken_write(path: Path, folder: bool) -> None:
    with atomic_write(path) as temporary:
        if folder:
            temporary.mkdir()
        (temporary / "half" if folder else temporary).write_text("half")
        raise ZeroDivisionError


def test_a_failed_block_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError):
        broken_write(file, folder=False)
    with pytest.raises(ZeroDivisionError):
        broken_write(tmp_path / "parts", folder=True)
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_text() == "old"


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "parts") as temporary:
        temporary.mkdir()
        (temporary / "part-0").write_text("0")
        assert not (tmp_path / "parts").exists()
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["part-0"]


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    file = tmp_path / "a"
    with atomic_write(file) as first, atomic_write(file) as second:
        first.write_text("first")
        second.write_text("second")
    assert file.read_text() == "first"  # which ended last


def test_what_a_killed_process_leaves_can_be_removed(tmp_path: Path) -> None:
    file = tmp_path / "a[1].txt"
    file.write_text("old")
    program = (
        "import os, sys; from pathlib import Path\n"
        "from recommender.core.atomic_write import atomic_write\n"
        "with atomic_write(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half'); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", program, file], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert file.read_text() == "old"
    assert len(os.listdir(tmp_path)) == 2
    remove_temporaries(file)
    assert os.listdir(tmp_path) == [file.name]
