"""Shards: the data that grow with the number of users, in files of consecutive users.

``history_movies-00000.npy`` holds what the first users rated, ``history_movies-00001.npy`` what the
next did, and so on: the files of one number are a shard. A process that has the whole bundle on its
disk maps all of them; one that got the bundle from elsewhere fetches a shard when somebody asks
about one of its users.

A shard has at most 2^21 ratings (unless one user alone has more) and at most 2^17 users: some 19
MB, at MovieLens's 160 ratings a user. Smaller ones come sooner, but every mapped file holds a
descriptor, of which a process commonly has 1,024: with four files a shard these are enough for half
a billion ratings on one disk.
"""

from __future__ import annotations

import itertools
import mmap
import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recommender.bundle.files import TRAIN_AGAIN, FileEntry, check_file, map_array, state
from recommender.core.errors import BundleError
from recommender.core.rows import Rows

MAX_RATINGS = 1 << 21
MAX_USERS = 1 << 17
_BY_RATING = ("history_movies", "history_ratings")
_BY_USER = ("stars_user_bias", "stars_user_factors")
_NAME = re.compile(r"(.+)-(\d{5,})\.npy")
_TRIES = 3

# Brings the files of these names into the bundle's data folder, in the place of what is there.
Fetch = Callable[[Sequence[str]], None]
# Raises a BundleError if the arrays of the shard with this number do not fit the others.
Check = Callable[[int, Mapping[str, np.ndarray]], None]
# What the manifest says of each file, by name.
Entries = Mapping[str, FileEntry]


def shard_number(name: str) -> int | None:
    """Return the number of the shard that a file of this name belongs to; None: of no shard."""
    found = _NAME.fullmatch(name)
    return int(found[2]) if found else None


def split(folder: Path) -> list[int]:
    """Turn the whole arrays in `folder` into shards; returns the first user of each.

    Memory: none of its own, the arrays are mapped. Disk: while an array is split, that array more.
    """
    for file in folder.iterdir():
        if shard_number(file.name) is not None:  # of a training that was killed
            file.unlink()
    offsets = np.load(folder / "history_offsets.npy", mmap_mode="r")
    firsts = first_users(offsets)
    bounds = [*firsts, len(offsets) - 1]
    for names, starts in ((_BY_RATING, offsets[bounds].tolist()), (_BY_USER, bounds)):
        for name in names:
            whole = folder / f"{name}.npy"
            array = np.load(whole, mmap_mode="r")
            for number, (start, stop) in enumerate(itertools.pairwise(starts)):
                np.save(folder / f"{name}-{number:05d}.npy", array[start:stop])
            whole.unlink()
    return firsts


def first_users(offsets: np.ndarray) -> list[int]:
    """The first user of each shard, of users whose ratings begin at `offsets` (see `History`)."""
    firsts, first, n_users = [], 0, len(offsets) - 1
    while first < n_users:
        firsts.append(first)
        full = int(np.searchsorted(offsets, offsets[first] + MAX_RATINGS, side="right")) - 1
        first = max(first + 1, min(full, first + MAX_USERS))
    return firsts


class Shards:
    """The shards of an opened bundle. Safe to share between threads.

    Args:
        folder: where the files are, or will be.
        entries: the manifest's entries of all files.
        fetch: brings files that are not there; without it all must be.

    Attributes:
        files: for each shard the names of its files, by the name of the array.
    """

    def __init__(self, folder: Path, entries: Entries, fetch: Fetch | None) -> None:
        self._folder = folder
        self._entries = entries
        self._fetch = fetch
        found: dict[int, dict[str, str]] = {}
        for name in entries:
            if part := _NAME.fullmatch(name):
                found.setdefault(int(part[2]), {})[part[1]] = name
        self.files = [found[number] for number in sorted(found)]
        self._loading = [threading.Lock() for _ in self.files]
        self._changing = threading.Lock()
        self._mapped: OrderedDict[int, dict[str, np.ndarray]] = OrderedDict()
        self._states: dict[int, dict[Path, tuple[int, ...]]] = {}
        self._check: Check | None = None

    def map_those_of(self, sound: Collection[str]) -> None:
        """Map at once the shards all of whose files are in `sound`, which were checked."""
        for number, files in enumerate(self.files):
            if all(name in sound for name in files.values()):
                self._map(number)

    def check_with(self, check: Check) -> None:
        """Check every shard that is mapped, and each one that is from now on before it is used.

        Raises:
            BundleError: one does not fit, says `check`.
        """
        self._check = check
        for number in self.mapped:
            names = self.files[number]
            # Mapped anew, since this reads from beginning to end.
            check(number, {array: map_array(self._folder / names[array]) for array in names})

    def rows(self, name: str, starts: Sequence[int]) -> Rows:
        """Return the array `name` of all shards as one.

        Args:
            starts: the first row of each shard, and the number of rows.

        Raises:
            BundleError: the shards have no such array.
        """
        if not self.files or any(name not in files for files in self.files):
            raise BundleError(f"{self._folder}: there are no shards of {name}; {TRAIN_AGAIN}")
        return ShardedRows(starts, lambda number: self.arrays(number)[name])

    def arrays(self, number: int) -> Mapping[str, np.ndarray]:
        """The arrays of one shard by name, mapped and read-only; fetched if they are not there.

        Raises:
            BundleError: they cannot be fetched, or what came is not what the manifest says.
        """
        found = self._used(number)
        if found is None:
            with self._loading[number]:  # whoever else asks for it waits
                found = self._used(number) or self._load(number)
        return found

    @property
    def mapped(self) -> list[int]:
        """Numbers of the shards that are mapped, those that were used least recently first."""
        with self._changing:
            return list(self._mapped)

    def states(self) -> dict[Path, tuple[int, ...]]:
        """States of the mapped files, as `bundle_files.state` gave them when they were mapped."""
        with self._changing:
            return {path: was for states in self._states.values() for path, was in states.items()}

    def _used(self, number: int) -> dict[str, np.ndarray] | None:
        with self._changing:
            found = self._mapped.get(number)
            if found is not None:
                self._mapped.move_to_end(number)
            return found

    def _load(self, number: int, tries: int = _TRIES) -> dict[str, np.ndarray]:
        missing = [name for name in self.files[number].values() if not self._is_sound(name)]
        if missing and self._fetch is not None:
            try:
                self._fetch(missing)
            except OSError as error:
                raise BundleError(
                    f"{self._folder}: shard {number} could not be fetched ({error}); try again"
                ) from error
            self._let_go_of_removed()
        try:
            for name in missing:
                check_file(self._folder / name, self._entries[name])
            return self._map(number)
        except BundleError:
            # Another process may have removed it, to make room, before it was mapped here.
            if self._fetch is None or tries == 1:
                raise
        return self._load(number, tries - 1)

    def _let_go_of_removed(self) -> None:
        """Unmap shards whose files were removed to make room: mapped, they still take the space.
        Whoever is reading one keeps it until they are done."""
        with self._changing:
            for number, names in enumerate(self.files):
                if not all((self._folder / name).exists() for name in names.values()):
                    self._mapped.pop(number, None)
                    self._states.pop(number, None)

    def _is_sound(self, name: str) -> bool:
        try:
            check_file(self._folder / name, self._entries[name])
        except BundleError:
            return False
        return True

    def _map(self, number: int) -> dict[str, np.ndarray]:
        files = {array: self._folder / name for array, name in self.files[number].items()}
        states = {path: state(path) for path in files.values()}
        arrays = {array: map_array(path) for array, path in files.items()}
        if self._check is not None:
            self._check(number, arrays)
        for array in arrays.values():
            advise_at_random(array)
        with self._changing:
            self._states[number] = states
            self._mapped[number] = arrays
        return arrays


class ShardedRows:
    """Rows that lie in shards, read like those of one numpy array: by a number, a slice of
    consecutive rows, or an array of numbers. What is not asked for is not touched.

    Args:
        starts: the first row of each shard, and the number of rows.
        read: the rows of one shard.
    """

    def __init__(self, starts: Sequence[int], read: Callable[[int], np.ndarray]) -> None:
        self._starts = list(starts)
        self._read = read

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, wanted: int | slice | np.ndarray) -> Any:
        if isinstance(wanted, slice):
            start, stop, _ = wanted.indices(len(self))
            return self._stretch(start, stop)
        if isinstance(wanted, np.ndarray):
            return self._gathered(wanted)
        if not 0 <= wanted < len(self):
            raise IndexError(f"row {wanted} of {len(self)}")
        number = self._shard_of(wanted)
        return self._read(number)[wanted - self._starts[number]]

    def _stretch(self, start: int, stop: int) -> np.ndarray:
        first, last = self._shard_of(start), self._shard_of(max(start, stop - 1))
        parts = [
            self._read(number)[max(0, start - self._starts[number]) : stop - self._starts[number]]
            for number in range(first, last + 1)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _gathered(self, rows: np.ndarray) -> np.ndarray:
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise IndexError(f"rows {rows.min()} to {rows.max()} of {len(self)}")
        numbers = np.searchsorted(self._starts[1:-1], rows, side="right")
        found: np.ndarray | None = None
        for number in np.unique(numbers).tolist():
            taken = numbers == number
            part = self._read(number)[rows[taken] - self._starts[number]]
            if found is None:
                found = np.empty((len(rows), *part.shape[1:]), part.dtype)
            found[taken] = part
        return self._read(0)[:0] if found is None else found

    def _shard_of(self, row: int) -> int:
        # The last that begins there: others that do have no rows.
        return bisect_right(self._starts, row, 0, len(self._starts) - 1) - 1


def advise_at_random(array: np.ndarray) -> None:
    """Tell the system that a mapped array is read a little here and a little there, so that it
    does not read what lies around that as well (madvise(2), where there is it)."""
    mapping = getattr(array.base, "_mmap", None)  # an empty array has none
    if mapping is not None and hasattr(mmap, "MADV_RANDOM"):
        mapping.madvise(mmap.MADV_RANDOM)
