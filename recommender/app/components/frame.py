"""The frame of every page: styles, the language switch, the memory panel, and errors in words."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

import streamlit as st

from memory_toolkit.guard.guard import Busy
from memory_toolkit.measure.returning import return_memory
from recommender.app.components import bottom_bar, clicks, query_params, reconnecting
from recommender.app.components.markup import plain
from recommender.app.i18n import language
from recommender.app.i18n.language import t
from recommender.app.server.configuration import settings
from recommender.core.errors import FetchingError, MatineeError, SettingsError

_STYLES = Path(__file__).with_name("styles.css")


def draw(page: st.Page, bar: Sequence[st.Page] = ()) -> None:
    """Draw `page` within the frame, of which only the page is drawn again by a click on it.

    Args:
        bar: the pages in the bar at the bottom of a phone's screen.
    """
    query_params.arrive(page.url_path)
    st.html(_STYLES)
    with st.container(horizontal=True, horizontal_alignment="right", key="language"):
        _tell_browser()
        language.switch()
    reconnecting.draw_anew_when_reconnected()
    with _errors_as_sentences("frame"):
        if settings().debug_memory:
            # Imported only here, so that without DEBUG_MEMORY it costs nothing.
            from recommender.app.memory.panel import memory_panel

            memory_panel()
    bottom_bar.draw(bar, page)
    page.run()


def body(draw: Callable[[], None]) -> Callable[[], None]:
    """Make a page of `draw`: a fragment, so that a click on the page sends nothing of the frame.

    An error in it becomes a sentence; a traceback goes to the log.
    """

    @st.fragment
    @wraps(draw)
    def fragment() -> None:
        with _errors_as_sentences(draw.__module__.rpartition(".")[2]):
            draw()
        query_params.write()

    return fragment


@contextmanager
def _errors_as_sentences(page: str) -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        _problem(t("error.settings"), error)
    except FetchingError as error:
        _try_again(f"{t('error.fetching')}  \n{plain(str(error))}")
    except MatineeError as error:
        _problem(t("error.bundle"), error)
    except Busy:  # the guard has written it to the log
        _try_again(t("error.busy"))
    except MemoryError as error:
        logging.getLogger(__name__).exception("page %s needed too much memory", page)
        # What it held is still in the frames.
        traceback.clear_frames(error.__traceback__)
        return_memory()
        _try_again(t("error.memory"))
    except Exception:  # the page must not show a traceback, whatever it was
        logging.getLogger(__name__).exception("page %s failed", page)
        st.error(t("error.unexpected"), icon=":material/error:")


def _tell_browser() -> None:
    """Tell the browser the language, so that a screen reader speaks it and no translation is
    offered, what a click on a movie card does, and what to say when the server is away."""
    shown = f'document.documentElement.lang = "{language.current_language()}"'
    script = "\n".join((shown, clicks.script(), reconnecting.script()))
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True, width="content")


def _try_again(sentence: str) -> None:
    with st.container(border=True, key="try_again"):
        st.markdown(sentence)
        st.button(t("error.try_again"), icon=":material/refresh:")  # any click runs the page anew


def _problem(heading: str, error: MatineeError) -> None:
    with st.container(border=True):
        st.subheader(heading, anchor=False)
        st.markdown(plain(str(error)))
        st.caption(t("error.what_to_do"))
