"""The cached copy of a bundle on this machine: locks, versions in use, and cache eviction.

    cache/0f3a…/              one folder for each address
        manifest.json         of the version that is served; replacing it is the moment of a swap
        data-3f9c…/           that version's files, with a copy of its manifest
        data-07ad…/           another one: still used by somebody, or on its way
        semantic/             the same again, where the bundle has it

A process that uses a version holds a shared lock on its folder, which the system takes back when
the process ends, however it ends (flock(2)); only what nobody holds is removed. Where there is no
flock, as on Windows, one process is to use a cache.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from recommender.bundle.shards import shard_number
from recommender.core.file_lock import try_lock

_JUST_USED_SECONDS = 60.0
_RETRY_SECONDS = 0.2


@contextlib.contextmanager
def wait_for_lock(folder: Path, name: str, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock on ``folder/name``; `waiting` is called every 0.2 s until it is free."""
    descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not try_lock(descriptor):
            waiting()
            time.sleep(_RETRY_SECONDS)
        yield
    finally:
        os.close(descriptor)  # the lock goes with it


def hold_version(version: Path) -> int | None:
    """Mark a version's folder as used until the descriptor is closed; None if it was removed."""
    try:
        descriptor = os.open(version, os.O_RDONLY)
    except OSError:
        return None
    if try_lock(descriptor, shared=True) and version.exists():
        return descriptor
    os.close(descriptor)
    return None


def evict_unused(folder: Path, current: str) -> None:
    """Evict each version in `folder` but `current` that no process holds."""
    for version in folder.glob("data-*"):
        if version.name != current:
            with contextlib.suppress(OSError):
                _evict_if_free(version)


def _evict_if_free(version: Path) -> None:
    descriptor = os.open(version, os.O_RDONLY)
    try:
        if try_lock(descriptor):
            shutil.rmtree(version)
    finally:
        os.close(descriptor)


def mark_used(file: Path) -> None:
    """Set the access time of `file` to now; its time of change identifies it and stays."""
    with contextlib.suppress(OSError):
        os.utime(file, ns=(time.time_ns(), file.stat().st_mtime_ns))


def just_used(file: Path) -> bool:
    """Return whether any process used `file` in the last minute, and may be about to map it."""
    try:
        # A time to come is that of a clock that was wrong.
        return abs(time.time() - file.stat().st_atime) < _JUST_USED_SECONDS
    except OSError:
        return False


def shard_bytes(folder: Path) -> int:
    """Return the bytes of all versions' shards in `folder`; a file that they share counts once."""
    found = {}
    for file in folder.glob("data-*/*.npy"):
        if shard_number(file.name) is not None:
            with contextlib.suppress(OSError):  # another process was faster
                status = file.stat()
                found[status.st_ino] = status.st_size
    return sum(found.values())
