"""Search by meaning as the recommender has it: opened when used, closed when not wanted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from memory_toolkit.measure.sizes import MB
from recommender.bundle.manifest import SEMANTIC, manifest_stamp
from recommender.core.records import Id

if TYPE_CHECKING:
    from recommender.search.semantic.semantic_search import Encoder, SemanticSearch

# What opening and one request take at most, measured by `benchmarks/semantic.py` and rounded up:
# checksums, the modules, and with the full encoder its vocabulary and a batch.
_MAX_BYTES = {"light": 8 * MB, "full": 16 * MB}
# What the most rated movie is ahead of one that nobody rated; chosen on the first half of the
# queries of `benchmarks/semantic.py`. It settles among so many times the movies wanted.
_FAME, _CANDIDATES = 0.05, 10


class LazySemanticSearch:
    """Search by meaning over one bundle; safe to share between threads.

    Nothing of it is imported or in memory until `load` or the first `search`.

    Args:
        path: the bundle.
        encoder: what reads the queries, see `semantic.search.SemanticSearch`.
    """

    def __init__(self, path: Path, encoder: Encoder = "light") -> None:
        self._path = path
        self._encoder: Encoder = encoder
        self._lock = threading.Lock()
        self._opened: SemanticSearch | None = None
        self._used = 0.0

    @property
    def available(self) -> bool:
        """True if `matinee embed` has made the index; costs one `stat`."""
        return manifest_stamp(self._path / SEMANTIC) is not None

    @property
    def loaded(self) -> bool:
        """True while the index is in memory."""
        return self._opened is not None

    @property
    def max_bytes(self) -> int:
        """Bytes that opening it, or one request, takes at most."""
        return _MAX_BYTES[self._encoder]

    @property
    def idle(self) -> float:
        """Seconds since it was last used; 0 when it is not loaded."""
        return time.monotonic() - self._used if self.loaded else 0.0

    def load(self) -> SemanticSearch:
        """Open it, unless it is open and the newest there is.

        Raises:
            BundleError: `matinee embed` has not run, or what it wrote is damaged.
            SettingsError: the full encoder is asked for and not installed.
        """
        from recommender.search.semantic.semantic_search import open_semantic

        stamp = manifest_stamp(self._path / SEMANTIC)
        with self._lock:
            self._used = time.monotonic()
            if self._opened is None or self._opened.stamp != stamp:
                self._opened = None
                self._opened = open_semantic(self._path, self._encoder)
            return self._opened

    def search(self, text: str, n: int, fame: Callable[[Id], float | None]) -> list[Id]:
        """The n movies whose texts mean most nearly what `text` says, best first; of those that do
        about equally the better known.

        Args:
            fame: of a movie, 0..1; None where there is no such movie any more.

        Raises:
            BundleError, SettingsError: as `load`.
        """
        scores: dict[Id, float] = {}
        for movie_id, score in self.load().search(text, _CANDIDATES * n):
            if (known := fame(movie_id)) is not None:
                scores[movie_id] = score + _FAME * known
        return sorted(scores, key=scores.__getitem__, reverse=True)[:n]

    def unload(self) -> None:
        """Let go of it. A search that is under way ends as it should; the next opens it again."""
        with self._lock:
            self._opened = None
