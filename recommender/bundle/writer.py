"""Writing a bundle: files into a folder of its own, then one atomic step."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from recommender.bundle.manifest import (
    FORMAT,
    MANIFEST,
    SEMANTIC,
    VERSION,
    manifest_checksum,
    read_manifest,
)
from recommender.core.atomic_write import atomic_write, remove_temporaries, sync
from recommender.core.errors import BundleError, ClusterError
from recommender.core.file_hash import sha256
from recommender.core.file_lock import try_lock
from recommender.core.rows import Rows


class BundleWriter:
    """Writes a bundle: files into `folder`, then `commit`. Use it as a context manager.

    Leaving without `commit`, by an error or on purpose, removes what was written and leaves the
    bundle that stood there as it was. A process that is killed or interrupted, or whose cluster
    fails, leaves `folder` behind: the next writer of the same `key` finds it as it is, any other
    removes it.

    Args:
        path: the bundle.
        key: names what is to be written, so that it can be gone on with; None: it cannot.

    Raises:
        BundleError: `path` cannot be written, holds something that is not a bundle, or another
            training is writing it.
    """

    def __init__(self, path: str | Path, key: str | None = None) -> None:
        self.path = Path(path)
        self.folder = self.path / f"work-{key or secrets.token_hex(6)}"
        self._numbers: dict[str, Mapping[str, float]] = {}

    def __enter__(self) -> BundleWriter:
        if self.path.exists() and not self.path.is_dir():
            raise BundleError(f"{self.path} is a file; --out takes a folder")
        known = {MANIFEST, ".lock"}
        if self.path.is_dir():
            others = [p.name for p in self.path.iterdir() if p.name not in known]
            ours = ("data-", "work-", f"{MANIFEST}.", SEMANTIC)
            strangers = [n for n in others if not n.startswith(ours)]
            if strangers:
                raise BundleError(
                    f"{self.path} holds other files ({strangers[0]}); "
                    "--out takes an empty folder, a new one, or an earlier bundle"
                )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.path / ".lock", "w")
            _lock(self._lock, self.path)
            self._remove_leftovers(self.folder.name)
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise BundleError(
                f"{self.path} cannot be written: {error.strerror}; choose another --out"
            ) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        # Not when it was interrupted, and a cluster may be well again.
        if kind is None or (issubclass(kind, Exception) and not issubclass(kind, ClusterError)):
            self._remove_leftovers()
        with contextlib.suppress(OSError):
            if not (self.path / MANIFEST).exists():
                (self.path / ".lock").unlink()
                self.path.rmdir()
        self._lock.close()

    def save_array(self, name: str, array: np.ndarray | Rows) -> None:
        """Write `array` as ``<name>.npy``."""
        np.save(self.folder / f"{name}.npy", array[:], allow_pickle=False)

    def array(self, name: str) -> np.ndarray:
        """Return an array that was written before, memory-mapped and read-only."""
        path = self.folder / f"{name}.npy"
        return np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)

    def user_rows(self, name: str) -> Rows:
        """Return an array with a row for each user that was written before; here it is whole."""
        return self.array(name)

    def save_numbers(self, model: str, numbers: Mapping[str, float]) -> None:
        """Keep the numbers that a model has beside its arrays, for `numbers` and the manifest."""
        self._numbers[model] = dict(numbers)

    def numbers(self, model: str) -> Mapping[str, float]:
        """Return what `save_numbers` was given for the model of this name; nothing by default."""
        return self._numbers.get(model, {})

    def commit(self, info: Mapping[str, Any]) -> None:
        """Make what is in `folder` the bundle, in one atomic step.

        `info` is stored in the manifest and must be JSON.
        """
        files = {}
        for file in sorted(self.folder.iterdir()):
            files[file.name] = {"bytes": file.stat().st_size, "sha256": sha256(file)}
            sync(file)
        data = self.path / f"data-{secrets.token_hex(6)}"
        self.folder = self.folder.rename(data)
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "data": self.folder.name,
            "files": files,
            "info": dict(info),
        }
        manifest["checksum"] = manifest_checksum(manifest)
        sync(self.folder)
        with atomic_write(self.path / MANIFEST) as temporary:
            text = json.dumps(manifest, indent=1, ensure_ascii=False)
            temporary.write_text(text, encoding="utf-8")

    def _remove_leftovers(self, keep: str | None = None) -> None:
        """Remove every folder but `keep` that the manifest does not name (an old or broken one)."""
        remove_temporaries(self.path / MANIFEST)
        current = None
        with contextlib.suppress(BundleError):
            current = read_manifest(self.path)[1].data
        for folder in [*self.path.glob("data-*"), *self.path.glob("work-*")]:
            if folder.name not in (current, keep):
                shutil.rmtree(folder, ignore_errors=True)


def _lock(file: Any, path: Path) -> None:
    # Not one whose holder removed it at this very moment.
    if not (try_lock(file.fileno()) and os.fstat(file.fileno()).st_nlink):
        file.close()
        raise BundleError(
            f"{path}: another training is writing this bundle; wait for it, or choose another --out"
        )
