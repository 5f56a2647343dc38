"""Movie cards: the one way in which a movie is shown.

The inside of a card is HTML of our own, so every text that comes from outside is escaped here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from recommender.app.components.addresses import of_movies
from recommender.app.components.markup import escape
from recommender.app.components.movie_title import original_html, title_html, title_text
from recommender.app.i18n.catalogues import DEFAULT, TEXTS
from recommender.app.i18n.language import genre_name, t
from recommender.core.records import Movie, RatedMovie, Reason, Recommendation
from recommender.core.text_folding import fold

# The content model writes genres in its own way ("sci fi"); these are their names in the texts.
GENRES_BY_TERM = {
    fold(key.removeprefix("genre.")): key.removeprefix("genre.")
    for key in TEXTS[DEFAULT]
    if key.startswith("genre.")
}
# Gives the address of a movie's poster.
Poster = Callable[[Movie], str]


def grid(
    movies: Sequence[Movie],
    body: Callable[[int], str],
    foot: Callable[[Movie], str],
    poster: Poster,
) -> None:
    """Draw cards side by side, as many as fit: one message, however many they are.

    Args:
        body: gives the HTML under the title of the i-th movie.
        foot: gives the HTML that stands side by side at the foot of a movie's card.
        poster: gives the address of a movie's poster.
    """
    address = of_movies()
    items = "".join(
        f'<li><article class="mt-card">{image(movie, poster)}{_title(movie, address)}{body(i)}'
        f"<footer>{foot(movie)}</footer></article></li>"
        for i, movie in enumerate(movies)
    )
    st.html(f'<ul class="mt-cards" role="list">{items}</ul>')


def shelf(
    title: str,
    movies: Sequence[Movie],
    foot: Callable[[Movie], str],
    poster: Poster,
) -> None:
    """Draw cards in a row that scrolls sideways, under its heading: one message.

    The arguments are those of `grid`.
    """
    address = of_movies()
    items = "".join(
        f'<li><article class="mt-card">{image(movie, poster)}{_title(movie, address)}'
        f"{average(movie)}<footer>{foot(movie)}</footer></article></li>"
        for movie in movies
    )
    st.html(
        f'<section class="mt-shelf"><h2>{escape(title)}</h2>'
        f'<ul class="mt-row" role="list">{items}</ul></section>'
    )


def hero(label: str, movie: Movie, body: str, foot: str, poster: Poster) -> None:
    """Draw one movie above all others.

    Args:
        label: is written over the title.
        body: the HTML under it.
        foot: the HTML at the foot.
    """
    link = _link(movie, of_movies())
    year = f"<span>{movie.year}</span>" if movie.year else ""
    st.html(
        f'<article class="mt-card mt-hero">{image(movie, poster)}<div><p>{escape(label)}</p>'
        f"<header><h2>{link}</h2>{original_html(movie)}{year}</header>{body}"
        f"<footer>{foot}</footer></div></article>"
    )


def facts(movie: Movie, stars: float | None = None, *, always: bool = False) -> str:
    """The lines under a title: genres, predicted stars, average rating.

    Args:
        stars: the prediction, which is shown where it speaks for the movie: at its own average or
            above, as both are written.
        always: show it in any case, since the list is ordered by it.
    """
    genres = "".join(f"<li>{escape(genre_name(genre))}</li>" for genre in movie.genres)
    lines = [f'<ul class="mt-genres">{genres}</ul>']
    if stars is not None and (always or round(stars, 1) >= round(movie.mean_rating or 0.0, 1)):
        predicted = escape(t("card.predicted"))
        lines.append(f'<p class="mt-stars"><b>★ {stars:.1f}</b> {predicted}</p>')
    return "".join(lines) + average(movie)


def average(movie: Movie) -> str:
    """Return the line with a movie's average rating as HTML."""
    if not movie.n_ratings:
        text = t("card.unrated")
    elif movie.mean_rating is None:
        text = t("card.count", count=f"{movie.n_ratings:,}")
    elif movie.n_ratings == 1:
        text = t("card.average_of_one", mean=f"{movie.mean_rating:.1f}")
    else:
        text = t("card.average", mean=f"{movie.mean_rating:.1f}", count=f"{movie.n_ratings:,}")
    return f'<p class="mt-average">{escape(text)}</p>'


def reasons(item: Recommendation, otherwise: str = "") -> str:
    """Return the reasons as HTML: the rated movies and the terms that brought most to the score.

    Args:
        otherwise: is said where no movie is a reason.
    """
    lines = [because(item.reasons)] if item.reasons else [otherwise] if otherwise else []
    if item.terms:
        lines.append(t("card.shared", terms=", ".join(map(_term_name, item.terms))))
    return "".join(f'<p class="mt-why">{escape(line)}</p>' for line in lines)


def because(found: Sequence[Reason]) -> str:
    """Return the sentence that names the movies for which another one is recommended."""
    return t("card.because", titles=" · ".join(title_text(reason.movie) for reason in found))


def _term_name(term: str) -> str:
    """A term of the content model as people say it."""
    kind, colon, name = term.partition(":")
    if kind == "decade":
        return t("card.decade", decade=name)
    if kind == "genre":
        return genre_name(GENRES_BY_TERM.get(name, name))
    return name if colon else term


def meter(label: str, share: float, value: str, kind: str = "") -> str:
    """A labelled bar, filled to `share` (0..1); `kind` picks its colour in the styles."""
    width = 100 * min(1.0, max(0.0, share))
    return (
        f'<div class="mt-meter {kind}"><span>{escape(label)}</span><b>{escape(value)}</b>'
        f'<i style="--share:{width:.1f}%"></i></div>'
    )


def strip(rated: Sequence[RatedMovie], poster: Poster, *, has_stars: bool) -> None:
    """A row of small posters, with the stars that a user gave if the data have any."""
    address = of_movies()
    items = "".join(
        f"<li>{image(item.movie, poster)}<b>{_link(item.movie, address)}</b>"
        f"<span>{item.movie.year or ''}</span>"
        f"{f'<em>★ {item.rating:g}</em>' if has_stars else ''}</li>"
        for item in rated
    )
    st.html(f'<ul class="mt-strip" role="list">{items}</ul>')


def single(movie: Movie, poster: Poster) -> None:
    """One movie, large: what a page is about."""
    title = _title(movie, of_movies(), "h2")
    st.html(
        f'<article class="mt-card mt-single">{image(movie, poster)}'
        f"<div>{title}{facts(movie)}</div></article>"
    )


def _title(movie: Movie, address: Callable[[Movie], str], level: str = "h3") -> str:
    year = f"<span>{movie.year}</span>" if movie.year else ""
    title = f"<{level}>{_link(movie, address)}</{level}>"
    return f"<header>{title}{original_html(movie)}{year}</header>"


def _link(movie: Movie, address: Callable[[Movie], str]) -> str:
    """Return the link to a movie's page, which the styles spread over its poster."""
    return f'<a href="{escape(address(movie))}">{title_html(movie)}</a>'


def image(movie: Movie, poster: Poster) -> str:
    """Return the HTML of a poster, which says nothing that the title beside it does not."""
    return f'<img alt="" width="200" height="300" loading="lazy" src="{escape(poster(movie))}">'
