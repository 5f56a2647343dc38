"""Finding a title by any of its parts.

All titles are read for each search: 87,585 take SQLite 7 to 14 ms (`benchmarks/scale.py`), and
nothing has to be kept in memory for it.
"""

from __future__ import annotations

import unicodedata

SCHEMA = """
CREATE TABLE titles (
    idx INTEGER PRIMARY KEY, folded TEXT NOT NULL, with_year TEXT NOT NULL,
    n_ratings INTEGER NOT NULL
);
"""
_ARTICLES = ("the ", "a ", "an ")


def fold(text: str) -> str:
    """`text` as search compares it: lower case, no accents, letters and digits apart by a space.

    Korean syllables stay whole: the decomposition that strips accents also takes syllables apart
    into their letters, which the final composition puts together again.
    """
    # Decomposed before the case is folded as well: some letters become capitals by it.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    composed = unicodedata.normalize("NFC", plain)
    return " ".join("".join(c if c.isalnum() else " " for c in composed).split())


def without_article(folded: str) -> str:
    """A folded title without a leading English article."""
    for article in _ARTICLES:
        folded = folded.removeprefix(article) or folded
    return folded


def title_row(index: int, title: str, year: int | None, n_ratings: int) -> tuple:
    """A row of the table `titles`."""
    folded = fold(title)
    return index, without_article(folded), f"{folded} {year or ''}".strip(), n_ratings


def title_query(text: str, limit: int) -> tuple[str, list[object]] | None:
    """The SQL, with its values, that gives the indices of the titles that hold every word of
    `text`, the best first; None where there is nothing to look for.

    The very title comes first, then titles that begin so, then those that hold the words as whole
    words, then the rest, and among equals the more often rated movie. A leading article does not
    count, and the year counts as a word.
    """
    folded = fold(text)
    if not folded or limit < 1:
        return None
    bare = without_article(folded)
    words = list(dict.fromkeys(folded.split()))
    holds = " AND ".join("instr(with_year, ?) > 0" for _ in words)
    whole = " AND ".join("instr(' ' || with_year || ' ', ?) > 0" for _ in words)
    sql = (
        f"SELECT idx FROM titles WHERE {holds} ORDER BY CASE WHEN folded = ? THEN 0 "
        f"WHEN instr(with_year, ?) = 1 OR instr(folded, ?) = 1 THEN 1 WHEN {whole} THEN 2 "
        "ELSE 3 END, n_ratings DESC, idx LIMIT ?"
    )
    return sql, [*words, bare, folded, bare, *(f" {word} " for word in words), limit]
