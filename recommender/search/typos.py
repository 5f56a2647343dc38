"""Words that are nearly the same: how far apart two are, and which of many are worth comparing.

Method: the distance is that of Damerau (1964) and Levenshtein in the form called optimal string
alignment. Comparing a word with every other would take too long, so each has a signature: which
letters it holds, in 62 bits. The letters that one word has and the other has not are a lower bound
of the distance, the bag distance of Bartolini, Ciaccia and Patella (String Matching with Metric
Trees Using an Approximate Distance, 2002), and numpy compares 90,000 signatures in under a
millisecond. An index of all the words with letters left out (SymSpell) would answer sooner still,
but takes some 20 entries a word where a signature is 8 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_BUCKETS = 31


def allowed(letters: int) -> int:
    """Return the typos that a word of so many letters may have: none below 4, 2 from 8 on."""
    if letters < 4:
        return 0
    return 1 if letters < 8 else 2


def signature(word: str) -> int:
    """Two bits for each of 31 buckets of letters: whether one is there, and whether two are.

    One insertion or deletion changes one bit at most, a replacement one each way, and a swap none.
    """
    once = twice = 0
    for letter in word:
        bit = 1 << ord(letter) % _BUCKETS
        twice |= once & bit
        once |= bit
    return once | twice << _BUCKETS


def near(word: str, signatures: np.ndarray, most: int) -> np.ndarray:
    """Indices of all words that may be at most `most` typos from `word`, and some that are not.

    Args:
        signatures: uint64, shape (words,).
    """
    own = np.uint64(signature(word))
    missing = np.bitwise_count(own & ~signatures)
    surplus = np.bitwise_count(signatures & ~own)
    return np.flatnonzero(np.maximum(missing, surplus) <= most)


def distances(word: str, others: Sequence[str]) -> np.ndarray:
    """Count the typos between `word` and each of `others`; int, shape (others,).

    A typo is a letter too many, too few or another one, or two neighbours swapped.
    Memory: some 20 bytes for each letter of the longest of `others`, times their number.
    """
    if not others:
        return np.zeros(0, dtype=np.int16)
    codes = np.array(others).view(np.uint32).reshape(len(others), -1)  # shorter ones end in 0
    columns = np.arange(codes.shape[1] + 1, dtype=np.int16)
    before = above = np.tile(columns, (len(others), 1))
    same_before = np.zeros(codes.shape, dtype=bool)
    for i, letter in enumerate(word, start=1):
        same = codes == ord(letter)
        row = np.full_like(above, i)
        row[:, 1:] = np.minimum(above[:, 1:] + 1, above[:, :-1] + ~same)
        swapped = np.where(same[:, :-1] & same_before[:, 1:], before[:, :-2] + 1, row[:, 2:])
        row[:, 2:] = np.minimum(row[:, 2:], swapped)
        # A letter too many costs one more than its left neighbour, which may have cost the same.
        row = np.minimum.accumulate(row - columns, axis=1) + columns
        before, above, same_before = above, row, same
    return above[np.arange(len(others)), [len(other) for other in others]]
