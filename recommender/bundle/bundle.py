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

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np

from recommender.bundle.files import TRAIN_AGAIN, check_file, map_array, state
from recommender.bundle.manifest import Manifest, TrainingRecord, read_manifest
from recommender.bundle.shards import Fetch, Shards, advise_at_random, shard_number
from recommender.core.errors import BundleError
from recommender.core.rows import Rows

_THREADS = 2


class _Numbers(dict[str, float]):
    """The numbers of a model, by name; one that is missing is a BundleError."""

    def __init__(self, path: Path, model: str, numbers: Mapping[str, float]) -> None:
        super().__init__(numbers)
        self._where = path, model

    def __missing__(self, name: str) -> float:
        path, model = self._where
        raise BundleError(f"{path}: this bundle's model {model!r} has no {name}; {TRAIN_AGAIN}")


class Bundle:
    """An opened bundle. Its arrays are mapped read-only and cost no memory of their own.

    Attributes:
        path: the bundle's folder.
        manifest: what is in it; `training` has what the training says of itself.
        stamp: identifies the manifest file, see `manifest_stamp`.
        shards: what grows with the number of users.
    """

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        stamp: tuple[int, int],
        fetch: Fetch | None,
        sound: set[str],
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.stamp = stamp
        self._folder = path / manifest.data
        self._files = manifest.files
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
        cls, path: Path, manifest: Manifest, stamp: tuple[int, int], fetch: Fetch | None
    ) -> Bundle:
        def check(name: str) -> bool:
            try:
                check_file(path / manifest.data / name, manifest.files[name])
            except BundleError:
                if fetch is None or shard_number(name) is None:
                    raise
                return False
            return True

        # Hashing does not hold Python's lock; the largest come first, so that all threads end
        # at about the same time.
        names = sorted(manifest.files, key=lambda name: -manifest.files[name].bytes)
        with ThreadPoolExecutor(_THREADS) as pool:
            checked = zip(names, pool.map(check, names), strict=True)
            sound = {name for name, is_sound in checked if is_sound}
        return cls(path, manifest, stamp, fetch, sound)

    def file(self, name: str) -> Path:
        """Return the path of one of the bundle's files.

        Raises:
            BundleError: the manifest does not list it.
        """
        if name not in self._files:
            raise BundleError(f"{self.path}: this bundle has no {name}; {TRAIN_AGAIN}")
        return self._folder / name

    def array(self, name: str, *, at_random: bool = False) -> np.ndarray:
        """Return the array stored whole as ``<name>.npy``, memory-mapped and read-only.

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

    def user_rows(self, name: str) -> Rows:
        """Return an array that has a row for each user, from the shards if it lies there.

        Raises:
            BundleError: the bundle has none of that name.
        """
        if name in self._arrays:
            return self._arrays[name]
        return self.shards.rows(name, [*self.first_users, self.training.data.users])

    def numbers(self, model: str) -> Mapping[str, float]:
        """Return the numbers that the model of this name has beside its arrays.

        Raises:
            BundleError: the bundle has no such model.
        """
        try:
            return _Numbers(self.path, model, self.training.models[model])
        except KeyError:
            raise BundleError(
                f"{self.path}: this bundle has no model {model!r}; {TRAIN_AGAIN}"
            ) from None

    @cached_property
    def training(self) -> TrainingRecord:
        """Record of the training that wrote the bundle.

        Raises:
            BundleError: the manifest lacks some of it, or has something of the wrong kind.
        """
        return TrainingRecord.read(self.manifest.info, self.path)

    @property
    def created(self) -> str:
        """Time at which the bundle was written, ISO 8601, UTC."""
        return self.manifest.created

    @property
    def untouched(self) -> bool:
        """Says that nobody has written into the files since they were opened (a `stat` a file).

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
        return list(self.training.shards)

    @property
    def size(self) -> int:
        """Bytes on disk of all files."""
        return sum(entry.bytes for entry in self._files.values())

    @property
    def files(self) -> dict[str, int]:
        """Bytes on disk by file name."""
        return {name: entry.bytes for name, entry in self._files.items()}
