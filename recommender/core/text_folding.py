"""Text folding of title search: the same letters, the same words, the same name.

`title_index` looks up what comes out of here.
"""

from __future__ import annotations

import re
import unicodedata

# Of a longer query the rest is left out before anything else, so that no text takes long.
MAX_QUERY_LETTERS = 250
_ARTICLES = ("the ", "a ", "an ")
# Between a title, its subtitle, and its other names.
_PARTS = re.compile(r"\s*[:()]\s*|\s+[-–—]\s+")
_MIN_ACRONYM = 3
_AND = re.compile(r"[&+]")
_BRACKETS = re.compile(r"\(([^()]*)\)")
_ALSO_KNOWN_AS = re.compile(r"\ba\.?k\.?a\.?:?\s+", re.IGNORECASE)
# Letters that no decomposition takes apart, as those write them who lack them.
_LIGATURES = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ı": "i"}
)
_TENS = ("", "x")
_ONES = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
_ROMAN = {str(n): _TENS[n // 10] + _ONES[n % 10] for n in range(2, 20)}
_OTHER_NUMERAL = _ROMAN | {roman: number for number, roman in _ROMAN.items()}
# What stands at the end of a Korean syllable, as the same letters at the beginning of one.
_FINAL = "HANGUL JONGSEONG "
_FINALS = {
    code: "".join(
        unicodedata.lookup(f"HANGUL CHOSEONG {part}")
        for part in unicodedata.name(chr(code)).removeprefix(_FINAL).split("-")
    )
    for code in range(0x11A8, 0x11C3)
}
# Korean syllables, of which each initial consonant begins so many one after the other, and these
# consonants (choseong). Source: The Unicode Standard, 3.12.
_SYLLABLE = re.compile("[\uac00-\ud7a3]")
_SYLLABLES_AN_INITIAL, _FIRST_SYLLABLE, _FIRST_INITIAL = 588, 0xAC00, 0x1100
_TYPED_INITIALS = re.compile("(?=.*[\u1100-\u1112].*[\u1100-\u1112])[\u1100-\u1112a-z0-9]+")


def fold(text: str) -> str:
    """Return `text` as search compares it: lower case, no accents, one space between words.

    Korean syllables stay whole: the decomposition that strips accents also takes syllables apart
    into their letters, which the final composition puts together again.
    """
    # Decomposed before the case is folded as well: some letters become capitals by it.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    composed = unicodedata.normalize("NFC", plain.translate(_LIGATURES))
    return " ".join("".join(c if c.isalnum() else " " for c in composed).split())


def without_article(folded: str) -> str:
    """Return a folded title without a leading English article."""
    for article in _ARTICLES:
        folded = folded.removeprefix(article) or folded
    return folded


def words(text: str) -> list[str]:
    """Return the words of `text`, folded, "&" and "+" as "and", Korean syllables as letters typed.

    Taken apart, a syllable that is still being typed begins the one it will become ("깃" on the
    way to "기생"), and one wrong vowel is one typo.
    """
    return _letters(fold(_AND.sub(" and ", text))).split()


def title_words(title: str, year: int | None) -> set[str]:
    """Return all words that find a title: its own, its year, and other ways to write them.

    Besides each word there is what punctuation joins ("spider", "man" and "spiderman"), and
    numerals from 2 to 19 are there in both ways ("ii" and "2").
    """
    own = words(title)
    joined = ("".join(words(part)) for part in title.split())
    numerals = (_OTHER_NUMERAL[word] for word in own[1:] if word in _OTHER_NUMERAL)
    return {*own, *filter(None, joined), *numerals, *([str(year)] if year else [])}


def title_names(title: str) -> set[str]:
    """Return all names of a title, each without its spaces, so that "starwars" is one.

    A title is known by the whole of it, by what stands before and in its brackets, each with and
    without a leading article, and by either way to write its numerals.
    """
    parts = (title, title.partition("(")[0], *_BRACKETS.findall(title))
    names = set()
    for part in parts:
        own = words(_ALSO_KNOWN_AS.sub("", part, count=1))
        numerals = [*own[:1], *(_OTHER_NUMERAL.get(word, word) for word in own[1:])]
        for name in (" ".join(own), " ".join(numerals)):
            names |= {name.replace(" ", ""), without_article(name).replace(" ", "")}
    return names - {""}


def title_initials(title: str) -> set[str]:
    """Return a Korean title's names with each syllable's initial consonant alone, without spaces:
    what `typed_initials` finds it by. Nothing for another title."""
    parts = (title, title.partition("(")[0], *_BRACKETS.findall(title))
    return {_SYLLABLE.sub(_initial, fold(p)).replace(" ", "") for p in parts if _SYLLABLE.search(p)}


def title_acronyms(title: str) -> set[str]:
    """Return the first letters of a title's words, of three or more: of the whole, and of what is
    before and behind its marks, each with and without its article; of Latin letters alone."""
    found = set()
    for part in (title, *_PARTS.split(title)):
        folded = " ".join(words(part))
        for own in (folded.split(), without_article(folded).split()):
            if len(own) >= _MIN_ACRONYM and folded.isascii():
                found.add("".join(word[0] for word in own))
    return found


def typed_initials(text: str) -> str:
    """Return `text` without spaces if it is initial consonants (of Korean syllables, two or more,
    such as "ㅋㅅㅂㄹㅋ") and perhaps Latin letters and digits; else nothing."""
    typed = _letters(fold(text)).replace(" ", "")
    return typed if _TYPED_INITIALS.fullmatch(typed) else ""


def title_length(title: str) -> int:
    """Return the number of words in a title, without those in brackets and a leading article."""
    return len(without_article(" ".join(words(title.partition("(")[0]))).split())


def _initial(syllable: re.Match[str]) -> str:
    return chr(_FIRST_INITIAL + (ord(syllable[0]) - _FIRST_SYLLABLE) // _SYLLABLES_AN_INITIAL)


def _letters(folded: str) -> str:
    if folded.isascii():
        return folded
    return unicodedata.normalize("NFD", folded).translate(_FINALS)
