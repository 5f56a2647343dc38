"""The facts of one movie as its page shows them."""

from __future__ import annotations

from recommender.app.components import cards
from recommender.app.components.markup import escape
from recommender.app.components.movie_title import original_html, title_html
from recommender.app.i18n.language import t
from recommender.core.records import Movie, MovieDetails

_HOUR = 60  # minutes


def panel(movie: Movie, details: MovieDetails, poster: str, reason: str, stars: str) -> str:
    """Return the HTML of a movie's page above the movies close to it.

    Args:
        poster: the address of its picture.
        reason: why it would be recommended; empty where no rating speaks for it.
        stars: the row in which the visitor rates, see `stars.row`.
    """
    line = [str(movie.year or ""), _duration(details.runtime), details.country or ""]
    told = " · ".join(filter(None, line))
    parts = [f"<h1>{title_html(movie)}</h1>{original_html(movie)}"]
    if told:
        parts.append(f'<p class="mt-line">{escape(told)}</p>')
    parts.append(cards.facts(movie))
    parts.append(f'<ul class="mt-rows" role="list">{stars}</ul>')
    if reason:
        parts.append(f'<p class="mt-why">{escape(reason)}</p>')
    if details.plot:
        parts.append(f'<p class="mt-plot">{escape(details.plot)}</p>')
    for label, text in (("movie.cast", details.cast), ("movie.tags", ", ".join(details.tags))):
        if text:
            parts.append(f"<p><b>{escape(t(label))}</b> {escape(text)}</p>")
    image = f'<img alt="" width="400" height="600" src="{escape(poster)}">'
    return f'<article class="mt-card mt-movie">{image}<div>{"".join(parts)}</div></article>'


def links(movie: Movie) -> str:
    """Return links to the movie elsewhere as Markdown, empty without any.

    A browser opens them in a tab of their own, and tells the other site nothing of this one.
    """
    found = []
    if movie.imdb_id:
        found.append(f"[IMDb](https://www.imdb.com/title/{movie.imdb_id}/)")
    if movie.tmdb_id:
        found.append(f"[TMDB](https://www.themoviedb.org/movie/{movie.tmdb_id})")
    return " · ".join(found)


def _duration(minutes: int | None) -> str:
    if not minutes:
        return ""
    hours, rest = divmod(minutes, _HOUR)
    return t("movie.hours", hours=hours, minutes=rest) if hours else t("movie.minutes", count=rest)
