"""Keeping a choice in the page's address under a name that does not depend on the language.

Streamlit's own ``bind="query-params"`` writes an option as it is shown, so a link to a Korean page
would say ``method=내용`` and mean nothing to an English one; and it ties a name to one page, so
that what a link or the back button brings is lost on the next. So every widget uses this instead.

A name of the address counts once, when it was brought: by a link, by another page or by the back
button. In between the widget is ahead of the address, which the browser changes a little later.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

# How often the visitor came to another page, and what the widgets of this run say.
_PAGE, _ARRIVALS, _VALUES = "address.page", "address.arrivals", "address.values"
Value = str | float | Sequence[str] | Sequence[float] | None


def arrive(page: str) -> None:
    """Note that `page` is about to be drawn, for `restore`, which asks if it was there already."""
    st.session_state[_VALUES] = {}
    if page != st.session_state.get(_PAGE):
        st.session_state[_PAGE] = page
        st.session_state[_ARRIVALS] = st.session_state.get(_ARRIVALS, 0) + 1


def take(key: str, options: Collection[str] | None = None) -> list[str]:
    """Return the options that the address names under `key` now, without unknown ones."""
    return [v for v in st.query_params.get_all(key) if options is None or v in options]


def restore(
    key: str,
    options: Collection[str] | None = None,
    *,
    many: bool = False,
    usual: str | None = None,
) -> None:
    """Give the widget `key` the address's value when a link or the back button brought one.

    Call it before the widget. Without `options` it may be any text; it is `usual` where the back
    button brings an address from before it was set.
    """
    named = take(key, options)
    _bring(key, (named if many else named[0]) if named else None, [] if many else usual)


def restore_numbers(key: str, low: float, high: float, usual: float | tuple[float, float]) -> None:
    """Do what `restore` does for a slider from `low` to `high`, which is at `usual` at first."""
    pair = isinstance(usual, tuple)

    def fits(numbers: Sequence[float]) -> bool:
        return len(numbers) == 1 + pair and all(low <= number <= high for number in numbers)

    try:
        named = sorted(type(low)(text) for text in take(key))
    except ValueError:
        named = []
    _bring(key, (tuple(named) if pair else named[0]) if fits(named) else None, usual)
    # Another bundle or setting may have come since, with another scale.
    now = st.session_state.get(key, ())
    if not fits(now if isinstance(now, tuple) else (now,)):
        st.session_state[key] = usual


def _bring(key: str, named: object, usual: object) -> None:
    """Give the widget `key` what the address names, None for nothing, if that was brought now."""
    arrived = _arrived(key)
    if named is not None and (arrived or went_back()):
        st.session_state[key] = named
    elif arrived and key in st.session_state:
        # Else what a link brought to the page before is lost.
        st.session_state[key] = st.session_state[key]
    elif went_back() and key in st.session_state:
        # Else the page would write its value into the address again, and Back would lead nowhere.
        st.session_state[key] = usual


def brought(key: str) -> bool:
    """Return whether a link or the back button has brought an address, for `key` to be taken from.

    Until then what the visitor chose is ahead of the address.
    """
    return _arrived(key) or went_back()


def _arrived(key: str) -> bool:
    """Return whether the visitor has come to this page since `key` was last asked about."""
    arrivals = st.session_state.get(_ARRIVALS, 0)
    arrived: bool = st.session_state.get(_restored(key)) != arrivals
    st.session_state[_restored(key)] = arrivals
    return arrived


def went_back() -> bool:
    """Return whether the browser's back or forward button brought the visitor here."""
    context = get_script_run_ctx(suppress_warning=True)
    # Not documented, so a Streamlit without it only loses what the back button brings.
    return bool(getattr(context, "is_history_navigation", False))


def show(key: str, value: Value, default: Value = None) -> None:
    """Put the value of the widget `key` into the address if it is no default; call it after."""
    values = _texts(value)
    st.session_state[_shown(key)] = [] if values == _texts(default) else values
    st.session_state[_VALUES][key] = st.session_state[_shown(key)]


def shown(key: str) -> list[str]:
    """Return the last value of the widget `key`, on whichever page; empty for its default."""
    return st.session_state.get(_shown(key), [])


def write() -> None:
    """Write the values of the page's widgets into the address; call it after the page.

    All at once, since each change of the address is an entry in the browser's history.
    """
    before = {key: st.query_params.get_all(key) for key in st.query_params}
    after = {k: v for k, v in (before | st.session_state[_VALUES]).items() if v}
    if after != before:
        st.query_params.from_dict(after)
    st.session_state[_VALUES] = {}  # the page may be drawn again without its frame


def _texts(value: Value) -> list[str]:
    if value is None or value == "":
        return []
    values = [value] if isinstance(value, str | int | float) else value
    return [each if isinstance(each, str) else f"{each:g}" for each in values]


def _shown(key: str) -> str:
    return f"address.{key}"


def _restored(key: str) -> str:
    return f"address.restored.{key}"
