"""Makes the light encoder's table: which words it knows, and what they count.

It knows the common words of English, so that a query may use words that no movie's text has, and
the words of the movies' own texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from recommender.bundle.writer import BundleWriter
from recommender.core.errors import SettingsError
from recommender.core.optional_packages import install_command
from recommender.search.semantic.encoder import COMMONNESS, WORD_VECTORS, LightEncoder
from recommender.search.semantic.teacher import Teacher
from recommender.search.semantic.vectors import Int8Rows
from recommender.search.semantic.wordpiece import words

_MAX_WORDS = 60_000  # 24 MB of table
_MAX_WORD_LENGTH = 32  # bytes
_BLOCK = 2048


def english() -> dict[str, float]:
    """The words of English that come once in a million words or oftener: their frequencies.

    Source: the library wordfreq (Speer 2022), its small list.

    Raises:
        SettingsError: wordfreq is not installed.
    """
    try:
        from wordfreq import get_frequency_dict
    except ImportError:
        raise SettingsError(
            f"matinee embed needs wordfreq, which is not installed: {install_command('semantic')}"
        ) from None
    return dict(get_frequency_dict("en", "small"))


def vocabulary(texts: Iterable[str], common: Mapping[str, float], teacher: Teacher) -> list[str]:
    """The words of the table in the order of their UTF-8: `common`, then those most frequent in
    `texts`, as long as there is room; each one that `teacher` can read."""
    counts = Counter(word for text in texts for word in words(text))
    ordered = [*common, *(word for word, _ in counts.most_common())]
    unknown = teacher.vocabulary["[UNK]"]
    chosen: set[str] = set()
    for word in ordered:
        if len(chosen) == _MAX_WORDS:
            break
        if words(word) != [word] or len(word.encode()) > _MAX_WORD_LENGTH:
            continue
        if any(c.isalnum() for c in word) and unknown not in teacher.tokens(word):
            chosen.add(word)
    return sorted(chosen, key=str.encode)


def write_light_encoder(
    writer: BundleWriter,
    known: list[str],
    vectors: Callable[[list[str]], np.ndarray],
    common: Mapping[str, float],
) -> LightEncoder:
    """Write the encoder of the words `known` into `writer`'s folder; returns it, mapped.

    Args:
        vectors: gives some words' vectors by the full model, float32, shape (words, dimensions).
    """
    dimensions = vectors(known[:1]).shape[1]
    table = Int8Rows.empty(writer, WORD_VECTORS, len(known), dimensions)
    for begin in range(0, len(known), _BLOCK):
        table.put(begin, vectors(known[begin : begin + _BLOCK]))
    frequencies = np.array([common.get(word, 0.0) for word in known])
    encoder = LightEncoder(
        words=np.array([word.encode() for word in known], dtype=f"S{_MAX_WORD_LENGTH}"),
        table=table,
        weights=(COMMONNESS / (COMMONNESS + frequencies)).astype(np.float32),
    )
    encoder.save(writer)
    return encoder
