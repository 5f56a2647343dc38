"""Title search: sorted words and names in mapped arrays, looked up without holding any of it.

A search asks for what is quick and good first, and for the rest only while it has found too little:
names that are or begin with the text, titles that hold its words or words that begin so, then
parts of words (of names where a script may be written without spaces), and last words with typos
(see `typos`). Korean titles are also found by the initial consonants of their syllables.
"""

from __future__ import annotations

import re
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from itertools import compress, groupby
from pathlib import Path

import numpy as np

from recommender.bundle.bundle import Bundle
from recommender.bundle.writer import BundleWriter
from recommender.core import text_folding
from recommender.search import typos

# How well a title fits, the best first; TYPOS + 1 and TYPOS + 2 for one and two of them.
_EXACT, _BEGINS, _WHOLE_WORDS, _WORDS_BEGIN, _PARTS, _TYPOS = range(6)
_NO = 255
# With fewer titles than this, words that no title holds are taken for typos.
_FEW = 5
# Of a longer text the rest is left out, so that no text takes long.
_MAX_WORDS = 12
# What ends a word and a name in the sorted texts: below every letter, so "up" is before "upon".
_WORD_END, _NAME_END = "\n", "\t"
# What a name begins with that is the initial consonants of a Korean one: they are not its letters.
_INITIALS = "\x01"
# The same of the first letters of a title's words.
_ACRONYM = "\x02"
_YEAR = re.compile(r"(?:18|19|20)\d\d")


@dataclass(frozen=True)
class TitleIndex:
    """The words and names of all titles. "Fame" is a movie's place by its number of ratings.

    Memory: some 110 bytes a movie, memory-mapped when read from a bundle. A search takes some 20
    bytes for each word and one for each movie and word searched for.

    Attributes:
        movies: int32, shape (movies,): movie indices by fame, the most rated first.
        lengths: uint8, shape (movies,): how many words a title has, by fame.
        names: uint8: all names in order, in UTF-8, each with its year behind it; before all others
            the initial consonants of the Korean ones, and acronyms.
        name_starts: int32, shape (names + 1,): where each begins.
        name_movies: int32, shape (names,): whose it is, by fame.
        words: uint8: all different words in order, in UTF-8.
        word_starts: int32, shape (words + 1,): where each begins.
        signatures: uint64, shape (words,): see `typos.signature`.
        holder_starts: int32, shape (words + 1,): where each word's holders begin.
        holders: int32: which titles hold a word, by fame, word after word.
    """

    movies: np.ndarray
    lengths: np.ndarray
    names: np.ndarray
    name_starts: np.ndarray
    name_movies: np.ndarray
    words: np.ndarray
    word_starts: np.ndarray
    signatures: np.ndarray
    holder_starts: np.ndarray
    holders: np.ndarray

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> TitleIndex:
        """The index that `bundle` holds, memory-mapped."""
        return cls(*(bundle.array(f"titles_{field.name}") for field in fields(cls)))

    def save(self, writer: BundleWriter) -> None:
        """Write the arrays."""
        for field in fields(self):
            writer.save_array(f"titles_{field.name}", getattr(self, field.name))

    @classmethod
    def build(
        cls,
        titles: Iterable[tuple[int | None, tuple[str, ...]]],
        counts: np.ndarray,
        scratch: Path,
    ) -> TitleIndex:
        """Index titles. Memory: the index itself; what is to be sorted is sorted on disk.

        Args:
            titles: each movie's year and titles, one or more, in index order.
            counts: each movie's number of ratings, shape (movies,).
            scratch: a file to sort in, which is there only meanwhile.
        """
        movies = np.argsort(-counts.astype(np.int64), kind="stable").astype(np.int32)
        fame = np.empty_like(movies)
        fame[movies] = np.arange(len(movies), dtype=np.int32)
        lengths = np.zeros(len(movies), dtype=np.uint8)
        scratch.unlink(missing_ok=True)  # a killed run's
        try:
            with closing(sqlite3.connect(scratch)) as connection:
                connection.executescript(
                    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
                    "CREATE TABLE names (text TEXT, movie INTEGER);"
                    "CREATE TABLE words (text TEXT, movie INTEGER);"
                )
                for place, (year, own) in zip(fame.tolist(), titles, strict=True):
                    lengths[place] = min(255, text_folding.title_length(own[0]))
                    names = {name for title in own for name in _names(title)}
                    words = {
                        word for title in own for word in text_folding.title_words(title, year)
                    }
                    connection.executemany(
                        "INSERT INTO names VALUES (?, ?)",
                        ((_name(name, year), place) for name in names),
                    )
                    connection.executemany(
                        "INSERT INTO words VALUES (?, ?)", ((word, place) for word in words)
                    )
                return cls(movies, lengths, *_sorted_names(connection), *_sorted_words(connection))
        finally:
            scratch.unlink(missing_ok=True)

    def search(self, text: str, limit: int, *, loose: bool = True) -> list[int]:
        """Indices of the movies whose titles fit `text`, at most `limit`, the best first.

        A title fits when it holds every word of `text`, or a part of it or, when few do, a word
        that is one or two typos away; the year counts as a word. First come titles that are the
        very text, then those that begin so, those that hold its words, words that begin so, parts,
        and last typos; among equals the more often rated. Case, accents, punctuation, the order of
        the words and a leading article do not matter, nor do spaces for the beginning of a name,
        or for any part of one in another script than Latin. Initial consonants ("ㅋㅅㅂㄹㅋ") find
        the Korean titles whose syllables begin so. Where nothing fits, one word is taken for an
        acronym ("lotr") of a title or of what is before or behind its colon or dash.

        Args:
            loose: whether parts of words, acronyms and typos count.
        """
        typed = text_folding.words(text[: text_folding.MAX_QUERY_LETTERS])
        if not typed or limit < 1:
            return []
        words = list(dict.fromkeys(text_folding.without_article(" ".join(typed)).split()))[
            :_MAX_WORDS
        ]
        fits = np.full(len(self.movies), _NO, dtype=np.uint8)
        self._add_names(typed, fits)
        if initials := text_folding.typed_initials(text[: text_folding.MAX_QUERY_LETTERS]):
            self._add_initials(initials, fits)
            if fits.min() != _NO:
                found = np.flatnonzero(fits != _NO)
                return self.movies[found[np.argsort(fits[found], kind="stable")][:limit]].tolist()
        holding = [self._holding(word) for word in words]
        _all_words(holding, fits)
        if loose and np.count_nonzero(fits != _NO) < limit:
            for word, grades in zip(words, holding, strict=True):
                self._add_parts(word, grades)
            _all_words(holding, fits)
            if not (name := "".join(typed)).isascii():
                self._add_within(name, slice(0, len(self.name_movies)), fits)
        if loose and len(typed) == 1 and fits.min() == _NO:
            acronyms = _between(self.names, self.name_starts, _ACRONYM + typed[0] + _NAME_END)
            if named := sorted(set(self.name_movies[acronyms].tolist())):
                return self.movies[named][:limit].tolist()
        # A word that titles do hold is taken for a typo only when nothing is found with it.
        for known, enough in ((False, min(limit, _FEW)), (True, 1)) if loose else ():
            if np.count_nonzero(fits != _NO) >= enough:
                break
            for word, grades in zip(words, holding, strict=True):
                if (grades.min() == _WHOLE_WORDS) == known:
                    self._add_typos(word, grades)
            _all_words(holding, fits)
        found = np.flatnonzero(fits != _NO)
        return self.movies[found[self._order(fits, found, words, holding)][:limit]].tolist()

    def named(self, names: Iterable[str]) -> list[int]:
        """Indices of the movies that have one of `names` (`text_folding.title_names`), by fame."""
        holders: set[int] = set()
        for name in names:
            same = _between(self.names, self.name_starts, name + _NAME_END)
            holders.update(self.name_movies[same].tolist())
        return self.movies[sorted(holders)].tolist()

    def _order(
        self, fits: np.ndarray, found: np.ndarray, words: list[str], holding: list[np.ndarray]
    ) -> np.ndarray:
        """The order of the titles found: by fit, with typos by how well all the words fit, then
        by whether the title has no other words, then by fame."""
        fits = fits[found].astype(np.int16)
        misspelt = fits > _TYPOS
        words_fit = np.sum([grades[found] for grades in holding], axis=0, dtype=np.int16)
        typed = len(words) - bool(len(words) > 1 and _YEAR.fullmatch(words[-1]))
        longer = (self.lengths[found] != typed) & (misspelt | (fits == _WHOLE_WORDS))
        return np.lexsort((longer, np.where(misspelt, words_fit, 0), fits))

    def _add_names(self, typed: list[str], fits: np.ndarray) -> None:
        """Grade the titles with a name that is, or begins with, what was typed."""
        for text in (" ".join(typed), text_folding.without_article(" ".join(typed))):
            name = text.replace(" ", "")
            begins = _between(self.names, self.name_starts, name)
            fits[self.name_movies[begins]] = _BEGINS
            exact = [name + _NAME_END]
            before, _, last = text.rpartition(" ")
            if before and _YEAR.fullmatch(last):
                exact.append(before.replace(" ", "") + _NAME_END + last)
            for key in exact:
                same = _between(self.names, self.name_starts, key)
                fits[self.name_movies[same]] = _EXACT
            if begins.start < begins.stop:  # as it was typed; else without its article
                return

    def _add_initials(self, initials: str, fits: np.ndarray) -> None:
        """Grade the Korean titles by their initial consonants: the same, begin so, hold them."""
        every = _between(self.names, self.name_starts, _INITIALS)
        self._add_within(initials, every, fits)
        for end, grade in (("", _BEGINS), (_NAME_END, _EXACT)):
            found = _between(self.names, self.name_starts, _INITIALS + initials + end)
            fits[self.name_movies[found]] = grade

    def _add_within(self, text: str, names: slice, fits: np.ndarray) -> None:
        """Grade the titles with a name, one of those of these numbers, that holds `text`."""
        first, last = self.name_starts[[names.start, names.stop]].tolist()
        pattern = re.escape(text.encode())
        at = [match.start() for match in re.finditer(pattern, self.names[first:last].data)]
        numbers = np.searchsorted(self.name_starts, np.array(at, np.int64) + first, "right") - 1
        # Not the end of one and the beginning of the next.
        whole = self.name_starts[numbers + 1] >= np.array(at) + first + len(text.encode())
        movies = self.name_movies[numbers[whole]]
        fits[movies] = np.minimum(fits[movies], _PARTS)

    def _holding(self, word: str) -> np.ndarray:
        """Each title's grade by this word alone: holds it, or a word that begins so, or neither."""
        grades = np.full(len(self.movies), _NO, dtype=np.uint8)
        for text, grade in ((word, _WORDS_BEGIN), (word + _WORD_END, _WHOLE_WORDS)):
            numbers = _between(self.words, self.word_starts, text)
            first, last = self.holder_starts[[numbers.start, numbers.stop]]
            grades[self.holders[first:last]] = grade
        return grades

    def _add_parts(self, word: str, grades: np.ndarray) -> None:
        """Grade titles with a word that holds `word` somewhere; one letter is too little."""
        if len(word) < 2:
            return
        pattern = re.escape(word.encode())
        at = [match.start() for match in re.finditer(pattern, self.words.data)]
        numbers = np.searchsorted(self.word_starts, np.array(at, dtype=np.int32), "right") - 1
        # They ascend already; numpy.unique would import numpy.ma, which takes a megabyte.
        self._improve(grades, numbers[np.diff(numbers, prepend=-1) > 0], _PARTS)

    def _add_typos(self, word: str, grades: np.ndarray) -> None:
        """Grade titles with a word that `word` may be meant for; the longer of the two says how
        many typos are forgiven. A number is not misspelt: 1999 is not 1998."""
        most = 0 if word.isdigit() else typos.allowed(len(word) + 2)
        if not most:
            return
        near = typos.near(word, self.signatures, most)
        others = self._words(near)
        close = [abs(len(other) - len(word)) <= most for other in others]
        near, others = near[close], list(compress(others, close))
        apart = typos.distances(word, others)
        forgiven = [typos.allowed(max(len(word), len(other))) for other in others]
        for count in range(1, most + 1):
            self._improve(grades, near[(apart == count) & (apart <= forgiven)], _TYPOS + count)

    def _improve(self, grades: np.ndarray, numbers: np.ndarray, grade: int) -> None:
        """Give `grade` to the titles that hold one of these words, where theirs is worse."""
        starts = self.holder_starts[numbers]
        lengths = self.holder_starts[numbers + 1] - starts
        skipped = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        holders = self.holders[skipped + np.arange(len(skipped))]
        grades[holders] = np.minimum(grades[holders], grade)

    def _words(self, numbers: np.ndarray) -> list[str]:
        starts, ends = self.word_starts[numbers], self.word_starts[numbers + 1] - len(_WORD_END)
        text = self.words.data
        return [
            str(text[start:end], "utf-8")
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]


def _names(title: str) -> set[str]:
    """Return a title's names, its initial consonants where it is Korean, and its acronyms."""
    initials = {_INITIALS + name for name in text_folding.title_initials(title)}
    acronyms = {_ACRONYM + name for name in text_folding.title_acronyms(title)}
    return text_folding.title_names(title) | initials | acronyms


def _name(name: str, year: int | None) -> str:
    return f"{name}{_NAME_END}{year or ''}"


def _all_words(holding: list[np.ndarray], fits: np.ndarray) -> None:
    """A title fits as well as the worst of the words, where it has not been found otherwise."""
    np.minimum(fits, np.maximum.reduce(holding), out=fits)


def _between(texts: np.ndarray, starts: np.ndarray, beginning: str) -> slice:
    """Return the range of the sorted texts that begin with `beginning`."""

    def text(number: int) -> bytes:
        return texts[starts[number] : starts[number + 1]].tobytes()

    wanted, every = beginning.encode(), range(len(starts) - 1)
    first = bisect_left(every, wanted, key=text)
    # No UTF-8 holds the byte 255.
    return slice(first, bisect_left(every, wanted + b"\xff", lo=first, key=text))


def _sorted_names(connection: sqlite3.Connection) -> Iterator[np.ndarray]:
    """`names`, `name_starts` and `name_movies`."""
    texts, starts, movies = bytearray(), array("i", [0]), array("i")
    for text, movie in connection.execute("SELECT text, movie FROM names ORDER BY text, movie"):
        texts += text.encode()
        starts.append(len(texts))
        movies.append(movie)
    yield from (np.frombuffer(texts, np.uint8), _int32(starts), _int32(movies))


def _sorted_words(connection: sqlite3.Connection) -> Iterator[np.ndarray]:
    """`words`, `word_starts`, `signatures`, `holder_starts` and `holders`."""
    texts, starts, signatures = bytearray(), array("i", [0]), array("Q")
    holder_starts, holders = array("i", [0]), array("i")
    rows = connection.execute("SELECT text, movie FROM words ORDER BY text, movie")
    for text, group in groupby(rows, key=lambda row: row[0]):
        texts += (text + _WORD_END).encode()
        starts.append(len(texts))
        signatures.append(typos.signature(text))
        holders.extend(movie for _, movie in group)
        holder_starts.append(len(holders))
    yield from (np.frombuffer(texts, np.uint8), _int32(starts))
    yield from (np.frombuffer(signatures, np.uint64), _int32(holder_starts), _int32(holders))


def _int32(values: array[int]) -> np.ndarray:
    return np.frombuffer(values, dtype=np.int32)
