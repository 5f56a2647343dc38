"""The frame of every page: styles, the head, the memory panel, and errors in words."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, wraps
from pathlib import Path

import streamlit as st

from memory_toolkit.guard.guard import Busy
from memory_toolkit.measure.returning import return_memory
from recommender.app.components import clicks, page_head, query_params, reconnecting
from recommender.app.components.markup import plain
from recommender.app.i18n import language
from recommender.app.i18n.language import t
from recommender.app.server.configuration import settings
from recommender.core.errors import FetchingError, MatineeError, SettingsError

_STYLES = Path(__file__).with_name("styles.css")
# What sets the styles out for whoever reads them, and every page would send.
_COMMENT, _GAP = re.compile(r"/\*.*?\*/", re.DOTALL), re.compile(r"(?<=[;{},:])\s+|\s+(?=[{}])")


def draw(page: st.Page, main: Sequence[st.Page], lab: Sequence[st.Page], results: str) -> None:
    """Draw `page` within the frame, of which only the page is drawn again by a click on it.

    The arguments are those of `page_head.draw`.
    """
    with _errors_as_sentences("frame"):  # such as another's action that fills the memory just now
        query_params.arrive(page.url_path)
        st.html(f"<style>{_short_styles()}</style>")
        language.show_in_address()
        page_head.draw(main, lab, page, results, _script())
        reconnecting.draw_anew_when_reconnected()
        with _errors_as_sentences("frame"):
            if settings().debug_memory:
                # Imported only here, so that without DEBUG_MEMORY it costs nothing.
                from recommender.app.memory.panel import memory_panel

                memory_panel()
        page.run()


def is_debugging() -> bool:
    """Return whether the memory panel is shown; not if that cannot be known, which pages say."""
    try:
        return settings().debug_memory
    except SettingsError:
        return False


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
        with suppress(MemoryError):
            return_memory()
        _try_again(t("error.memory"))
    except Exception:  # the page must not show a traceback, whatever it was
        logging.getLogger(__name__).exception("page %s failed", page)
        st.error(t("error.unexpected"), icon=":material/error:")


@cache
def _short_styles() -> str:
    return _GAP.sub("", _COMMENT.sub("", _STYLES.read_text("utf-8")))


def _script() -> str:
    """Return what tells the browser the language, so that a screen reader speaks it and no
    translation is offered, what a click on a movie card does, and what to say when the server is
    away."""
    shown = f'document.documentElement.lang = "{language.current_language()}"'
    return "\n".join((shown, clicks.script(), reconnecting.script()))


def _try_again(sentence: str) -> None:
    with st.container(border=True, key="try_again"):
        st.markdown(sentence)
        st.button(t("error.try_again"), icon=":material/refresh:")  # any click runs the page anew


def _problem(heading: str, error: MatineeError) -> None:
    with st.container(border=True):
        st.subheader(heading, anchor=False)
        st.markdown(plain(str(error)))
        st.caption(t("error.what_to_do"))
