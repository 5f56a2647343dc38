"""Ratings that are written in signs or words: 4/5, 8 out of 10, 80%, ★★★½, 4 stars, liked."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = r"(\d{1,3}(?:[.,]\d{1,3})?)"
_OF = re.compile(rf"{_NUMBER} ?(?:/|out of|of) ?(\d{{1,3}})(?:[.,]0+)?(?: stars?)?", re.ASCII)
_PERCENT = re.compile(rf"{_NUMBER} ?[%％]", re.ASCII)
_STARS = re.compile(rf"{_NUMBER} ?(?:stars?|★|⭐)", re.ASCII)
_SIGNS = re.compile("([★⭐🌟]{0,10})(½?)([☆✩]{0,10})")
_YES = frozenset(("true", "yes", "like", "liked", "likes", "thumbs up", "recommended", "👍"))
_NO = frozenset(("false", "no", "dislike", "disliked", "thumbs down", "not recommended", "👎"))
# After an emoji: how it is drawn, and the colour of its skin.
_DRAWN = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_USUAL_STARS, _MOST_STARS = 5, 10


def read_rating(text: str) -> tuple[float, float | None] | None:
    """Return the number that a rating in signs or words says, and the highest on its scale.

    Returns:
        None where it is another text, a plain number for one; no highest where it does not say.
    """
    text = _DRAWN.sub("", text.strip().lower())
    if text in _YES or text in _NO:
        return float(text in _YES), 1.0
    if match := _OF.fullmatch(text):
        given, highest = _float(match[1]), float(match[2])
        return (given, highest) if given <= highest else None
    if match := _PERCENT.fullmatch(text):
        given = _float(match[1])
        return (given, 100.0) if given <= 100 else None
    if match := _STARS.fullmatch(text):
        return _float(match[1]), None
    if text and (match := _SIGNS.fullmatch(text)):
        given = len(match[1]) + len(match[2]) / 2
        signs = len(match[1] + match[2] + match[3])
        return given, float(_USUAL_STARS if signs <= _USUAL_STARS else _MOST_STARS)
    return None


def read_ratings(texts: Iterable[str]) -> tuple[dict[str, float], float | None] | None:
    """Return the numbers of ratings that are all in signs or words, and the highest on their scale.

    Returns:
        None where one of them is not, or where they are on several scales.
    """
    found = {text: read_rating(text) for text in texts}
    read = {text: one for text, one in found.items() if one is not None}
    scales = {highest for _, highest in read.values()}
    if not read or len(read) < len(found) or len(scales) > 1:
        return None
    return {text: given for text, (given, _) in read.items()}, scales.pop()


def _float(number: str) -> float:
    return float(number.replace(",", "."))
