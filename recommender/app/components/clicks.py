"""Clicks on lists of movies, which are HTML of our own: links, and buttons for small actions.

Widgets would be two or three messages a movie, each of which takes a lock of all sessions. So
`clicks.js` writes what is clicked into one hidden text field, which a page draws once.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from recommender.app.components.markup import escape
from recommender.app.components.movie_title import title_text
from recommender.app.i18n.language import t
from recommender.app.server.loading import initialize_recommender
from recommender.core.records import Id, Movie

_SCRIPT = Path(__file__).with_name("clicks.js").read_text("utf-8")
FIELD = "clicks"
# The clicks that were taken up last: a quick second one may bring the first along again.
_TAKEN = "clicks.taken"
_MAX_REMEMBERED = 200
_MAX_LETTERS = 100_000
Actions = Mapping[str, Callable[[Id, str], object]]


def script() -> str:
    """Return the script of the page, with the texts that it writes in the visitor's language."""
    texts = {
        "of": t("stars.of", count="{count}", most=5),
        "remove": t("act.remove_stars"),
        "list": t("act.new_list", count="{count}"),
    }
    return f"window.matineeTexts = {json.dumps(texts)};\n{_SCRIPT}"


def button(action: str, movie: Movie, text: str, icon_name: str) -> str:
    """Return the HTML of a button, an icon that does `action` with `movie`; see `receive`.

    Args:
        icon_name: see `icon`.
    """
    return (
        f'<button type="button" data-act="{action}" data-movie="{escape(str(movie.movie_id))}" '
        f'data-value="{action}" title="{escape(text)}" aria-label="{_label(text, movie)}">'
        f"{icon(icon_name)}</button>"
    )


def link(address: str, movie: Movie, text: str, icon_name: str) -> str:
    """Return the HTML of a link to `address`, a page of the app, as `button`."""
    return (
        f'<a href="{escape(address)}" aria-label="{_label(text, movie)}">'
        f"{icon(icon_name)}{escape(text)}</a>"
    )


def receive(actions: Actions) -> None:
    """Draw the field by which clicks come, and do for each what `actions` names.

    Call it before what the actions change is read.

    Args:
        actions: functions of a module, since the session keeps them; they get the movie and the
            button's value.
    """
    if st.session_state.get(FIELD):
        _take(actions)
    if st.text_input(
        FIELD, key=FIELD, label_visibility="collapsed", on_change=_take, args=(actions,)
    ):
        # The page comes from a server that has gone before it took them up.
        st.rerun()


def _take(actions: Actions) -> None:
    """Do what was clicked, and empty the field, by which the browser knows."""
    taken = st.session_state.setdefault(_TAKEN, deque(maxlen=_MAX_REMEMBERED))
    for number, action, movie_id, value in _read(st.session_state[FIELD]):
        if number not in taken and action in actions:
            taken.append(number)
            for movie in initialize_recommender().movies([movie_id]):
                actions[action](movie.movie_id, value)
    st.session_state[FIELD] = ""


def _read(text: str) -> list[tuple[str, ...]]:
    """Return number, action, movie and value of each click; none if the text is not ours."""
    try:
        return [
            (str(number), str(action), str(movie), str(value))
            for number, action, movie, value in json.loads(text[:_MAX_LETTERS])
        ]
    except (ValueError, TypeError, RecursionError):
        return []


def _label(text: str, movie: Movie) -> str:
    return escape(f"{text}: {title_text(movie)}")


def icon(name: str) -> str:
    """Return the HTML of an icon, by its name among Google's Material Symbols."""
    return f'<i class="mt-icon" aria-hidden="true">{name}</i>'
