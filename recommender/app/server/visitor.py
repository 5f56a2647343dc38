"""The visitor: a secret in a cookie, and the store of the ratings that belong to it."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import ref

import streamlit as st
from starlette.requests import HTTPConnection

from recommender.app.components.markup import plain
from recommender.app.i18n.language import t
from recommender.app.server.configuration import settings
from recommender.app.server.newcomer_limit import NewcomerLimit, RateLimitedStore
from recommender.app.server.proxy_headers import passed_on
from recommender.app.server.visitor_cookie import COOKIE
from recommender.core.errors import ProfileError
from recommender.visitors.records import RETENTION_SECONDS, ProfileStore
from recommender.visitors.sqlite_store import MEMORY, SqliteStore
from recommender.visitors.stores import limits, open_store

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECRET = re.compile(r"[\w-]{32}", re.ASCII)
_newcomers = NewcomerLimit()
_opened: Callable[[], ProfileStore | None] = lambda: None  # noqa: E731
_SESSION, _PROBLEM = "visitor.ratings", "visitor.problem"
# The sentence for each reason of a ProfileError.
_SENTENCES = {
    "storage": "my_ratings.problem_storage",
    "away": "my_ratings.problem_away",
    "given_up": "my_ratings.problem_given_up",
    "full": "my_ratings.problem_full",
    "too_many": "my_ratings.problem_too_many",
    "crowded": "my_ratings.problem_crowded",
    "evenings_full": "together.problem_full",
    "evenings_away": "together.problem_away",
    "file_size": "my_ratings.problem_file_size",
    "file_kind": "my_ratings.problem_file_kind",
    "file_columns": "my_ratings.problem_file_columns",
    "file_people": "my_ratings.problem_file_people",
    "file_zip": "my_ratings.problem_file_zip",
    "file_books": "my_ratings.problem_file_books",
    "file_watchlist": "my_ratings.problem_file_watchlist",
    "file_rating": "my_ratings.problem_file_rating",
    "file_row": "my_ratings.problem_file_row",
    "file_slow": "my_ratings.problem_file_slow",
}


class VisitorCookie:
    """Gives every browser that opens a page a secret of its own, and renews it at each visit.

    The page's scripts cannot read the cookie, and other sites cannot send it along. Source: the
    ASGI specification, and Starlette's "Pure ASGI middleware".
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _asks_for_a_page(scope):
            await self._app(scope, receive, send)
            return
        known = HTTPConnection(scope).cookies.get(COOKIE, "")
        secret = known if _SECRET.fullmatch(known) else secrets.token_urlsafe(24)
        cookie = f"{COOKIE}={secret}; HttpOnly; SameSite=Lax; Path=/; Max-Age={RETENTION_SECONDS}"

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                # No cache between here and the browser may hand one visitor's cookie to another.
                kept = [h for h in message["headers"] if h[0].lower() != b"cache-control"]
                added = [(b"cache-control", b"private, no-cache"), (b"set-cookie", cookie.encode())]
                message = {**message, "headers": kept + added}
            await send(message)

        await self._app(scope, receive, send_with_cookie)


@dataclass(frozen=True)
class Visitor:
    """The owner of ratings.

    Attributes:
        store: where they are kept.
        secret: under what they are kept there.
        lasting: whether they outlive this session.
    """

    store: ProfileStore
    secret: str
    lasting: bool


def current_visitor() -> Visitor:
    """Return this session's visitor; without a cookie their ratings live as long as the session.

    Raises:
        ProfileError: the server's file cannot be used.
        SettingsError: a variable has a value that cannot be used, or psycopg is not installed.
    """
    secret = st.context.cookies.get(COOKIE)
    if isinstance(secret, str) and _SECRET.fullmatch(secret):  # AppTest's cookies are no text
        store = RateLimitedStore(_shared_store(), _newcomers, browser_address())
        return Visitor(store, secret, lasting=True)
    if _SESSION not in st.session_state:
        st.session_state[_SESSION] = SqliteStore(MEMORY, limits(settings()))
    return Visitor(st.session_state[_SESSION], "this session", lasting=False)


@contextmanager
def profile_errors_as_text() -> Iterator[None]:
    """Keep a ProfileError from ending the page; the log has it whole.

    It may happen in a widget's callback, where nothing can be drawn, so `take_problem` has the
    sentence for the visitor.
    """
    try:
        yield
    except ProfileError as error:
        logging.getLogger(__name__).warning("%s", error)
        values = {name: plain(str(value)) for name, value in error.values.items()}
        st.session_state[_PROBLEM] = t(_SENTENCES[error.reason], **values)


def take_problem() -> str | None:
    """Return the sentence for the error within `profile_errors_as_text`, once; None without one."""
    return st.session_state.pop(_PROBLEM, None)


def browser_address() -> str:
    """Return where this session's browser is; empty if nobody knows, or if it is here."""
    forwarded_for = st.context.headers.get_all("X-Forwarded-For")
    return passed_on(",".join(forwarded_for)) or st.context.ip_address or ""


def ratings_trouble() -> str | None:
    """Return why visitors' ratings cannot be kept now, as far as is known; None if they can.

    Raises:
        ProfileError: the server's file cannot be used.
        SettingsError: as `open_store`.
    """
    return _shared_store().trouble()


def table_trouble() -> str | None:
    """Return why the store that is open, if one is, cannot keep newcomers' ratings."""
    store = _opened()
    return None if store is None else store.trouble()


def forget_ended_evenings() -> None:
    """Delete what the store that is open, if one is, keeps of evenings that are over."""
    store = _opened()
    if store is not None:
        with suppress(ProfileError):  # they cannot be seen, and are deleted next time
            store.evenings.forget_ended()


def close_store() -> None:
    """Close the server's store; what waits in it is tried once more, for a few seconds at most."""
    _shared_store.clear()


@st.cache_resource(show_spinner=False, on_release=lambda store: store.close())
def _shared_store() -> ProfileStore:
    global _opened
    store = open_store(settings())
    _opened = ref(store)
    return store


def _asks_for_a_page(scope: Scope) -> bool:
    """Return whether this is a browser that opens a page, and no image, script, probe or socket."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
