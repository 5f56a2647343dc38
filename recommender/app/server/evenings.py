"""Evenings of this server's visitors: with rate limits by address, and forgotten in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from recommender.app.server import visitor
from recommender.app.server.newcomer_limit import NewcomerLimit
from recommender.app.server.token_limit import TokenLimit
from recommender.core.errors import ProfileError
from recommender.visitors.evenings import Invitation, Joined
from recommender.visitors.records import StoreUnavailableError

# As many visitors of one address open an evening within an hour.
MAX_OPENINGS = 60
_PURGE_SECONDS = 600.0
_openings = NewcomerLimit(MAX_OPENINGS, "opened an evening")
_tokens = TokenLimit()
_lock = threading.Lock()
_purged_at = 0.0


def open_evening(name: str) -> None:
    """Open an evening for this session's visitor.

    Raises:
        ProfileError: too many of one address opened one, there are too many, or none can be kept.
    """
    me, address = visitor.current_visitor(), visitor.browser_address()
    if address:
        _openings.admit(address, me.secret)
    me.store.evenings.open(me.secret, name)


def invitation(token: str) -> Invitation | Literal["wait"]:
    """Return what has become of a token, or ``"wait"`` where too many wrong ones came from the
    visitor's address.

    Raises:
        ProfileError: evenings cannot be read.
    """
    address = visitor.browser_address()
    with _lock:
        if _tokens.left(address) > 0:
            return "wait"
    me = visitor.current_visitor()
    found = me.store.evenings.invitation(me.secret, token)
    with _lock:
        _tokens.note(address, right=found != "over")
    return found


def join(token: str, name: str) -> Joined:
    """Let this session's visitor join the evening of a token that `invitation` knows.

    Raises:
        ProfileError: evenings cannot be written.
    """
    me = visitor.current_visitor()
    return me.store.evenings.join(me.secret, token, name)


@contextmanager
def errors_as_text() -> Iterator[None]:
    """Do what `visitor.profile_errors_as_text` does, and say of a database that is away what that
    means for evenings."""
    with visitor.profile_errors_as_text():
        try:
            yield
        except StoreUnavailableError as error:
            raise ProfileError(str(error), "evenings_away") from error


def forget_ended() -> None:
    """Delete, every few minutes, what is kept of evenings that are over."""
    global _purged_at
    if time.monotonic() - _purged_at < _PURGE_SECONDS:
        return
    _purged_at = time.monotonic()
    visitor.forget_ended_evenings()
