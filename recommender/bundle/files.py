"""One file of a bundle: checked against the manifest, mapped into memory, known by its state."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recommender.core.errors import BundleError
from recommender.core.file_hash import sha256

TRAIN_AGAIN = "train it again with `matinee train`"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """Entry of a manifest for one file: its length in bytes and its SHA-256."""

    bytes: int
    sha256: str


def check_file(path: Path, expected: FileEntry) -> None:
    """Compare a file with what the manifest says of it.

    Raises:
        BundleError: it is missing, truncated or altered.
    """
    try:
        # A link would lead out of the bundle, and a pipe would be waited for.
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(f"{path}: not a file; {TRAIN_AGAIN}")
        size = status.st_size
        if size != expected.bytes:
            raise BundleError(
                f"{path}: {size} bytes where the manifest says {expected.bytes}; {TRAIN_AGAIN}"
            )
        if sha256(path) != expected.sha256:
            raise BundleError(f"{path}: its checksum does not match, it was altered; {TRAIN_AGAIN}")
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {TRAIN_AGAIN}") from error


def map_array(path: Path) -> np.ndarray:
    """Return the array in a ``.npy`` file, memory-mapped and read-only.

    Raises:
        BundleError: it cannot be read, or holds objects.
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: cannot be read ({error}); {TRAIN_AGAIN}") from error


def state(path: Path) -> tuple[int, ...]:
    """Return inode, bytes and time of the last change; nothing of a file that is not there."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns
