"""Atomic writes: a reader finds the old file or the whole new one, also after a crash."""

from __future__ import annotations

import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SUFFIX = ".part"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield the name of a temporary file beside `path`, which replaces `path` after the block.

    The block makes the file, or a folder if `path` is a new one. The temporary file is flushed to
    the disk before it gets its name; if the block raises, it is removed and `path` stays as it was.
    Several processes may write the same `path`: the last one wins.

    Raises:
        OSError: the block, or the file system.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{_SUFFIX}")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        _remove(temporary)


def remove_temporaries(path: Path) -> None:
    """Remove what processes that were killed left behind of writing `path`.

    Call it where no other process can be writing `path`, as under a lock.
    """
    for temporary in path.parent.glob(f"{glob.escape(path.name)}.????????{_SUFFIX}"):
        _remove(temporary)


def sync(path: Path) -> None:
    """Flush a file, or a folder's list of names, to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
