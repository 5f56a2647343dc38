"""Five stars to click, whatever scale the catalogue is rated on."""

from __future__ import annotations

from recommender.app.components import clicks
from recommender.app.components.markup import escape
from recommender.app.components.movie_title import original_html, title_html, title_text
from recommender.app.i18n.language import t
from recommender.app.server.loading import initialize_recommender
from recommender.app.server.visitor import current_visitor, profile_errors_as_text
from recommender.core.records import Id, Movie

STARS = 5
_HALF_STARS = (0.5, 5.0)


def stars_of(index: float, scale: tuple[float, float]) -> float:
    """Return the rating that the star at `index` (0..4) stands for; half of it is at `index` - 0.5.

    On scales that begin near zero a star is a fifth of the highest rating (1 to 5 on 0.5..5, 2 to
    10 on 1..10); on others the five stars stand evenly between the ends.
    """
    low, high = scale
    if 0 <= low <= high / STARS:
        return high * (index + 1) / STARS
    return low + (high - low) * index / (STARS - 1)


def index_of(rating: float, scale: tuple[float, float]) -> int:
    """Return the index of the star nearest to `rating`, the upper one of two."""
    return min(range(STARS), key=lambda i: (abs(stars_of(i, scale) - rating), -i))


def step(scale: tuple[float, float]) -> float:
    """Return what can be given at least: half a star on a scale of half stars, else a whole one."""
    return 0.5 if scale == _HALF_STARS else 1.0


def counts(scale: tuple[float, float]) -> list[float]:
    """Return the numbers of stars that can be given, such as 0.5, 1, 1.5, …, 5."""
    least = step(scale)
    return [least * n for n in range(1, round(STARS / least) + 1)]


def count_of(rating: float, scale: tuple[float, float]) -> float:
    """Return the number of stars, of those that can be given, that is nearest to `rating`."""
    return min(counts(scale), key=lambda n: (abs(stars_of(n - 1, scale) - rating), -n))


def waiting() -> str:
    """Return the HTML behind a title whose last rating is not saved yet."""
    return f'<em class="mt-waits">{clicks.icon("cloud_off")}{escape(t("my_ratings.waits"))}</em>'


def row(
    movie: Movie,
    rating: float | None,
    scale: tuple[float, float],
    *,
    waits: bool,
    more: str = "",
) -> str:
    """Return the HTML of a movie's title and five stars, and of the buttons `more`; see `ACTIONS`.

    A click rates, one on the star that is shown takes back. A rating between two stars (from a
    file) stands beside the title in figures. If the last click `waits` to be saved, the title
    says so.
    """
    shown = None if rating is None else index_of(rating, scale)
    exact = shown is not None and stars_of(shown, scale) == rating
    title = f"<b>{title_html(movie)}</b>{original_html(movie)}"
    if movie.year:
        title += f" <small>{movie.year}</small>"
    if rating is not None and not exact:
        title += f" <small>★ {rating:g}</small>"
    if waits:
        title += waiting()
    label, named = escape(f"{t('stars.label')}: {title_text(movie)}"), escape(str(movie.movie_id))
    stars = "".join(
        f'<button type="button" role="radio" aria-checked="{str(i == shown).lower()}" '
        f'tabindex="{0 if i == (shown or 0) else -1}" '
        f'aria-label="{escape(t("stars.of", count=i + 1, most=STARS))}" '
        f'data-act="{"unrate" if exact and i == shown else "rate"}" data-movie="{named}" '
        f'data-value="{i}"></button>'
        for i in range(STARS)
    )
    return (
        f'<li><span>{title}</span><span class="mt-stars-row" role="radiogroup" '
        f'aria-label="{label}">{stars}</span>{more}</li>'
    )


def _rate(movie_id: Id, value: str) -> None:
    if value not in {str(i) for i in range(STARS)}:
        return
    with profile_errors_as_text():
        visitor = current_visitor()
        scale = initialize_recommender().scale
        visitor.store.rate(visitor.secret, {movie_id: stars_of(int(value), scale)})


def take_back(movie_id: Id, _: str) -> None:
    """Forget what the visitor said of a movie: stars or a mark."""
    with profile_errors_as_text():
        visitor = current_visitor()
        visitor.store.remove(visitor.secret, movie_id)


def mark_as_seen(movie_id: Id, _: str) -> None:
    """Keep that the visitor has seen a movie."""
    with profile_errors_as_text():
        visitor = current_visitor()
        visitor.store.mark(visitor.secret, movie_id, "seen")


# What the stars of `row` ask for; see `clicks.receive`.
ACTIONS: clicks.Actions = {"rate": _rate, "unrate": take_back}
