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
_MAX_WORD_LENGTH = 100
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_CJK = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)
# The library knows the characters of Unicode 8. It takes each later one for a letter, which matters
# for the accents, punctuation and format controls in these ranges: the first of each, and the one
# past its last.
_LATER = (
    "\u061d\u061e\u07fd\u07fe\u0890\u08e3\u09fd\u09ff\u0a76\u0a77\u0afa\u0b00\u0b55\u0b56\u0c04"
    "\u0c05\u0c3c\u0c3d\u0c77\u0c78\u0c84\u0c85\u0d00\u0d01\u0d3b\u0d3d\u0d81\u0d82\u0eba\u0ebb"
    "\u180f\u1810\u1885\u1887\u1abf\u1acf\u1b7d\u1b7f\u1df6\u1dfc\u2e43\u2e5e\ua82c\ua82d\ua8c5"
    "\ua8c6\ua8ff\ua900\ua9bd\ua9be\U00010d24\U00010f8a\U00011070\U00011075\U000110c2\U000110ce"
    "\U000111cf\U000111d0\U0001123e\U0001123f\U0001133b\U0001133c\U00011438\U0001145f\U00011660"
    "\U0001166d\U000116b9\U000116ba\U0001182f\U00012000\U00012ff1\U00013460\U00016e97\U00016f50"
    "\U00016fe2\U00016fe5\U0001cf00\U0001cf47\U0001e000\U0001e2f0\U0001e944\U0001e960"
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
    return found if len(word) <= _MAX_WORD_LENGTH else None


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
    if bisect(_LATER, c) % 2:
        return "Lo"
    return _FORMER.get(c) or unicodedata.category(c)
