"""Encoding a bundle's movies: ``bundle/semantic``, which lies beside the data and outlasts it.

    bundle/
        semantic/             an index, laid out and replaced like a bundle (`bundle.bundle`)
            manifest.json
            data-51c0…/       the movies' vectors and the light encoder
            semantic.sqlite   each text's vector by the full model, for the next time

What was encoded is kept by what was encoded (`text.text_key`), so a run that was killed goes on
where it was, and a later bundle at the same path has only its new texts encoded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from memory_toolkit.guard.batches import batches
from memory_toolkit.measure.returning import return_memory
from recommender.bundle.bundle import Bundle
from recommender.bundle.catalogue import FILE as CATALOGUE_FILE
from recommender.bundle.catalogue import Catalogue
from recommender.bundle.manifest import SEMANTIC
from recommender.bundle.writer import BundleWriter
from recommender.core.progress import StageProgress, no_progress
from recommender.search.semantic.distill import english, vocabulary, write_light_encoder
from recommender.search.semantic.encoder import LightEncoder
from recommender.search.semantic.teacher import DEFAULT_MODEL, Teacher, model_folder
from recommender.search.semantic.text import PLOT_SHARE, movie_texts, text_key
from recommender.search.semantic.vectors import FILE, Int8Rows, VectorStore, unit

BATCH_SIZE = 32
# A word is so much shorter than a text.
_WORDS_A_TEXT = 8
_BLOCK = 512


@dataclass(frozen=True)
class Embedded:
    """Counts of a run of `embed`.

    Attributes:
        movies: how many have a vector now.
        words: how many the light encoder knows.
        encoded: texts and words that were encoded in this run.
        reused: those that an earlier run had encoded.
        seconds: how long it took.
    """

    movies: int
    words: int
    encoded: int
    reused: int
    seconds: float


def embed(
    path: Path,
    model: str = DEFAULT_MODEL,
    batch_size: int = BATCH_SIZE,
    progress: StageProgress = no_progress,
) -> Embedded:
    """Give each movie of the bundle at `path` its vector, and make the light encoder.

    Memory: the words and keys of all texts (about 200 bytes a movie), one batch, and the model's
    mapped file; the model is let go of at the end.

    Args:
        model: a folder or a package, see `teacher.model_folder`.
        batch_size: texts that are encoded, and stored, at once; fewer where memory is short.

    Raises:
        BundleError: there is no bundle at `path`, it is damaged, or cannot be written.
        SettingsError: the model or wordfreq is not there.
    """
    started = time.monotonic()
    catalogue = Catalogue(Bundle.open(path).file(CATALOGUE_FILE))
    common, folder = english(), model_folder(model)
    ids = catalogue.movie_ids()
    with BundleWriter(path / SEMANTIC) as writer, VectorStore(path / SEMANTIC / FILE) as store:
        teacher = Teacher(folder)
        fingerprint = teacher.fingerprint
        texts = _Texts(catalogue, len(ids), fingerprint)
        known = vocabulary(texts.all(), common, teacher)
        count = _encode_words(known, teacher, store, batch_size, progress)
        count += _encode_movies(texts, teacher, store, batch_size, progress)
        del teacher
        return_memory()

        def word_vectors(some: list[str]) -> np.ndarray:
            return store.get([text_key(fingerprint, word) for word in some])

        encoder = write_light_encoder(writer, known, word_vectors, common)
        _write_movies(writer, texts, encoder, store, progress)
        whole = all(isinstance(i, int) for i in ids)
        writer.save_array("ids", np.array(ids if whole else list(map(str, ids))))
        keys = {key for row in texts.keys_of_all() for key in row}
        keys.update(text_key(fingerprint, word) for word in known)
        store.keep(keys)
        writer.commit({"model": model, "movies": len(ids), "words": len(known)})
    catalogue.close()
    seconds = round(time.monotonic() - started, 1)
    return Embedded(len(ids), len(known), count, len(keys) - count, seconds)


class _Texts:
    """The movies' texts, read anew whenever they are wanted, so that few are in memory."""

    def __init__(self, catalogue: Catalogue, movies: int, fingerprint: str) -> None:
        self._catalogue = catalogue
        self._fingerprint = fingerprint
        self.movies = movies

    def of(self, movies: Sequence[int]) -> list[tuple[str, ...]]:
        """The texts of some movies."""
        return [movie_texts(movie) for movie in self._catalogue.movies(movies)]

    def blocks(self) -> Iterator[tuple[int, list[tuple[str, ...]]]]:
        """The texts of all movies, some at a time, with the index of the first."""
        for begin in range(0, self.movies, _BLOCK):
            yield begin, self.of(range(begin, min(begin + _BLOCK, self.movies)))

    def all(self) -> Iterator[str]:
        """All texts."""
        return (text for _, block in self.blocks() for movie in block for text in movie)

    def keys_of_all(self) -> Iterator[list[bytes]]:
        """The keys of each movie's texts."""
        return (self.keys_of(movie) for _, block in self.blocks() for movie in block)

    def keys_of(self, texts: Sequence[str]) -> list[bytes]:
        return [text_key(self._fingerprint, text) for text in texts]


def _encode_words(
    known: list[str], teacher: Teacher, store: VectorStore, batch_size: int, progress: StageProgress
) -> int:
    by_key = {text_key(teacher.fingerprint, word): word for word in known}
    missing = store.missing(by_key)
    # Equally long ones together waste nothing on filling up; the order is always the same, so that
    # a run which goes on makes the batches that were left, and the very same vectors.
    todo = sorted((len(by_key[key]), key) for key in missing)

    def commit(batch: list[tuple[int, bytes]]) -> None:
        keys = [key for _, key in batch]
        store.add(keys, teacher.encode([by_key[key] for key in keys]))

    batches(
        todo,
        commit,
        size=_WORDS_A_TEXT * batch_size,
        progress=lambda report: progress("Encoding words", report.fraction),
        name="encode words",
    )
    return len(todo)


def _encode_movies(
    texts: _Texts, teacher: Teacher, store: VectorStore, batch_size: int, progress: StageProgress
) -> int:
    places: dict[bytes, tuple[int, int]] = {}
    lengths: dict[bytes, int] = {}
    for begin, block in texts.blocks():
        for row, movie in enumerate(block):
            for part, key in enumerate(texts.keys_of(movie)):
                places[key], lengths[key] = (begin + row, part), len(movie[part])
    todo = sorted((lengths[key], key) for key in store.missing(places))

    def commit(batch: list[tuple[int, bytes]]) -> None:
        where = [places[key] for _, key in batch]
        found = texts.of([movie for movie, _ in where])
        some = [movie[part] for movie, (_, part) in zip(found, where, strict=True)]
        store.add([key for _, key in batch], teacher.encode(some))

    batches(
        todo,
        commit,
        size=batch_size,
        weigh=lambda text: text[0],
        progress=lambda report: progress("Encoding movies", report.fraction),
        name="encode movies",
    )
    return len(todo)


def _write_movies(
    writer: BundleWriter,
    texts: _Texts,
    encoder: LightEncoder,
    store: VectorStore,
    progress: StageProgress,
) -> None:
    dimensions = encoder.table.values.shape[1]
    full, light = (
        Int8Rows.empty(writer, f"movies_{name}", texts.movies, dimensions)
        for name in ("full", "light")
    )
    for begin, block in texts.blocks():
        by_model = store.get([key for movie in block for key in texts.keys_of(movie)])
        by_table = encoder.encode([text for movie in block for text in movie])
        full.put(begin, _averaged(by_model, block))
        light.put(begin, _averaged(by_table, block))
        progress("Writing the vectors", (begin + len(block)) / texts.movies)


def _averaged(rows: np.ndarray, movies: Sequence[tuple[str, ...]]) -> np.ndarray:
    """One row a movie from the rows of its texts, which follow one another."""
    counts = np.array([len(texts) for texts in movies])
    ends = np.cumsum(counts)
    found = rows[ends - counts]
    plots = counts == 2
    found[plots] = (1 - PLOT_SHARE) * found[plots] + PLOT_SHARE * rows[ends[plots] - 1]
    return unit(found)
