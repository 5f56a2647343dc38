"""Comparing titles of two catalogues: what makes two of them the same movie.

Names that are equal letter by letter (`text_folding.title_names`) are the same within a year.
Looser names (without a subtitle, an owner or "Part", or with one typo) are so only where the year
is the same and nothing else fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

from recommender.bundle.catalogue import MovieText
from recommender.core.text_folding import fold, without_article, words
from recommender.search import typos

_MAX_YEARS_APART = 1
_THREE_D = re.compile(r"\b3[- ]?d\b", re.IGNORECASE)
_BRACKETS = re.compile(r"\([^()]*\)")
# Between a title and its subtitle.
_SUBTITLE = re.compile(r"\s*:\s+|\s+[-–—]\s+")
# Two words or more and an apostrophe: "Tyler Perry's", not "Schindler's".
_OWNER = re.compile(r"(?!(?:The|A|An) )\S+(?: \S+)?(?: \S+['’]s|s['’]) (?=\S)")
_NUMBERED = frozenset(("part", "chapter", "episode", "volume", "vol", "no"))
_ABBREVIATED = {"doctor": "dr", "mister": "mr", "versus": "vs", "saint": "st"}
_ROMAN = ("ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii")
_SPELLED = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {
    text: str(number) for texts in (_ROMAN, _SPELLED) for number, text in enumerate(texts, 2)
}
_NUMBER = re.compile("[0-9]{1,2}")
_MIN_LETTERS, _MIN_LETTERS_MISSPELT = 3, 8


@dataclass(frozen=True)
class LooseNames:
    """Names by which a title is known less exactly.

    Attributes:
        texts: what to search for to find the others that may have them.
        wholes: of the whole title, written in one way.
        parts: of a part that may stand for it: what is before or behind the subtitle's mark, or
            behind the owner.
        has_brackets: whether it gives names in brackets.
    """

    texts: tuple[str, ...]
    wholes: frozenset[str]
    parts: frozenset[str]
    has_brackets: bool

    @classmethod
    def of(cls, title: str) -> LooseNames:
        """Return the names of a title without its year."""
        wholes: set[str] = set()
        parts: set[str] = set()
        inside = [text.strip("()") for text in _BRACKETS.findall(title)]
        for text in (title, _BRACKETS.sub(" ", title), *inside):
            pieces = [_plain(piece) for piece in _SUBTITLE.split(text) if piece.strip()]
            wholes.add(_plain(text))
            if len(pieces) > 1:
                first, last = pieces[0].split(), without_article(pieces[-1])
                parts.add(pieces[0])
                # "Afterlife" behind a mark is another movie's name more often than not.
                if " " in last:
                    parts.add(last)
                if len(first) > 1 and _NUMBER.fullmatch(first[-1]):
                    wholes.add(" ".join([*first[:-1], *pieces[1:]]))
            if owner := _OWNER.match(text):
                parts.add(_plain(text[owner.end() :]))
        return cls(tuple(sorted(wholes | parts)), _joined(wholes), _joined(parts), "(" in title)

    def fits(self, other: LooseNames) -> bool:
        """Return True if the two may be one movie: at least one of them is meant as a whole."""
        return bool(
            self.wholes & other.wholes or self._is_part_of(other) or other._is_part_of(self)
        )

    def is_misspelt(self, other: LooseNames) -> bool:
        """Return True if a long name of one is a typo away, and no digit, from one of the other."""
        return any(
            _digits(name) == _digits(near) and typos.distances(name, [near])[0] <= 1
            for name in self.wholes
            if len(name) >= _MIN_LETTERS_MISSPELT
            for near in other.wholes
            if abs(len(near) - len(name)) <= 1
        )

    def _is_part_of(self, other: LooseNames) -> bool:
        """Return True if the other has this title as a part; of one with brackets, both names."""
        return len(self.wholes & other.parts) > self.has_brackets


def nearest(movies: Iterable[MovieText], title: str, year: int | None) -> MovieText | None:
    """Return the movie of `movies`, which all have the name `title`, that is nearest to `year`.

    It is at most one year away, and that only with the same article; without `year` it is the
    first. A movie whose own year nobody knows comes last.
    """
    if year is None:
        return next(iter(movies), None)
    article = _article(title)

    def years_apart(movie: MovieText) -> float:
        if movie.year is None:
            return _MAX_YEARS_APART
        return abs(movie.year - year) + (0 if _article(movie.title) == article else 0.5)

    best = min(movies, key=years_apart, default=None)
    return best if best and years_apart(best) <= _MAX_YEARS_APART else None


def likely(movies: Iterable[MovieText], title: str, year: int | None) -> MovieText | None:
    """Return the only movie of `movies` of exactly `year` with a looser name of `title`."""
    if year is None:
        return None
    names = LooseNames.of(title)
    others = [(movie, LooseNames.of(movie.title)) for movie in movies if movie.year == year]
    for fits in (names.fits, names.is_misspelt):
        found = [movie for movie, other in others if fits(other)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _article(title: str) -> str:
    folded = fold(title)
    return folded.removesuffix(without_article(folded))


def _plain(text: str) -> str:
    """Return a name with abbreviations and numbers written in one way, "Part 2" as "2"."""
    own = words(_THREE_D.sub(" ", text))
    own = [_ABBREVIATED.get(word, word) for word in own if word != "presents"]
    own = [*own[:1], *(_NUMBERS.get(word, word) for word in own[1:])]
    kept = [
        word
        for word, following in zip_longest(own, own[1:], fillvalue="")
        if not (word in _NUMBERED and _NUMBER.fullmatch(following))
    ]
    return " ".join(kept)


def _digits(name: str) -> str:
    return "".join(filter(str.isdigit, name))


def _joined(names: Iterable[str]) -> frozenset[str]:
    joined = (without_article(name).replace(" ", "") for name in names)
    return frozenset(name for name in joined if len(name) >= _MIN_LETTERS)
