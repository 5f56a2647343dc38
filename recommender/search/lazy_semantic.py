"""Search by meaning as the recommender has it: opened when used, closed when not wanted."""

from __future__ import annotations

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
        idle: seconds without a search after which it is let go of, and its memory returned.
    """

    def __init__(self, path: Path, encoder: Encoder = "light", idle: float = 600.0) -> None:
        # Imported here, as it needs psutil, which the executors of Spark do not have.
        from memory_toolkit.guard.lazy import Lazy

        self._path = path
        self._encoder: Encoder = encoder
        self._lazy = Lazy(
            self._open, need=lambda: self.max_bytes, idle=idle, name="search by meaning"
        )

    @property
    def available(self) -> bool:
        """True if `matinee embed` has made the index; costs one `stat`."""
        return manifest_stamp(self._path / SEMANTIC) is not None

    @property
    def loaded(self) -> bool:
        """True while the index is in memory."""
        return self._lazy.loaded

    @property
    def max_bytes(self) -> int:
        """Bytes that opening it, or one request, takes at most."""
        return _MAX_BYTES[self._encoder]

    def load(self) -> SemanticSearch:
        """Open it, unless it is open and the newest there is.

        Raises:
            BundleError: `matinee embed` has not run, or what it wrote is damaged.
            SettingsError: the full encoder is asked for and not installed.
            Busy: a guard is started, and has no room for it now.
        """
        found = self._lazy.get()
        if found.stamp != manifest_stamp(self._path / SEMANTIC):
            del found
            self._lazy.unload()
            found = self._lazy.get()
        return found

    def _open(self) -> SemanticSearch:
        from recommender.search.semantic.semantic_search import open_semantic

        return open_semantic(self._path, self._encoder)

    def search(self, text: str, n: int, fame: Callable[[Id], float | None]) -> list[Id]:
        """The n movies whose texts mean most nearly what `text` says, best first; of those that do
        about equally the better known.

        Args:
            fame: of a movie, 0..1; None where there is no such movie any more.

        Raises:
            BundleError, SettingsError, Busy: as `load`.
        """
        scores: dict[Id, float] = {}
        for movie_id, score in self.load().search(text, _CANDIDATES * n):
            if (known := fame(movie_id)) is not None:
                scores[movie_id] = score + _FAME * known
        return sorted(scores, key=scores.__getitem__, reverse=True)[:n]

    def unload(self) -> bool:
        """Let go of it, and return its memory; False if it was not open.

        A search that is under way ends as it should; the next opens it again.
        """
        return self._lazy.unload()
