"""Posters of movies: small images in one SQLite file, read one at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recommender.bundle.bundle import Bundle
from recommender.core.errors import BundleError

FILE = "posters.sqlite"


def write_posters(path: Path, images: Iterable[tuple[int, bytes]]) -> int:
    """Write the SQLite file and return how many posters are in it.

    Args:
        path: a file that does not exist yet.
        images: the index of a movie and its poster, a JPEG, ascending.
    """
    connection = sqlite3.connect(path)
    try:
        connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
        connection.execute("CREATE TABLE posters (idx INTEGER PRIMARY KEY, image BLOB NOT NULL)")
        connection.executemany("INSERT INTO posters VALUES (?,?)", images)
        connection.commit()
        return int(connection.execute("SELECT count(*) FROM posters").fetchone()[0])
    finally:
        connection.close()


class Posters:
    """Reads the posters of a bundle; safe to use from several threads. A bundle may have none.

    Memory: one image at a time, and what SQLite's cache takes, 256 KB at most.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        if FILE in bundle.files:
            uri = f"{bundle.file(FILE).absolute().as_uri()}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            self._connection.execute("PRAGMA cache_size = -256")

    @property
    def any(self) -> bool:
        """Says that the bundle has posters."""
        return self._connection is not None

    def image(self, movie: int) -> bytes | None:
        """Return the poster of the movie with this index, a JPEG, or None if it has none.

        Raises:
            BundleError: the file is not what a bundle holds.
        """
        row = self._row("SELECT image FROM posters WHERE idx = ?", movie)
        return bytes(row[0]) if row else None

    def has(self, movie: int) -> bool:
        """Return whether the movie with this index has a poster, without reading it.

        Raises:
            BundleError: as `image`.
        """
        return self._row("SELECT 1 FROM posters WHERE idx = ?", movie) is not None

    def _row(self, query: str, movie: int) -> tuple[Any, ...] | None:
        if self._connection is None:
            return None
        try:
            with self._lock:
                row: tuple[Any, ...] | None = self._connection.execute(query, (movie,)).fetchone()
        except sqlite3.Error as error:
            raise BundleError(f"{FILE}: {error}") from error
        return row

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            with self._lock:
                self._connection.close()

    def __del__(self) -> None:
        # As in `Catalogue`: an open connection keeps a replaced bundle's file on the disk.
        if getattr(self, "_connection", None) is not None:
            self.close()
