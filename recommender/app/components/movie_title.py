"""A movie's title as a visitor reads it: in their language, with the first title beside it.

One in a script that is read from right to left is isolated, so that it does not reorder what
stands beside it. Source: Unicode Standard Annex 9, section 2.4.
"""

from __future__ import annotations

import unicodedata

from recommender.app.components.markup import escape
from recommender.app.i18n.language import current_language
from recommender.core.records import Movie

_FROM_THE_RIGHT = ("R", "AL")
_ISOLATED = "\u2068{}\u2069"


def title_text(movie: Movie) -> str:
    """Return the title in the visitor's language, else the first one, as plain text."""
    title = movie.title_in(current_language())
    return _ISOLATED.format(title) if _has_right_to_left(title) else title


def title_html(movie: Movie) -> str:
    """Return the title in the visitor's language, else the first one, as HTML."""
    return _isolated(movie.title_in(current_language()))


def original_html(movie: Movie) -> str:
    """Return the first title, small, as HTML, where `title_html` gives another; else nothing."""
    if movie.title_in(current_language()) == movie.title:
        return ""
    return f'<small class="mt-original">{_isolated(movie.title)}</small>'


def _isolated(title: str) -> str:
    return f"<bdi>{escape(title)}</bdi>" if _has_right_to_left(title) else escape(title)


def _has_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(letter) in _FROM_THE_RIGHT for letter in text)
