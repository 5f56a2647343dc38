"""The model on disk: written atomically, checked when opened, memory-mapped, never pickled.

A bundle is a folder::

    bundle/
        manifest.json     what is in it: format version, settings, data, a checksum for each file
        data-3f9c…/       the files themselves: .npy arrays and one SQLite database; what grows
                          with the number of users lies there in shards (`bundle.shards`)
        work-07ad…/       during a training: what it has written so far

`manifest.json` names the data folder, and replacing that one file is the moment a new bundle takes
the old one's place (`docs/decisions.md` says why this and not renaming the whole folder). Until
then the old bundle serves; a process that has the old files mapped keeps them for as long as it
needs them, because removing a file does not take it from those who have it open.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from recommender.bundle.files import TRAIN_AGAIN, check_file, map_array, state
from recommender.bundle.shards import Fetch, Shards, advise_at_random, shard_number
from recommender.core.atomic_write import atomic_write, remove_temporaries, sync
from recommender.core.errors import BundleError, ClusterError
from recommender.core.file_hash import sha256
from recommender.core.file_lock import try_lock

FORMAT = "matinee-bundle"
VERSION = 3
MANIFEST = "manifest.json"
# What lies beside the data and outlasts it begins so, see `recommender.search.semantic.embed`.
SEMANTIC = "semantic"
_THREADS = 2
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Bundle:
    """An opened bundle. Its arrays are mapped read-only and cost no memory of their own.

    Attributes:
        path: the bundle's folder.
        info: what the training wrote about itself (settings, data, report), as in the manifest.
        created: when it was written, ISO 8601, UTC.
        stamp: identifies the manifest file, see `manifest_stamp`.
        shards: what grows with the number of users.
    """

    def __init__(
        self,
        path: Path,
        manifest: dict[str, Any],
        stamp: tuple[int, int],
        fetch: Fetch | None,
        sound: set[str],
    ) -> None:
        self.path = path
        self.info: dict[str, Any] = manifest["info"]
        self.created: str = manifest["created"]
        self.stamp = stamp
        self._folder = path / manifest["data"]
        self._files: dict[str, dict[str, Any]] = manifest["files"]
        whole = [self._folder / name for name in self._files if shard_number(name) is None]
        self._states = {file: state(file) for file in whole}
        # All are mapped at once: a later training removes the files, but not from under a mapping.
        self._arrays = {file.stem: map_array(file) for file in whole if file.suffix == ".npy"}
        self.shards = Shards(self._folder, self._files, fetch)
        self.shards.map_those_of(sound)

    @classmethod
    def open(cls, path: str | Path, fetch: Fetch | None = None) -> Bundle:
        """Open the bundle at `path` and check every file against its checksum.

        Args:
            fetch: with it, files of shards may be missing or damaged. Before such a shard is used
                for the first time, `fetch` is called with the names of these files and has to
                put them into the data folder, or to raise OSError or BundleError, which whoever
                needs the shard gets as a BundleError. The files are checked then. Several threads
                may call it at the same time, about different shards. It may remove the files of
                other shards to make room; these are fetched again when they are needed.

        Raises:
            BundleError: it is missing, of another format version, truncated or altered.
        """
        path = Path(path)
        stamp, manifest = read_manifest(path)
        try:
            return cls._checked(path, manifest, stamp, fetch)
        except BundleError:
            # A new bundle may have taken this one's place while its files were being read.
            again, manifest = read_manifest(path)
            if again == stamp:
                raise
            return cls._checked(path, manifest, again, fetch)

    @classmethod
    def _checked(
        cls, path: Path, manifest: dict[str, Any], stamp: tuple[int, int], fetch: Fetch | None
    ) -> Bundle:
        def check(name: str) -> bool:
            try:
                check_file(path / manifest["data"] / name, manifest["files"][name])
            except BundleError:
                if fetch is None or shard_number(name) is None:
                    raise
                return False
            return True

        # Hashing does not hold Python's lock; the largest come first, so that all threads end
        # at about the same time.
        names = sorted(manifest["files"], key=lambda n: -manifest["files"][n]["bytes"])
        with ThreadPoolExecutor(_THREADS) as pool:
            checked = zip(names, pool.map(check, names), strict=True)
            sound = {name for name, is_sound in checked if is_sound}
        return cls(path, manifest, stamp, fetch, sound)

    def file(self, name: str) -> Path:
        """The path of one of the bundle's files.

        Raises:
            BundleError: the manifest does not list it.
        """
        if name not in self._files:
            raise BundleError(f"{self.path}: this bundle has no {name}; {TRAIN_AGAIN}")
        return self._folder / name

    def array(self, name: str, *, at_random: bool = False) -> np.ndarray:
        """The array stored whole as ``<name>.npy``, memory-mapped and read-only.

        Args:
            at_random: see `shards.advise_at_random`.

        Raises:
            BundleError: the bundle has none of that name.
        """
        if name not in self._arrays:
            raise BundleError(f"{self.path}: this bundle has no {name}.npy; {TRAIN_AGAIN}")
        array = self._arrays[name]
        if at_random:
            advise_at_random(array)
        return array

    @property
    def untouched(self) -> bool:
        """Whether nobody has written into the files since they were opened; costs a `stat` a file.

        A file that is removed or replaced goes on in its mapping. One that is written into, which
        Matinee never does, would give wrong answers, and one that is cut off would end the process
        with SIGBUS (mmap(2)); nothing can be said of the moment after this was asked.
        """
        for file, before in (self._states | self.shards.states()).items():
            now = state(file)
            if now != before and now[:1] == before[:1]:
                return False
        return True

    @property
    def first_users(self) -> list[int]:
        """The first user of each shard."""
        return list(self.info["shards"])

    @property
    def size(self) -> int:
        """Bytes on disk of all files."""
        return sum(int(entry["bytes"]) for entry in self._files.values())

    @property
    def files(self) -> dict[str, int]:
        """Bytes on disk by file name."""
        return {name: int(entry["bytes"]) for name, entry in self._files.items()}


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

    def save_array(self, name: str, array: np.ndarray) -> None:
        """Write `array` as ``<name>.npy``."""
        np.save(self.folder / f"{name}.npy", array, allow_pickle=False)

    def array(self, name: str) -> np.ndarray:
        """An array that was written before, memory-mapped and read-only."""
        path = self.folder / f"{name}.npy"
        return np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)

    def commit(self, info: dict[str, Any]) -> None:
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
            "info": info,
        }
        manifest["checksum"] = _manifest_checksum(manifest)
        sync(self.folder)
        with atomic_write(self.path / MANIFEST) as temporary:
            text = json.dumps(manifest, indent=1, ensure_ascii=False)
            temporary.write_text(text, encoding="utf-8")

    def _remove_leftovers(self, keep: str | None = None) -> None:
        """Remove every folder but `keep` that the manifest does not name (an old or broken one)."""
        remove_temporaries(self.path / MANIFEST)
        current = None
        with contextlib.suppress(BundleError):
            current = read_manifest(self.path)[1]["data"]
        for folder in [*self.path.glob("data-*"), *self.path.glob("work-*")]:
            if folder.name not in (current, keep):
                shutil.rmtree(folder, ignore_errors=True)


def manifest_stamp(path: str | Path) -> tuple[int, int] | None:
    """Identifies the manifest now at `path` (inode, modification time); None where there is none.

    It changes when a new bundle takes the old one's place, and costs one `stat`.
    """
    try:
        status = (Path(path) / MANIFEST).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


_LONGEST_MANIFEST = 1 << 24


def read_manifest(path: Path) -> tuple[tuple[int, int], dict[str, Any]]:
    """The stamp (see `manifest_stamp`) and the content of the manifest at `path`, checked.

    Raises:
        BundleError: there is none, or it is of another format version, truncated or altered.
    """
    file = path / MANIFEST
    stamp = manifest_stamp(path)
    try:
        mode, length = (status := file.stat()).st_mode, status.st_size
        if not stat.S_ISREG(mode) or length > _LONGEST_MANIFEST:  # a pipe would be waited for
            raise BundleError(f"{file}: not a manifest; {TRAIN_AGAIN}")
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BundleError(
            f"{path}: there is no bundle here; make one with `matinee train --out {path}`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{file}: cannot be read ({error}); {TRAIN_AGAIN}") from error
    try:
        manifest = json.loads(text)
        is_bundle = manifest["format"] == FORMAT
        version = manifest["version"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BundleError(f"{file}: damaged; {TRAIN_AGAIN}") from None
    if not is_bundle:
        raise BundleError(f"{file}: not a Matinee bundle")
    if version != VERSION:
        raise BundleError(
            f"{path}: bundle format {version}, but this Matinee reads format {VERSION}; "
            f"{TRAIN_AGAIN}"
        )
    checksum = manifest.pop("checksum", None)
    if checksum != _manifest_checksum(manifest):
        raise BundleError(f"{file}: altered or damaged; {TRAIN_AGAIN}")
    if stamp is None or not all(map(_SAFE_NAME.fullmatch, [manifest["data"], *manifest["files"]])):
        raise BundleError(f"{file}: altered or damaged; {TRAIN_AGAIN}")
    return stamp, manifest


def _manifest_checksum(manifest: dict[str, Any]) -> str:
    canonical = json.dumps(manifest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _lock(file: Any, path: Path) -> None:
    # Not one whose holder removed it at this very moment.
    if not (try_lock(file.fileno()) and os.fstat(file.fileno()).st_nlink):
        file.close()
        raise BundleError(
            f"{path}: another training is writing this bundle; wait for it, or choose another --out"
        )
