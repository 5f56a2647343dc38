"""Splitting text into the tokens of a BERT model, as its own tokenizer does.

Source: Devlin et al. 2019, "BERT", and the `tokenizers` library (BertNormalizer, BertPreTokenizer,
WordPiece), which the tests compare with. That library takes 9 MB of the server's own memory, most
of it for a second copy of the vocabulary; these lines take what the vocabulary in their hands does.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect
from collections.abc import Callable, Iterator

# Tells a token's number; None where the vocabulary does not have it.
Lookup = Callable[[str], int | None]
_LONGEST_WORD = 100
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_CJK = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)
# The library knows the characters of Unicode 8. It takes each later one for a letter, which matters
# for the accents, punctuation and format controls in these ranges: the first of each, and the one
# past its last.
_LATER = tuple(
    int(number, 16)
    for number in (
        "61d 61e 7fd 7fe 890 8e3 9fd 9ff a76 a77 afa b00 b55 b56 c04 c05 c3c c3d c77 c78 c84 c85 "
        "d00 d01 d3b d3d d81 d82 eba ebb 180f 1810 1885 1887 1abf 1acf 1b7d 1b7f 1df6 1dfc 2e43 "
        "2e5e a82c a82d a8c5 a8c6 a8ff a900 a9bd a9be 10d24 10f8a 11070 11075 110c2 110ce 111cf "
        "111d0 1123e 1123f 1133b 1133c 11438 1145f 11660 1166d 116b9 116ba 1182f 12000 12ff1 "
        "13460 16e97 16f50 16fe2 16fe5 1cf00 1cf47 1e000 1e2f0 1e944 1e960"
    ).split()
)
# Those that were something else then than today.
_FORMER = {"\u166d": "Po", "\u1734": "Mn", "\U000111c9": "Po"}


def words(text: str) -> list[str]:
    """The words and the single signs of `text`: lower case, without accents."""
    kept = "".join(map(_cleaned, text))
    bare = "".join(c for c in unicodedata.normalize("NFD", kept) if _category(c) != "Mn")
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
    category = _category(c)
    if c in "\t\n\r" or category == "Zs":
        return " "
    if c == "\ufffd" or category in ("Cc", "Cf", "Co"):
        return ""
    return f" {c} " if any(low <= ord(c) <= high for low, high in _CJK) else c


def _is_punctuation(c: str) -> bool:
    return c in _ASCII_PUNCTUATION or _category(c).startswith("P")


def _category(c: str) -> str:
    """Return the general category of `c` by Unicode 8; a letter's for what came later."""
    if bisect(_LATER, ord(c)) % 2:
        return "Lo"
    return _FORMER.get(c) or unicodedata.category(c)
