"""Splitting text into the tokens of a BERT model, as its own tokenizer does.

Source: Devlin et al. 2019, "BERT", and the `tokenizers` library (BertNormalizer, BertPreTokenizer,
WordPiece), which the tests compare with. That library takes 9 MB of the server's own memory, most
of it for a second copy of the vocabulary; these lines take what the vocabulary in their hands does.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

# Tells a token's number; None where the vocabulary does not have it.
Lookup = Callable[[str], int | None]
_LONGEST_WORD = 100
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_CJK = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)


def words(text: str) -> list[str]:
    """The words and the single signs of `text`: lower case, without accents."""
    kept = "".join(map(_cleaned, text))
    bare = "".join(c for c in unicodedata.normalize("NFD", kept) if unicodedata.category(c) != "Mn")
    return "".join(f" {c} " if _is_punctuation(c) else c for c in bare.lower()).split()


def pieces(word: str, lookup: Lookup) -> list[int] | None:
    """The numbers of the longest tokens that `word` consists of, from its beginning; None where
    it cannot be put together."""
    found = []
    begin = 0
    while begin < len(word):
        for end in range(len(word), begin, -1):
            number = lookup(("##" if begin else "") + word[begin:end])
            if number is not None:
                break
        else:
            return None
        found.append(number)
        begin = end
    return found if len(word) <= _LONGEST_WORD else None


def tokens(text: str, lookup: Lookup, unknown: int) -> Iterator[int]:
    """The numbers of the tokens of `text`; `unknown` for a word that cannot be put together."""
    for word in words(text):
        yield from pieces(word, lookup) or (unknown,)


def _cleaned(c: str) -> str:
    """`c` as it counts: a blank for any white space, apart from its neighbours where Chinese, and
    nothing for what cannot be seen."""
    if c in "\t\n\r" or unicodedata.category(c) == "Zs":
        return " "
    if c == "\ufffd" or unicodedata.category(c) in ("Cc", "Cf", "Cn", "Co"):
        return ""
    return f" {c} " if any(low <= ord(c) <= high for low, high in _CJK) else c


def _is_punctuation(c: str) -> bool:
    return c in _ASCII_PUNCTUATION or unicodedata.category(c).startswith("P")
