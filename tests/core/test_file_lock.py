import os
import subprocess
import sys
from pathlib import Path

import pytest

from recommender.core.file_lock import try_lock

if sys.platform == "win32":
    pytest.skip("there are no such locks", allow_module_level=True)


def opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY)


def test_one_holds_it_or_several_share_it(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    try:
        assert try_lock(first)
        assert not try_lock(second)
        assert not try_lock(second, shared=True)
        assert try_lock(first, shared=True)
        assert try_lock(second, shared=True)
        assert not try_lock(second)
    finally:
        os.close(first)
        assert try_lock(second)
        os.close(second)


def test_a_process_that_is_killed_releases_it(tmp_path: Path) -> None:
    program = (
        "import os, sys; from recommender.core.file_lock import try_lock\n"
        "print(try_lock(os.open(sys.argv[1], os.O_RDONLY)), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, tmp_path]
    here = opened(tmp_path)
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert not try_lock(here)
        process.kill()
    assert try_lock(here)
    os.close(here)
