"""Movie titles as MovieLens writes them, turned into titles as people write them."""

from __future__ import annotations

import re

# "(1995)", "(2007-)", "(1975-1979)", "(2006–07)" at the end of a title, after some text.
_YEAR = re.compile(r"(.*\S)\s*\(((?:18|19|20)\d\d)(?:\s*[-–—]\s*(?:\d{4}|\d\d)?)?\s*\)", re.DOTALL)

_ARTICLES = (
    *("The", "A", "An"),  # English
    *("Le", "La", "Les", "L'", "L’", "Un", "Une", "Des"),  # French
    *("Der", "Die", "Das", "Den", "Dem", "Ein", "Eine"),  # German
    *("El", "Los", "Las", "Lo", "Una", "Unos", "Unas"),  # Spanish
    *("Il", "I", "Gli", "Uno", "Un'"),  # Italian
    *("O", "Os", "As", "Um", "Uma"),  # Portuguese
    *("De", "Het", "Een", "'t"),  # Dutch
    *("Det", "En", "Ett", "Et"),  # Danish, Norwegian, Swedish
)
_ANY_ARTICLE = "|".join(_ARTICLES)
_MOVED = re.compile(rf"((?i:a\.?k\.?a\.?:?\s+)?)(\S.*),\s*({_ANY_ARTICLE})", re.DOTALL)
_MOVED_PAST_PARENTHESES = re.compile(rf"(.*\)),\s*({_ANY_ARTICLE})", re.DOTALL)


def split_year(title: str) -> tuple[str, int | None]:
    """Return the title without the year of release in parentheses at its end, and that year.

    The first year of a range counts. A title that is nothing but a year stays as it is.
    """
    match = _YEAR.fullmatch(title.strip())
    if not match:
        return title.strip(), None
    return match[1], int(match[2])


def restore_articles(title: str) -> str:
    """Return the title with its article in front: "Matrix, The" becomes "The Matrix".

    Alternative titles in parentheses are treated the same way.
    """
    title = title.strip()
    if match := _MOVED_PAST_PARENTHESES.fullmatch(title):
        title = _join(match[2], match[1])
    return re.sub(r"[^()]+", _restore, title)


def _restore(part: re.Match[str]) -> str:
    text = part[0].strip()
    match = _MOVED.fullmatch(text)
    return part[0].replace(text, match[1] + _join(match[3], match[2])) if match else part[0]


def _join(article: str, name: str) -> str:
    return article + name if article.endswith(("'", "’")) else f"{article} {name}"
