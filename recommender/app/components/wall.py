"""A wall of posters to tap, and the picks that the taps lead to: what a newcomer sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from recommender.app.components import cards
from recommender.app.components.addresses import address, of_movies
from recommender.app.components.markup import escape
from recommender.app.components.movie_title import title_html, title_text
from recommender.app.i18n.language import t
from recommender.core.records import Id, Movie

# As many taps as the first picks need.
TAPS = 3
# What a tap says: the last of five stars, see `stars.row`.
_LIKED = "4"
_INTO_SIGHT = """document.querySelector(".mt-picks")
    ?.scrollIntoView({block: "nearest", behavior: "smooth"})"""


def draw(movies: Sequence[Movie], liked: Mapping[Id, float], poster: cards.Poster) -> None:
    """Draw the posters: a tap says that one liked the movie, another takes it back."""
    tiles = "".join(_tile(movie, movie.movie_id in liked, poster) for movie in movies)
    st.html(f'<ul class="mt-wall" role="list">{tiles}</ul>')


def slots(liked: Sequence[Movie], poster: cards.Poster) -> None:
    """Draw places for the taps, in the room that the picks take afterwards."""
    tiles = "".join(
        f"<li>{cards.image(movie, poster)}<b>{title_html(movie)}</b></li>" for movie in liked
    )
    empty = "".join(
        f'<li aria-hidden="true"><i class="mt-slot">{number}</i></li>'
        for number in range(len(liked) + 1, TAPS + 1)
    )
    _strip(escape(t("tonight.slots", count=len(liked), most=TAPS)), tiles + empty)


def picks(movies: Sequence[Movie], poster: cards.Poster) -> None:
    """Draw what the taps lead to."""
    where = of_movies()
    tiles = "".join(
        f'<li>{cards.image(movie, poster)}<b><a href="{escape(where(movie))}">{title_html(movie)}'
        f"</a></b><span>{movie.year or ''}</span></li>"
        for movie in movies
    )
    _strip(f'<a href="{escape(address(""))}">{escape(t("tonight.more"))}</a>', tiles)


def bring_into_sight() -> None:
    """Scroll to the picks when they come; draw it below all that must not move."""
    st.html(f"<script>{_INTO_SIGHT}</script>", unsafe_allow_javascript=True)


def _strip(text: str, tiles: str) -> None:
    st.html(
        f'<section class="mt-picks"><h2>{escape(t("tonight.picks"))}</h2>'
        f'<p role="status">{text}</p><ul class="mt-strip" role="list">{tiles}</ul></section>'
    )


def _tile(movie: Movie, liked: bool, poster: cards.Poster) -> str:
    label = escape(f"{t('tonight.liked')}: {title_text(movie)}")
    return (
        f'<li><button type="button" data-act="{"unrate" if liked else "rate"}" '
        f'data-movie="{escape(str(movie.movie_id))}" data-value="{_LIKED}" '
        f'aria-pressed="{str(liked).lower()}" aria-label="{label}">'
        f"{cards.image(movie, poster)}<span>{title_html(movie)}</span></button></li>"
    )
