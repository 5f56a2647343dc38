"""Five stars to click, whatever scale the catalogue is rated on."""

from __future__ import annotations

import streamlit as st

from recommender.app.components.markup import plain
from recommender.app.i18n.language import t
from recommender.app.server.visitor import current_visitor, profile_errors_as_text
from recommender.core.records import Id, Movie

_STARS = 5


def stars_of(index: int, scale: tuple[float, float]) -> float:
    """Return the rating that the star at `index` (0..4) stands for.

    On scales that begin near zero a star is a fifth of the highest rating (1 to 5 on 0.5..5, 2 to
    10 on 1..10); on others the five stars stand evenly between the ends.
    """
    low, high = scale
    if 0 <= low <= high / _STARS:
        return high * (index + 1) / _STARS
    return low + (high - low) * index / (_STARS - 1)


def index_of(rating: float, scale: tuple[float, float]) -> int:
    """Return the index of the star nearest to `rating`, the upper one of two."""
    return min(range(_STARS), key=lambda i: (abs(stars_of(i, scale) - rating), -i))


def waiting() -> str:
    """Return the Markdown behind a title whose last rating is not saved yet."""
    return f" :orange-badge[:material/cloud_off: {t('my_ratings.waits')}]"


def row(
    movie: Movie, rating: float | None, scale: tuple[float, float], key: str, *, waits: bool
) -> None:
    """Draw a movie's title and five stars; a click rates, a second one on the same takes back.

    A rating between two stars (from a file) stands beside the title in figures. If the last click
    `waits` to be saved, the title says so.
    """
    title = f"**{plain(movie.title)}**"
    if movie.year:
        title += f" :small[{movie.year}]"
    if rating is not None and stars_of(index_of(rating, scale), scale) != rating:
        title += f" :small[★ {rating:g}]"
    if waits:
        title += waiting()
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small"):
        st.markdown(title, width="stretch")
        # The widget shows what is kept, also when another tab or an error changed that.
        st.session_state[key] = None if rating is None else index_of(rating, scale)
        st.feedback("stars", key=key, on_change=_rate, args=(movie.movie_id, scale, key))


def _rate(movie_id: Id, scale: tuple[float, float], key: str) -> None:
    index = st.session_state[key]
    with profile_errors_as_text():
        visitor = current_visitor()
        if index is None:  # a click on the star that was shown
            before = visitor.store.ratings_of(visitor.secret).stars.get(movie_id)
            if before is None:
                return
            index = index_of(before, scale)
            if stars_of(index, scale) == before:
                visitor.store.remove(visitor.secret, movie_id)
                return
            # It stood for a rating between two stars, so this click means the star itself.
        visitor.store.rate(visitor.secret, {movie_id: stars_of(index, scale)})
