"""Me: a visitor's taste, how much they have said, and their data."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from recommender.app.components import (
    card_actions,
    cards,
    controls,
    frame,
    own_ratings,
    ratings_file,
    taste,
)
from recommender.app.components.addresses import address
from recommender.app.components.markup import escape
from recommender.app.i18n.language import genre_name, t
from recommender.app.pages import my_ratings, url_path
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.loading import initialize_recommender
from recommender.recommender import Recommender
from recommender.visitors.records import VisitorRatings

# A difference of so many stars is no difference.
_ALIKE = 0.1


def page() -> st.Page:
    """Return the page about the visitor."""
    return st.Page(_draw, title=t("me.menu"), icon=":material/face:", url_path="me")


@frame.body
def _draw() -> None:
    controls.heading(t("me.title"), t("me.subtitle"))
    matinee = initialize_recommender()
    ratings = card_actions.receive().ratings
    _counts(ratings)
    left, right = st.columns(2, gap="large")
    with left:
        _taste(matinee, ratings)
    with right:
        ratings_file.export(matinee, ratings)
        st.page_link(
            my_ratings.page(),
            label=t("me.import"),
            icon=":material/upload:",
            query_params={my_ratings.PART: "file"},
        )
        ratings_file.delete(ratings)


def _counts(ratings: VisitorRatings) -> None:
    """Draw how many movies have which mark, each a link to them."""

    def number(part: str, name: str, count: int) -> str:
        where = escape(address(url_path("my_ratings"), **{my_ratings.PART: part}))
        return f'<div><dt><a href="{where}">{escape(name)}</a></dt><dd>{count:,}</dd></div>'

    numbers = (
        number("saved", t("me.saved"), len(ratings.marked("saved"))),
        number("rated", t("me.rated"), len(ratings.ratings)),
        number("seen", t("me.seen"), len(ratings.marked("seen"))),
        number("hidden", t("act.hide"), len(ratings.marked("hidden"))),
    )
    st.html(f'<dl class="mt-numbers">{"".join(numbers)}</dl>')


def _taste(matinee: Recommender, ratings: VisitorRatings) -> None:
    given = own_ratings.usable(ratings, matinee)
    st.header(t("me.taste"), anchor=False)
    if not given:
        st.info(t("me.no_taste"), icon=":material/star:")
        return
    with guarded_action("action.me", matinee.max_bytes):
        found = taste.of(matinee.movies(given), given)
    parts = [
        _bars(t("me.genres"), [(genre_name(bar.name), bar) for bar in found.genres]),
        _bars(t("me.decades"), [(t("card.decade", decade=b.name), b) for b in found.decades]),
    ]
    if found.own_mean is not None and found.others_mean is not None:
        parts.append(_beside_others(matinee, found.own_mean, found.others_mean))
    st.html(f'<div class="mt-taste">{"".join(parts)}</div>')


def _bars(heading: str, bars: Sequence[tuple[str, taste.Bar]]) -> str:
    if not bars:
        return ""
    most = max(bar.weight for _, bar in bars)
    meters = "".join(
        cards.meter(
            name,
            bar.weight / most if most > 0 else 0.0,
            t("me.bar", mean=f"{bar.mean:.1f}", count=f"{bar.count:,}"),
        )
        for name, bar in bars
    )
    return f"<section><h3>{escape(heading)}</h3>{meters}</section>"


def _beside_others(matinee: Recommender, own: float, others: float) -> str:
    """Return whether the visitor is harsh or kind, as HTML."""
    difference = f"{abs(own - others):.1f}"
    if abs(own - others) < _ALIKE:
        sentence = t("me.even")
    elif own > others:
        sentence = t("me.kind", difference=difference)
    else:
        sentence = t("me.harsh", difference=difference)
    low, high = matinee.scale
    meters = "".join(
        cards.meter(name, (mean - low) / (high - low), f"★ {mean:.1f}")
        for name, mean in ((t("me.own_mean"), own), (t("me.others_mean"), others))
    )
    heading = escape(t("me.strictness"))
    return f"<section><h3>{heading}</h3><p>{escape(sentence)}</p>{meters}</section>"
