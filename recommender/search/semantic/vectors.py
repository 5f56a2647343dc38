"""Vectors on disk: those of texts while they are made, and the finished ones of 8 bits a number."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recommender.bundle.bundle import Bundle
from recommender.bundle.manifest import SEMANTIC
from recommender.bundle.writer import BundleWriter
from recommender.core.errors import BundleError
from recommender.core.rows import Selection

FILE = f"{SEMANTIC}.sqlite"
# SQLite takes so many values in one statement, at least.
_MAX_KEYS = 500


class VectorStore:
    """The vectors of texts by `text.text_key`, each batch on the disk itself before the next.

    SQLite makes a batch whole or not there at all, whenever the process ends, and holds one vector
    a key.

    Memory: SQLite's cache of 2 MB.

    Raises:
        BundleError: the file is no such store.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(path)
        self._execute("PRAGMA synchronous = FULL")
        self._execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) "
            "WITHOUT ROWID"
        )

    def __enter__(self) -> VectorStore:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def add(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        """Store a batch, as 16-bit numbers, and wait until it is on the disk."""
        rows = zip(keys, map(np.ndarray.tobytes, vectors.astype("<f2")), strict=True)
        with self._connection:
            self._connection.executemany("INSERT INTO vectors VALUES (?,?)", rows)

    def missing(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those of `keys` that have no vector yet."""
        wanted = set(keys)
        for (key,) in self._execute("SELECT key FROM vectors"):
            wanted.discard(key)
        return wanted

    def keep(self, keys: set[bytes]) -> None:
        """Remove all vectors but those of `keys`."""
        others = [(key,) for (key,) in self._execute("SELECT key FROM vectors") if key not in keys]
        with self._connection:
            self._connection.executemany("DELETE FROM vectors WHERE key = ?", others)

    def get(self, keys: Sequence[bytes]) -> np.ndarray:
        """The vectors of `keys`, all of which are there; float32, shape (keys, dimensions)."""
        found: dict[bytes, bytes] = {}
        for begin in range(0, len(keys), _MAX_KEYS):
            some = keys[begin : begin + _MAX_KEYS]
            marks = ",".join("?" * len(some))
            sql = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"
            found.update(self._execute(sql, *some))
        joined = b"".join(found[key] for key in keys)
        return np.frombuffer(joined, "<f2").reshape(len(keys), -1).astype(np.float32)

    def _execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.DatabaseError as error:
            raise BundleError(f"{self._path}: {error}; remove it and embed again") from None


@dataclass(frozen=True)
class Int8Rows:
    """Rows of 8-bit numbers, each with the factor that brings them back to size.

    Memory: 1 byte a number and 4 a row, memory-mapped when read from a bundle.

    Attributes:
        values: int8, shape (rows, dimensions).
        scales: float32, shape (rows,).
    """

    values: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Int8Rows:
        """`rows`, rounded to 127 steps of each row's largest number."""
        scales = np.abs(rows).max(axis=1, initial=0) / 127
        steps = rows / np.where(scales > 0, scales, 1)[:, None]
        return cls(np.rint(steps).astype(np.int8), scales.astype(np.float32))

    @classmethod
    def from_bundle(cls, bundle: Bundle, name: str) -> Int8Rows:
        """The rows that `bundle` holds, memory-mapped."""
        return cls(bundle.array(name), bundle.array(f"{name}_scales"))

    @classmethod
    def empty(cls, writer: BundleWriter, name: str, rows: int, dimensions: int) -> Int8Rows:
        """Rows in files of `writer`, mapped, to be filled by `put`."""

        def mapped(name: str, kind: type, shape: tuple[int, ...]) -> np.ndarray:
            path = writer.folder / f"{name}.npy"
            return np.lib.format.open_memmap(path, "w+", kind, shape).view(np.ndarray)

        values = mapped(name, np.int8, (rows, dimensions))
        return cls(values, mapped(f"{name}_scales", np.float32, (rows,)))

    def put(self, begin: int, rows: np.ndarray) -> None:
        """Store `rows` from the row `begin` on."""
        new = Int8Rows.of(rows)
        self.values[begin : begin + len(rows)] = new.values
        self.scales[begin : begin + len(rows)] = new.scales

    def floats(self, rows: Selection) -> np.ndarray:
        """Some rows as float32, shape (rows, dimensions)."""
        return self.values[rows] * self.scales[rows, None]

    def dot(self, vector: np.ndarray, rows: slice) -> np.ndarray:
        """The products of some rows with `vector`; float32, shape (rows,)."""
        return (self.values[rows].astype(np.float32) @ vector) * self.scales[rows]


def unit(rows: np.ndarray) -> np.ndarray:
    """`rows`, each scaled to length 1; what is 0 stays so."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)
