"""One file of a bundle: what it must be, mapped into memory, and put on the disk itself."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from recommender.core.errors import BundleError

TRAIN_AGAIN = "train it again with `matinee train`"


def check_file(path: Path, expected: dict[str, Any]) -> None:
    """Compare a file with what the manifest says of it: "bytes" and "sha256".

    Raises:
        BundleError: it is missing, truncated or altered.
    """
    try:
        size = path.stat().st_size
        if size != expected["bytes"]:
            raise BundleError(
                f"{path}: {size} bytes where the manifest says {expected['bytes']}; {TRAIN_AGAIN}"
            )
        if sha256(path) != expected["sha256"]:
            raise BundleError(f"{path}: its checksum does not match, it was altered; {TRAIN_AGAIN}")
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {TRAIN_AGAIN}") from error


def map_array(path: Path) -> np.ndarray:
    """The array in a ``.npy`` file, memory-mapped and read-only.

    Raises:
        BundleError: it cannot be read, or holds objects.
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: cannot be read ({error}); {TRAIN_AGAIN}") from error


def state(path: Path) -> tuple[int, ...]:
    """Inode, bytes and time of the last change; nothing of a file that is not there."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as in `sha256sum`."""
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Have the operating system put `path`, a file or folder, on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
