"""Controls that several pages share: the user, the number of movies, the filters.

Every control is in the address, so that a link shows the sender's page to whoever opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict, TypeVar

import streamlit as st

from recommender.app.components import query_params
from recommender.app.components.markup import brief, plain
from recommender.app.i18n.language import genre_name, is_text, t
from recommender.app.server.configuration import settings
from recommender.core.errors import NotFoundError
from recommender.core.records import User
from recommender.models.registry import RANK_BY
from recommender.recommender import Recommender
from recommender.scoring.filters import Filters

MIN_COUNT, DEFAULT_COUNT = 5, 12
# What every list can be set to, as the address calls it.
FILTERS = ("n", "genres", "years", "fewest")
# As many as a description for search by meaning may have.
_MAX_QUERY_LETTERS = 1000
_CHOICE = ("variety", "obscurity")
T = TypeVar("T")
# A slider's ends, and where it usually is.
_Scale = tuple[float, float, float | tuple[float, float]]


def heading(title: str, subtitle: str) -> None:
    """Draw a page's title and the sentence under it."""
    st.title(title, anchor=False)
    st.markdown(subtitle)


def search_field(label: str, key: str, placeholder: str) -> str:
    """Draw a search field, and return what is typed into it, or the beginning of a long text."""
    text = st.text_input(
        label,
        key=key,
        type="search",
        placeholder=placeholder,
        icon=":material/search:",
        live=True,
    )
    return search_text(text)


def search_text(typed: str) -> str:
    """Return what is searched for when that is typed, or the beginning of a long text."""
    return typed.strip()[:_MAX_QUERY_LETTERS]


def _user_picker(matinee: Recommender) -> str | None:
    """Draw a field that offers users and takes any id, and return that; None while it is empty."""
    query_params.restore("user")
    chosen = st.selectbox(
        t("user.label"),
        [str(user_id) for user_id in matinee.users(settings().users_listed)],
        index=None,
        key="user",
        persist_state="session",
        accept_new_options=True,
        filter_mode="prefix",
        placeholder=t("user.placeholder", count=f"{matinee.statistics.users:,}"),
        help=t("user.help"),
        icon=":material/person_search:",
    )
    query_params.show("user", chosen)
    return chosen


def user_and_options(
    matinee: Recommender, draw_third: Callable[[], T]
) -> tuple[User | None, T, ListOptions]:
    """Draw one row: who the list is for, what `draw_third` draws and returns, and the options.

    Returns the user (None, and a sentence on the page, if there is none), what `draw_third`
    returned, and what the visitor wants of the list.
    """
    left, middle, right = st.columns([2, 2, 1], vertical_alignment="bottom")
    with middle:
        third = draw_third()
    with right:
        options = list_options(matinee)
    with left:
        chosen = _user_picker(matinee)
    return _chosen_user(matinee, chosen), third, options


def _chosen_user(matinee: Recommender, chosen: str | None) -> User | None:
    """Return the user that was picked; None, and a sentence on the page, if there is none."""
    if not chosen or not chosen.strip():
        example = next(iter(matinee.users(1)), "")
        st.info(t("user.empty", user=plain(str(example))), icon=":material/person_search:")
        return None
    try:
        return matinee.user(chosen)
    except NotFoundError:
        st.warning(t("user.unknown", user=plain(brief(chosen))), icon=":material/person_off:")
        return None


class Choice(TypedDict):
    """Variety and obscurity, 0 to 1 each, as `Recommender` takes them."""

    variety: float
    obscurity: float


@dataclass(frozen=True)
class ListOptions:
    """The values of the filters and the other controls of a list; see `Recommender`.

    Attributes:
        cleared: what each control has that was not set, by key; empty while none is set.
    """

    count: int
    filters: Filters
    variety: float = 0.0
    obscurity: float = 0.0
    cleared: Mapping[str, object] = field(default_factory=dict)

    @property
    def choice(self) -> Choice:
        """Variety and obscurity, as keyword arguments."""
        return {"variety": self.variety, "obscurity": self.obscurity}


def list_options(matinee: Recommender, *, choice: bool = True) -> ListOptions:
    """Draw the controls of a list behind a button that counts those set, and return their values.

    Args:
        choice: whether variety and obscurity are offered.
    """
    most = settings().recommendations
    first, last = whole = matinee.years
    scales: dict[str, _Scale] = {
        "n": (MIN_COUNT, most, min(DEFAULT_COUNT, most)),
        "fewest": (0, 100, 0),
    }
    if first < last:
        scales["years"] = (first, last, whole)
    if choice:
        scales |= dict.fromkeys(_CHOICE, (0.0, 1.0, 0.0))
    query_params.restore("genres", matinee.genres, many=True)
    for key, scale in scales.items():
        query_params.restore_numbers(key, *scale)
    cleared: dict[str, object] = {"genres": []} if st.session_state.get("genres") else {}
    for key, (_, _, usual) in scales.items():
        if key != "n" and st.session_state[key] != usual:
            cleared[key] = usual
    label = t("filter.on", count=len(cleared)) if cleared else t("filter.label")
    with st.popover(label, icon=":material/filter_list:", width="stretch"):
        count = st.slider(t("filter.count"), MIN_COUNT, most, key="n", persist_state="session")
        genres = st.multiselect(
            t("filter.genres"),
            matinee.genres,
            format_func=genre_name,
            key="genres",
            persist_state="session",
            placeholder=t("filter.genres_all"),
        )
        years = whole
        if first < last:
            st.slider(t("filter.years"), *whole, key="years", persist_state="session")
            years = st.session_state["years"]
        fewest = st.slider(
            t("filter.min_ratings"), 0, 100, step=5, key="fewest", persist_state="session"
        )
        variety, obscurity = (_share(key) if choice else 0.0 for key in _CHOICE)
        _clear("filters_clear", cleared)
    query_params.show("genres", genres)
    for key, (_, _, usual) in scales.items():
        query_params.show(key, st.session_state[key], default=usual)
    filters = Filters(tuple(genres), None if years == whole else years, fewest)
    return ListOptions(count, filters, variety, obscurity, cleared)


def _share(key: str) -> float:
    """A slider from 0 to 1."""
    label, help_text = t(f"filter.{key}"), t(f"filter.{key}_help")
    return st.slider(label, 0.0, 1.0, step=0.1, key=key, persist_state="session", help=help_text)


def rank_by() -> str:
    """Draw the choice of the order of a list, and return the order."""
    query_params.restore("order", RANK_BY, usual=RANK_BY[0])
    chosen = st.segmented_control(
        t("rank_by.label"),
        RANK_BY,
        format_func=_order_name,
        default=RANK_BY[0] if "order" not in st.session_state else None,
        required=True,
        key="order",
        persist_state="session",
        help=t("rank_by.help"),
    )
    query_params.show("order", chosen, default=RANK_BY[0])
    return chosen or RANK_BY[0]


def _order_name(model: str) -> str:
    key = f"rank_by.{model}"
    return t(key) if is_text(key) else model.replace("_", " ").capitalize()


def nothing_found(wishes: ListOptions) -> None:
    """Draw the sentence that the filters leave nothing, and what to do."""
    st.info(t("filter.nothing"), icon=":material/filter_list_off:")
    _clear("nothing_clear", wishes.cleared)


def _clear(key: str, cleared: Mapping[str, object]) -> None:
    """Draw the button that clears the filters, if any is set."""
    if cleared:
        update, icon = st.session_state.update, ":material/filter_list_off:"
        st.button(t("filter.clear"), key=key, icon=icon, on_click=update, args=(cleared,))
