"""Addresses of the app's pages, for links in HTML of our own."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from recommender.app.components import query_params
from recommender.app.i18n import language
from recommender.core.records import Movie

MOVIE, MOVIE_ID = "movie", "id"


def address(path: str, *kept: str, **query: str) -> str:
    """Return the address of the page at `path`, with `query`.

    What the page would write into the address itself comes along, or the back button would lead to
    the address before it was written: the language, and the widgets that are `kept`.
    """
    shown = {key: query_params.shown(key) for key in (*kept, language.KEY)}
    text = urlencode({**shown, **query}, doseq=True)
    return f"{path or './'}{f'?{text}' if text else ''}"


def of_movies() -> Callable[[Movie], str]:
    """Return what gives the address of a movie's own page."""
    beginning = address(MOVIE)
    mark = "&" if "?" in beginning else "?"
    return lambda movie: f"{beginning}{mark}{urlencode({MOVIE_ID: str(movie.movie_id)})}"
