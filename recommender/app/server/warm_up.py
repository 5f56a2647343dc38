"""Warm-up: the server draws its own pages, in sessions without a browser.

Before the first visitor comes, every page is drawn once. Then no visitor waits for what Streamlit
imports on first use, and memory that stays is taken before memory that goes, which leaves fewer
holes. After the last visitor has left, one page is drawn again, see `replace_last_session`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.session_manager import SessionClient

from recommender.app.pages import PAGES, url_path
from recommender.core.records import Id

if TYPE_CHECKING:
    from recommender.recommender import Recommender

# As long as a browser would wait, on a machine that is busy with something else.
_SECONDS = 30.0
# Words and a part of one, a typing error, a decade and a genre: every way of searching is taken.
_SEARCH = "the thuosand 1990s drama"
Address = tuple[str, dict[str, Id]]
_sessions: set[str] = set()


class _NoBrowser(SessionClient):
    """The client of a session in place of a browser."""

    def __init__(self) -> None:
        self.drawn = asyncio.Event()

    def write_forward_msg(self, msg: ForwardMsg) -> None:
        if msg.WhichOneof("type") == "script_finished":
            self.drawn.set()

    @property
    def client_context(self) -> None:
        return None


async def draw_every_page(matinee: Recommender) -> None:
    """Draw every page once, with a user and a movie of `matinee` where a page asks for one, and
    search once in each way that loads nothing.

    Raises:
        TimeoutError: a page took longer than anybody would wait.
    """
    for by in ("title", "facts"):
        await asyncio.to_thread(matinee.search, _SEARCH, 1, by)
    user: dict[str, Id] = {"user": matinee.users(1)[0]}
    movie: dict[str, Id] = {"movie": matinee.popular(1)[0].movie_id}
    shown: dict[str, Id] = {"id": movie["movie"]}
    asked = {"for_you": user, "similar": movie, "hybrid": user, "movie": shown}
    await _draw([(url_path(name), asked.get(name, {})) for name in PAGES])


async def replace_last_session() -> None:
    """Draw a short page, so that Streamlit lets go of the last visitor's session.

    The loop that sends messages keeps the session it sent the last one to, with all that is in it,
    until it sends another. Source: Streamlit 1.67, Runtime._loop_coroutine.

    Raises:
        TimeoutError: as `draw_every_page`.
    """
    await _draw([(url_path("about"), {})])


def is_on() -> bool:
    """Return whether the page that this thread draws belongs to the warm-up."""
    context = get_script_run_ctx(suppress_warning=True)
    return context is not None and context.session_id in _sessions


async def _draw(addresses: Iterable[Address]) -> None:
    """Draw the pages one after the other in one session; to be used on Streamlit's event loop."""
    runtime, nobody = Runtime.instance(), _NoBrowser()
    session = runtime.connect_session(nobody, {})
    _sessions.add(session)
    try:
        for page, query in addresses:
            ask = BackMsg()
            ask.rerun_script.page_name = page
            ask.rerun_script.query_string = urlencode(query)
            nobody.drawn.clear()
            runtime.handle_backmsg(session, ask)
            async with asyncio.timeout(_SECONDS):
                await nobody.drawn.wait()
    finally:
        runtime.close_session(session)
        _sessions.discard(session)
