"""Finding movies by what is said of them: `open_semantic`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from recommender.bundle.bundle import Bundle
from recommender.bundle.manifest import SEMANTIC, manifest_stamp
from recommender.core.errors import BundleError
from recommender.core.records import Id
from recommender.core.top_n import TopN
from recommender.search.semantic.encoder import LightEncoder
from recommender.search.semantic.teacher import Teacher, model_folder
from recommender.search.semantic.vectors import Int8Rows

Encoder = Literal["light", "full"]
# What a movie's vector by the model and its vector by the table count, by the query's encoder;
# chosen on the first half of the benchmark's queries.
SHARES: dict[Encoder, tuple[float, float]] = {"light": (0.25, 1.0), "full": (1.0, 1.0)}
_BLOCK = 2048
_MAX_QUERY_LENGTH = 1000  # characters


class _Index(NamedTuple):
    """Opened index; `movies` are the vectors by the model and by the table."""

    light: LightEncoder
    teacher: Teacher | None
    movies: tuple[Int8Rows, ...]
    ids: np.ndarray


class SemanticSearch:
    """Searches one index; safe to share between threads.

    Memory: the arrays are mapped, so a question costs `need`; the full encoder keeps its
    vocabulary (4 MB).

    Args:
        index: what `embed.embed` wrote.
        encoder: what reads the query: ``"light"``, or ``"full"``, the model itself, which has to
            be installed.
        shares: what the movies' two vectors count, the model's and the table's.

    Attributes:
        max_bytes: bytes that one question takes at most.
        stamp: identifies the index, as `bundle.manifest_stamp` of its folder does.
    """

    def __init__(
        self,
        index: Bundle,
        encoder: Encoder = "light",
        shares: tuple[float, float] | None = None,
    ) -> None:
        self._index: _Index | None = _Index(
            LightEncoder.from_bundle(index),
            Teacher(model_folder(index.manifest.info["model"])) if encoder == "full" else None,
            tuple(Int8Rows.from_bundle(index, f"movies_{kind}") for kind in ("full", "light")),
            index.array("ids"),
        )
        self._shares = shares or SHARES[encoder]
        self.stamp = index.stamp
        model = 0 if self._index.teacher is None else self._index.teacher.max_bytes
        self.max_bytes = 3 * _BLOCK * 4 * self._index.movies[0].values.shape[1] + model

    def search(self, text: str, n: int = 10) -> list[tuple[Id, float]]:
        """The n movies whose texts mean most nearly what `text` says: ids and scores, best first.

        A score is a mean of cosines, within -1..1. Without a word that the light encoder knows
        there is no movie.

        Raises:
            BundleError: it was closed.
        """
        index = self._index
        if index is None:
            raise BundleError("the semantic index was closed; open it again")
        text = text[:_MAX_QUERY_LENGTH]
        light = index.light.encode([text])[0]
        if not light.any() or n < 1:
            return []
        # What the table says of the query stands near what the model would say.
        full = light if index.teacher is None else index.teacher.encode([text])[0]
        parts = list(zip(index.movies, self._shares, (full, light), strict=True))
        best = TopN(1, n)
        for begin in range(0, len(index.ids), _BLOCK):
            rows = slice(begin, begin + _BLOCK)
            scores = sum(share * movies.dot(vector, rows) for movies, share, vector in parts)
            best.add(np.asarray(scores)[None] / sum(self._shares), begin)
        found, scores = best.rows()[0]
        return [(index.ids[i].item(), float(s)) for i, s in zip(found, scores, strict=True)]

    def close(self) -> None:
        """Let go of the index and the model; a search that is under way ends as it should."""
        self._index = None


def open_semantic(path: str | Path, encoder: Encoder = "light") -> SemanticSearch:
    """Open the semantic index of the bundle at `path` and check it.

    Raises:
        BundleError: there is none, or it is damaged.
        SettingsError: ``"full"`` was asked for, and the model is not installed.
    """
    folder = Path(path) / SEMANTIC
    make = f"make it with `matinee embed --bundle {path}`"
    if manifest_stamp(folder) is None:
        raise BundleError(f"{path}: there is no semantic index; {make}")
    try:
        return SemanticSearch(Bundle.open(folder), encoder)
    except BundleError as error:
        raise BundleError(
            f"{folder}: the semantic index cannot be used; {make} ({error})"
        ) from None
