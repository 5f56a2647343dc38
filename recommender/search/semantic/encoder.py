"""The light encoder: a text's vector is the weighted sum of its words' vectors.

Each word's vector is what the full model makes of that word alone; they are looked up in a mapped
table, so an encoder costs no memory of its own and microseconds a query.

Sources: Tulkens and van Dongen 2024, "Model2Vec" (a static table distilled from a sentence
encoder); Arora, Liang and Ma 2017, "A simple but tough-to-beat baseline for sentence embeddings"
(the weight a / (a + p) of a word of frequency p).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recommender.bundle.bundle import Bundle
from recommender.bundle.writer import BundleWriter
from recommender.search.semantic.vectors import Int8Rows, unit
from recommender.search.semantic.wordpiece import words

# a of the weights a / (a + p), chosen on the first half of the benchmark's queries.
COMMONNESS = 1e-3
WORD_VECTORS = "word_vectors"


@dataclass(frozen=True)
class LightEncoder:
    """Encodes texts by the table.

    Memory: 400 bytes a word, memory-mapped when read from a bundle.

    Attributes:
        words: the known words as UTF-8 in ascending order, shape (words,).
        table: their vectors, of length 1.
        weights: float32, shape (words,): what each counts.
    """

    words: np.ndarray
    table: Int8Rows
    weights: np.ndarray

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> LightEncoder:
        """The encoder that `bundle` holds, memory-mapped."""
        table = Int8Rows.from_bundle(bundle, WORD_VECTORS)
        return cls(bundle.array("words"), table, bundle.array("word_weights"))

    def save(self, writer: BundleWriter) -> None:
        """Write what is not in its files yet, which is all but the table."""
        writer.save_array("words", self.words)
        writer.save_array("word_weights", self.weights)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors of `texts`, of length 1, or 0 for a text without a known word; float32,
        shape (texts, dimensions)."""
        summed = np.zeros((len(texts), self.table.values.shape[1]), dtype=np.float32)
        for row, text in enumerate(texts):
            known = self._numbers(text)
            summed[row] = self.weights[known] @ self.table.floats(known)
        return unit(summed)

    def _numbers(self, text: str) -> np.ndarray:
        """The known words of `text` by number."""
        encoded = (word.encode() for word in words(text))
        wanted = np.array(
            [word for word in encoded if len(word) <= self.words.itemsize], self.words.dtype
        )
        places = np.searchsorted(self.words, wanted)
        places[places == len(self.words)] = 0
        return places[self.words[places] == wanted]
